/** Named characters that German city texts use; any other name stays as it stands. */
const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  shy: '',
  auml: 'ä',
  ouml: 'ö',
  uuml: 'ü',
  Auml: 'Ä',
  Ouml: 'Ö',
  Uuml: 'Ü',
  szlig: 'ß',
  euro: '€',
  sect: '§',
  ndash: '–',
  mdash: '—',
  bdquo: '„',
  ldquo: '“',
  rdquo: '”',
  hellip: '…',
  eacute: 'é',
};

const decode = (text: string): string =>
  text.replaceAll(/&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});/g, (whole, name: string) => {
    if (!name.startsWith('#')) return Object.hasOwn(named, name) ? (named[name] as string) : whole;
    const code = name[1] === 'x' || name[1] === 'X' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 31 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : ' ';
  });

const block = /^(p|br|div|li|ul|ol|dl|dt|dd|h[1-6]|tr|table|section|article|blockquote|hr)$/;
const opaque = /^(script|style|template|iframe|noscript)$/;

/**
 * HTML as lines of plain text: tags and comments go, what a browser would not show goes with its content, block
 * elements end a line. One pass over the text, so hostile input costs no more than its length. The result is text, never
 * HTML: whoever shows it must escape it as any text.
 */
export function plainLines(html: string): readonly string[] {
  let out = '';
  let at = 0;
  let hidden: string | null = null;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open < 0) {
      if (!hidden) out += html.slice(at);
      break;
    }
    if (!hidden) out += html.slice(at, open);
    const comment = html.startsWith('<!--', open);
    const close = comment ? html.indexOf('-->', open + 4) : html.indexOf('>', open);
    const tag = /^<(\/?)([A-Za-z][A-Za-z0-9]{0,15})/.exec(html.slice(open, open + 20));
    if (!comment && !tag && html[open + 1] !== '!') {
      if (!hidden) out += '<';
      at = open + 1;
      continue;
    }
    // An unfinished tag swallows the rest, as in a browser.
    if (close < 0) break;
    at = close + (comment ? 3 : 1);
    const name = tag?.[2]?.toLowerCase() ?? '';
    if (hidden) hidden = tag?.[1] === '/' && name === hidden ? null : hidden;
    else if (opaque.test(name) && tag?.[1] !== '/') hidden = name;
    else if (block.test(name)) out += '\n';
  }
  return decode(out)
    .split(/[\r\n]+/)
    .map((line) =>
      line
        .replaceAll(/[\u200b-\u200f\u2060\ufeff\u00ad]/g, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
}

/** The beginning of a text up to `most` characters, cut at the end of a sentence or a word. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most);
  const sentence = cut.search(/[.!?](?=[^.!?]*$)/);
  if (sentence > most / 3) return cut.slice(0, sentence + 1);
  const space = cut.lastIndexOf(' ');
  return `${cut.slice(0, space > 0 ? space : most - 1)}…`;
}
