import type { Channel, Fee } from '#contract';

// The same rules as adapters/xzufi has, since the texts come from the same editorial systems; adapters share no code.

const named: ReadonlyMap<string, string> = new Map(
  (
    'amp & lt < gt > quot " apos \' euro € ndash – mdash — sect § bdquo „ ldquo “ rdquo ” ' +
    'auml ä ouml ö uuml ü Auml Ä Ouml Ö Uuml Ü szlig ß'
  )
    .split(' ')
    .flatMap((word, index, words) => (index % 2 === 0 ? [[word, words[index + 1] ?? ''] as const] : []))
    .concat([
      ['nbsp', ' '],
      ['shy', ''],
    ]),
);

const decode = (text: string): string =>
  text.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([A-Za-z]{2,8}));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return named.get(name) ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code > 31 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : ' ';
  });

const block = /^(p|br|div|li|ul|ol|h[1-6]|tr|table|dt|dd)$/;

/**
 * Lines of plain text in a text with HTML tags; block elements end a line, scripts and styles go with their content. One pass,
 * so hostile input costs no more than its length. The result is text, never HTML.
 */
export function plainLines(html: string): readonly string[] {
  let out = '';
  let hidden: string | null = null;
  for (let at = 0; at < html.length;) {
    const open = html.indexOf('<', at);
    const end = open < 0 ? html.length : open;
    if (!hidden) out += html.slice(at, end);
    if (open < 0) break;
    const [, slash, name = ''] = /^<(\/?)([A-Za-z][A-Za-z0-9]{0,15})/.exec(html.slice(open, open + 20)) ?? [];
    const comment = html.startsWith('<!', open);
    if (name === '' && !comment) {
      if (!hidden) out += '<';
      at = open + 1;
      continue;
    }
    const close = html.indexOf('>', open);
    if (close < 0) break;
    at = close + 1;
    const tag = name.toLowerCase();
    if (hidden) hidden = slash === '/' && tag === hidden ? null : hidden;
    else if (/^(script|style)$/.test(tag) && slash !== '/') hidden = tag;
    else if (block.test(tag)) out += '\n';
  }
  return decode(out)
    .split(/[\r\n]+/)
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter((line) => line !== '');
}

/** The beginning of a text up to `most` characters, cut at the end of a sentence or a word. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most - 1);
  const sentence = cut.search(/[.!?](?=[^.!?]*$)/);
  if (sentence > most / 3) return cut.slice(0, sentence + 1);
  const space = cut.lastIndexOf(' ');
  return `${cut.slice(0, space > 0 ? space : most - 1)}…`;
}

const priced = /^(?:([^:]{2,80}):\s*)?(\d{1,3}(?:\.\d{3})+|\d{1,5})(?:,(\d{2}|-|–))?\s?(?:euro|eur|€)(?:\s+(online|vor ort))?\.?$/i;
const free = /^(?:([^:]{2,80}):\s*)?(?:gebührenfrei|kostenlos|kostenfrei|keine|es fallen keine (?:gebühren|kosten) an)\.?$/i;
/** Words by which an amount is not the whole fee. */
const doubtful = /\b(ab|bis|zwischen|mindestens|höchstens|etwa|circa|ca|ungefähr|zuzüglich|zzgl|zusätzlich|plus|je nach|ermäßigt)\b/i;

/**
 * Fees from free text, only where the text says nothing else: lines or parts of lines that are an amount with, at most, a
 * label before and `online` or `vor Ort` behind. One part that says more makes the whole text unsafe: then none is given,
 * since a wrong or partial fee is worse than none.
 */
export function feesOf(html: string): readonly Fee[] {
  const fees: Fee[] = [];
  for (const line of plainLines(html)) {
    let label: string | undefined;
    for (const part of line.split(/;\s*|,\s+/)) {
      const [, before, whole = '', fraction = '', where] = priced.exec(part) ?? [];
      const freeOf = whole === '' ? free.exec(part) : null;
      if (whole === '' && !freeOf) return [];
      label = before ?? freeOf?.[1] ?? label;
      if (label !== undefined && (doubtful.test(label) || /\d\s?(euro|eur|€)/i.test(label))) return [];
      const channel: Channel | undefined = where === undefined ? undefined : where.toLowerCase() === 'online' ? 'ONLINE' : 'OFFICE';
      const cents = whole === '' ? 0 : Number(whole.replaceAll('.', '')) * 100 + (/^\d+$/.test(fraction) ? Number(fraction) : 0);
      fees.push({
        cents,
        currency: 'EUR',
        ...(label === undefined ? {} : { label: { de: label.trim() } }),
        ...(channel ? { channel } : {}),
      });
    }
  }
  return fees.length <= 30 ? fees : [];
}

const units: Record<string, number> = { tag: 1, werktag: 1, arbeitstag: 1, woche: 7, monat: 30 };

/** Days of `2 bis 4 Wochen`, `etwa 3 Tage`, `sofort`; undefined where the text says anything else. */
export function processingDaysOf(html: string): { readonly min: number; readonly max: number } | undefined {
  const text = plainLines(html).join(' ').replace(/\.$/, '');
  if (/^sofort$/i.test(text)) return { min: 0, max: 0 };
  const match =
    /^(?:etwa |circa |ca\. |ungefähr )?(\d{1,3})(?:\s?(?:bis|-|–)\s?(\d{1,3}))?\s(werktag|arbeitstag|tag|woche|monat)(?:en|n|e)?$/i.exec(
      text,
    );
  if (!match) return undefined;
  const unit = units[(match[3] ?? '').toLowerCase()] ?? 1;
  const [min, max] = [Number(match[1]) * unit, Number(match[2] ?? match[1]) * unit];
  return min <= max ? { min, max } : undefined;
}

/** The text as an http(s) address, or undefined: nothing else may become a link. */
export function webAddress(text: string | undefined): string | undefined {
  const url = text === undefined ? null : URL.parse(text);
  return url && /^https?:$/.test(url.protocol) ? url.href : undefined;
}
