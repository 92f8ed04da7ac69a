import type { Fee } from '#contract';
import { plainLines } from './plain-text.ts';

/**
 * Fees from free text, only where the text says nothing else.
 *
 * A line counts where it is an amount with, at most, a label before or a condition in brackets behind it, or says that
 * there is no fee. One line that says more (from, between, plus, depends, in addition) makes the whole text unsafe:
 * then no fee is given at all, since a wrong or partial fee is worse than none.
 */
export function parseFees(html: string): readonly Fee[] {
  const fees: Fee[] = [];
  for (const line of plainLines(html)) {
    const fee = feeOf(line);
    if (!fee) return [];
    fees.push(fee);
  }
  return fees.length <= 30 ? fees : [];
}

const free =
  /^(?:(.{2,80}?):\s*)?(?:ist\s+|sind\s+)?(?:gebührenfrei|kostenlos|kostenfrei|keine gebühr(?:en)?|es fallen keine gebühren an)\.?$/i;
const priced = /^(?:(.{2,80}?):\s*)?(\d{1,3}(?:\.\d{3})*|\d{1,5})(?:,(\d{2}|-|–))?\s?(?:euro|eur|€)(?:\s*\(([^()]{2,80})\))?\.?$/i;
/** Words by which an amount is not the whole fee, or a label is a sentence of its own. */
const doubtful =
  /\b(ab|bis|zwischen|mindestens|höchstens|etwa|circa|ca|ungefähr|regel|grundsätzlich|abhängig|je nach|zuzüglich|zzgl|zusätzlich|plus|aufpreis|dazu|einzelfall|prozent|ermäßigt)\b/i;

function feeOf(line: string): Fee | null {
  const without = free.exec(line);
  if (without) return doubtfulLabel(without[1]) ? null : labelled(0, without[1]);
  const match = priced.exec(line);
  if (!match) return null;
  const [, before, whole = '', fraction = '', behind] = match;
  if (doubtfulLabel(before) || doubtfulLabel(behind)) return null;
  const cents = Number(whole.replaceAll('.', '')) * 100 + (/^\d+$/.test(fraction) ? Number(fraction) : 0);
  const label = [before, behind].filter((part) => part !== undefined).join(', ');
  return labelled(cents, label === '' ? undefined : label);
}

// `bis` and `ab` before an age are part of a label, not of an amount.
const doubtfulLabel = (label: string | undefined): boolean =>
  label !== undefined &&
  (doubtful.test(label.replaceAll(/\b(ab|bis|zu)\b(?=[^,;]*\b(jahr|lebensjahr|monat|seite|tag|dokument))/gi, '')) ||
    /\d\s?(euro|eur|€)/i.test(label));

const labelled = (cents: number, label: string | undefined): Fee =>
  label === undefined ? { cents, currency: 'EUR' } : { cents, currency: 'EUR', label: { de: label.trim() } };

const units: Record<string, number> = { tag: 1, werktag: 1, arbeitstag: 1, woche: 7, monat: 30 };

/** Days of `2 bis 4 Wochen`, `etwa 3 Tage`, `sofort`; undefined where the text says anything else. */
export function parseProcessingDays(html: string): { readonly min: number; readonly max: number } | undefined {
  const text = plainLines(html).join(' ').replace(/\.$/, '');
  if (/^sofort$/i.test(text)) return { min: 0, max: 0 };
  const match =
    /^(?:etwa |circa |ca\. |ungefähr )?(\d{1,3})(?:\s?(?:bis|-|–)\s?(\d{1,3}))?\s(werktag|arbeitstag|tag|woche|monat)(?:en|n|e)?$/i.exec(
      text,
    );
  if (!match) return undefined;
  const unit = units[(match[3] as string).toLowerCase()] ?? 1;
  const [min, max] = [Number(match[1]) * unit, Number(match[2] ?? match[1]) * unit];
  return min <= max ? { min, max } : undefined;
}
