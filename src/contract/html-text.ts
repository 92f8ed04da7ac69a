/** Named characters that German city texts use; any other name stays as it stands. */
const named: ReadonlyMap<string, string> = new Map(
  (
    'amp & lt < gt > quot " apos \' euro € sect § ndash – mdash — bdquo „ ldquo “ rdquo ” hellip … eacute é ' +
    'auml ä ouml ö uuml ü Auml Ä Ouml Ö Uuml Ü szlig ß sup1 ¹ sup2 ² sup3 ³ frac12 ½ frac14 ¼ minus − bull • middot ·'
  )
    .split(' ')
    .flatMap((word, index, words) => (index % 2 === 0 ? [[word, words[index + 1] ?? ''] as const] : []))
    .concat([
      ['nbsp', ' '],
      ['thinsp', ' '],
      ['ensp', ' '],
      ['emsp', ' '],
      ['shy', '\u00ad'],
    ]),
);

const decode = (text: string): string =>
  text.replaceAll(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,8}\d{0,2}));/g,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return named.get(name) ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      return code > 31 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : ' ';
    },
  );

/** Ends a line. */
const block =
  /^(address|article|aside|blockquote|br|caption|center|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|legend|li|main|nav|ol|p|pre|section|summary|table|tbody|tfoot|thead|tr|ul)$/;
const cell = /^t[dh]$/;
/** Changes how letters look, not what they say. */
const inline =
  /^(a|abbr|acronym|b|bdi|bdo|big|cite|code|data|dfn|em|font|i|ins|kbd|label|mark|nobr|q|samp|small|span|strong|time|tt|u|var|wbr)$/;
/** Never shown. Its content is no HTML: only its own end tag ends it. */
const opaque = /^(script|style|template|iframe|noscript|textarea|title)$/;
const struck = /^(s|strike|del)$/;
const unseen = /\bline-through\b|\bdisplay\s*:\s*none\b|\bvisibility\s*:\s*hidden\b|\shidden(?=[\s=>/]|$)/i;
const empty = /^(area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)$/;

/*
 * What a reader of amounts must know and a reader of text need not, as characters that no text has (control characters of
 * the source are spaces): a cell begins; a tag stood here; something stood here that is not plain text.
 */
const CELL = '\u0001';
const SEAM = '\u0002';
const DOUBT = '\u0003';

/** HTML as text with marks, in one pass, so that hostile input costs no more than its length. */
function marked(html: string): string {
  const out: string[] = [];
  let hidden: { readonly name: string; readonly raw: boolean; depth: number } | null = null;
  const say = (text: string) => void (hidden || out.push(text));
  // eslint-disable-next-line no-control-regex -- they are what is taken out
  const source = html.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, ' ');
  for (let at = 0; at < source.length;) {
    const open = source.indexOf('<', at);
    say(source.slice(at, open < 0 ? source.length : open));
    if (open < 0) break;
    const [, slash, written = ''] = /^<(\/?)([A-Za-z][A-Za-z0-9-]{0,30})/.exec(source.slice(open, open + 34)) ?? [];
    const comment = source.startsWith('<!--', open);
    if (written === '' && source[open + 1] !== '!') {
      say('<');
      at = open + 1;
      continue;
    }
    const close = comment ? source.indexOf('-->', open + 4) : source.indexOf('>', open);
    // An unfinished tag swallows the rest, as in a browser.
    if (close < 0) {
      say(DOUBT);
      break;
    }
    at = close + (comment ? 3 : 1);
    const name = written.toLowerCase();
    const ends = slash === '/';
    if (hidden) {
      if (name !== hidden.name || (hidden.raw && !ends)) continue;
      hidden.depth += ends ? -1 : 1;
      if (hidden.depth === 0) hidden = null;
    } else if (!ends && (opaque.test(name) || struck.test(name) || (!empty.test(name) && unseen.test(source.slice(open, close))))) {
      say(opaque.test(name) ? SEAM : DOUBT);
      hidden = { name, raw: opaque.test(name), depth: 1 };
    } else if (block.test(name)) say('\n');
    else if (cell.test(name)) say(ends ? ' ' : CELL);
    else say(inline.test(name) || comment || name === '' ? SEAM : DOUBT);
  }
  return decode(out.join('')).replaceAll(/[\u200b-\u200f\u2060\ufeff\u00ad]/g, SEAM);
}

/** A line of a text with what is known of how it was written. */
export interface TextLine {
  /** Text of each table cell; one where it is no row of a table. */
  readonly cells: readonly string[];
  /** The line is letters and signs and nothing else: nothing raised, struck out or unseen, and no tag within a number. */
  readonly plain: boolean;
}

const tidy = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** Lines of a text with HTML in it, as `plainLines` gives them, for readers that must not mistake what they read. */
export function textLines(html: string): readonly TextLine[] {
  return marked(html)
    .split(/[\r\n]+/)
    .map((line): TextLine => {
      // Amounts that a tag cuts in two are often two amounts: 12<small>50</small>.
      // oxlint-disable-next-line eslint/no-control-regex -- a mark of our own
      const plain = !line.includes(DOUBT) && !/[\d.,]\u0002+[\d.,]/.test(line);
      const cells = line
        .replaceAll(SEAM, '')
        .split(CELL)
        .map((text) => tidy(text.replaceAll(DOUBT, ' ')));
      return { cells: cells.filter((text) => text !== ''), plain };
    })
    .filter(({ cells, plain }) => cells.length > 0 || !plain);
}

/**
 * HTML as lines of plain text: tags and comments go, what a browser would not show or would strike out goes with its
 * content, block elements end a line, cells of a table stand with ` | ` between. One pass over the text. The result is
 * text, never HTML: whoever shows it must escape it as any text.
 */
export const plainLines = (html: string): readonly string[] =>
  textLines(html).flatMap(({ cells }) => (cells.length > 0 ? [cells.join(' | ')] : []));

/** Most keywords of an offer, and most letters of one: who writes sentences there is not heard. */
const keywordBounds = { many: 60, letters: 80 };

/** Keywords of texts that have marks or line ends between them; each once. */
export const keywordsOf = (...texts: readonly string[]): readonly string[] => {
  const words = texts.flatMap((text) => plainLines(text).flatMap((line) => line.split(/[,;|]/)));
  const sound = words.map((word) => word.trim()).filter(({ length }) => length > 1 && length <= keywordBounds.letters);
  return [...new Set(sound)].slice(0, keywordBounds.many);
};

/** The beginning of a text, at most `most` characters, cut at the end of a sentence or a word. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most - 1);
  const sentence = cut.search(/[.!?](?=[^.!?]*$)/);
  if (sentence > most / 3) return cut.slice(0, sentence + 1);
  const space = cut.lastIndexOf(' ');
  return `${cut.slice(0, space > 0 ? space : most - 1)}…`;
}
