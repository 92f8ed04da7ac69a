import { textLines } from './html-text.ts';
import type { Fee } from './offer.ts';
import type { Channel } from './vocabulary.ts';

/** Most fees of one text; a longer list is a price list, and no offer shows it. */
const mostFees = 30;

/**
 * Fees from free text, German, with or without HTML; only where the text says nothing else.
 *
 * A line counts if it is an amount in euros with, at most, a label before it (`Kinderausweis: 13 Euro`, or two cells of a
 * table), a condition in brackets or `online` or `vor Ort` behind it, or if it says that there is no fee. One line that
 * says more (from, up to, per page, plus, a footnote, another currency, something raised or struck out) makes the whole
 * text unsafe: then there is no fee at all, since a wrong or partial fee is worse than none. So do several amounts of
 * which nothing says which is for what.
 */
export function feesOf(html: string): readonly Fee[] {
  const fees: Fee[] = [];
  for (const { cells, plain } of textLines(html)) {
    if (!plain || cells.length > 2) return [];
    const read = cells.length === 2 ? feesOfRow(cells[0] as string, cells[1] as string) : feesOfLine(cells[0] ?? '');
    if (read.length === 0) return [];
    fees.push(...read);
  }
  const indistinct = new Set(fees.map(({ label, channel }) => `${label?.de ?? ''} ${channel ?? ''}`)).size < fees.length;
  return indistinct || fees.length > mostFees ? [] : fees;
}

const priced =
  /^(?:(.{2,80}?[^\s\d]\)?):\s*|(.{2,80}?\d):\s+)?(0|[1-9]\d{0,4}|[1-9]\d{0,2}(?:\.\d{3})+)(?:,(\d{2}|-|–))?\s?(?:euro|eur|€)(?:\s+(online|vor ort))?(?:\s*\(([^()]{2,80})\))?\.?$/i;
const free =
  /^(?:([^:]{2,80}):\s*)?(?:ist\s+|sind\s+)?(?:gebührenfrei|kostenlos|kostenfrei|keine|keine gebühr(?:en)?|es fallen keine (?:gebühren|kosten) an)\.?$/i;

/** A row of two cells: what it is for, and the amount. */
function feesOfRow(label: string, amount: string): readonly Fee[] {
  return label.includes(':') || amount.includes(':') || !priced.test(amount) ? [] : feesOfLine(`${label}: ${amount}`);
}

/** Fees of a line; none if a part of it is no fee. `1 Jahr: 25 Euro online, 30 Euro vor Ort` is two under one label. */
function feesOfLine(line: string): readonly Fee[] {
  const whole = feeOf(line);
  if (whole) return [whole];
  const fees: Fee[] = [];
  for (const part of line.split(/;\s*|,\s+/)) {
    const fee = feeOf(part);
    if (!fee) return [];
    const before = fees.at(-1)?.label;
    fees.push(fee.label || !fee.channel || !before ? fee : { ...fee, label: before });
  }
  return fees;
}

function feeOf(line: string): Fee | null {
  const without = free.exec(line);
  if (without) return isDoubtful(without[1]) ? null : feeWith(0, without[1]);
  const match = priced.exec(line);
  if (!match) return null;
  const [, worded, numbered, euros = '', cents = '', where, behind] = match;
  const before = worded ?? numbered;
  if (isDoubtful(before) || isDoubtful(behind)) return null;
  const label = [before, behind].filter((part) => part !== undefined).join(', ');
  const channel = where === undefined ? undefined : where.toLowerCase() === 'online' ? 'ONLINE' : 'OFFICE';
  return feeWith(
    Number(euros.replaceAll('.', '')) * 100 + (/^\d+$/.test(cents) ? Number(cents) : 0),
    label === '' ? undefined : label,
    channel,
  );
}

const feeWith = (cents: number, label: string | undefined, channel?: Channel): Fee => ({
  cents,
  currency: 'EUR',
  ...(label === undefined ? {} : { label: { de: label.trim() } }),
  ...(channel ? { channel } : {}),
});

/** Words by which an amount is not the whole fee, not always the fee, or none. */
const doubtful =
  /(?<!\p{L})(ab|bis|von|zwischen|mindestens|mindestgebühr|min|höchstens|höchstgebühr|maximal|max|etwa|circa|ca|rund|ungefähr|regel|üblicherweise|meist|grundsätzlich|abhängig|je|pro|jede[rsn]?|zuzüglich|zzgl|zusätzlich|plus|sowie|abzüglich|abzgl|aufpreis|zuschlag|aufschlag|dazu|einzelfall|prozent|ermäßigt|ermäßigung|rabatt|erstattung|kaution|netto|brutto|mwst|mehrwertsteuer|porto|versand\p{L}*|statt|bisher|früher|künftig|voraussichtlich|nicht|siehe|fußnote|hinweis|stand|dollar|usd|chf|franken|gbp|pfund|cent)(?!\p{L})/iu;
/** `bis` and `ab` before an age or a number of pieces are part of a label, not of an amount. */
const ofAge = /(?<!\p{L})(ab|bis|zu|von)(?!\p{L})(?=[^,;]*\d[^,;]*(?<!\p{L})\p{L}*(jahr|monat|seite|tag|dokument))/giu;
/** A percentage, a footnote, another currency, an amount, a day or a year, or a sentence before the one with the amount. */
const foreignSigns =
  /[%‰*†‡$£¥|¹²³⁰-⁹½¼¾]|\d\s?(euro|eur|€)|\d{1,2}\.\s?\d{1,2}\.|(?<!\d)(19|20)\d\d(?!\d)|\p{L}{3}[.!?]\s+\p{Lu}|^[-–−]|[-–−]\s*$/iu;

const isDoubtful = (label: string | undefined): boolean =>
  label !== undefined && (!/\p{L}/u.test(label) || doubtful.test(label.replaceAll(ofAge, '')) || foreignSigns.test(label));

/** True if a text, with or without HTML, only names what an amount is for: where it limits the amount, there is no fee to show. */
export function isFeeLabel(html: string): boolean {
  const lines = textLines(html);
  return lines.every(({ plain }) => plain) && !isDoubtful(lines.flatMap(({ cells }) => cells).join(' '));
}

/** Days of the calendar in a number of units. A working week is five days (Arbeitstag) or six (Werktag). */
const units: Readonly<Record<string, number>> = { tag: 1, kalendertag: 1, werktag: 7 / 6, arbeitstag: 7 / 5, woche: 7, monat: 30 };

/**
 * Days of `2 bis 4 Wochen`, `etwa 3 Tage`, `sofort`; undefined if the text says anything else. Days are those of the
 * calendar: 5 Arbeitstage are 7, and where it depends on the weekday the shortest and the longest are given.
 */
export function processingDaysOf(html: string): { readonly min: number; readonly max: number } | undefined {
  const lines = textLines(html);
  const [line] = lines;
  if (!line?.plain || lines.length > 1 || line.cells.length !== 1) return undefined;
  const text = (line.cells[0] as string).replace(/\.$/, '');
  if (/^sofort$/i.test(text)) return { min: 0, max: 0 };
  const match =
    /^(?:etwa |circa |ca\. ?|ungefähr )?(\d{1,3})(?:\s?(?:bis|-|–)\s?(\d{1,3}))?\s(kalendertag|werktag|arbeitstag|tag|woche|monat)(?:en|n|e)?$/i.exec(
      text,
    );
  if (!match) return undefined;
  const unit = units[(match[3] ?? '').toLowerCase()] ?? 1;
  const [least, most] = [Number(match[1]), Number(match[2] ?? match[1])];
  return least <= most ? { min: Math.floor(least * unit + 1e-9), max: Math.ceil(most * unit - 1e-9) } : undefined;
}
