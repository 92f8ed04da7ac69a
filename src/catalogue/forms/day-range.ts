import { dayOf } from '../days.ts';

/*
 * The keyword `x-day` bounds a date by the day on which the form is sent, or by another field beside it:
 *
 *   "x-day": { "earliest": "-7y", "latest": "0d" }      from seven years ago until today
 *   "x-day": { "notBefore": "from" }                    not before the day in the field `from`
 *
 * A date that registers know in part (format `partial-date`: 1964, 1964-08, 1964-08-00, 1964-00-00) passes where one of the days
 * that it may mean does.
 */

/** What the keyword holds; each part may be left out. */
export interface DayRange {
  /** Days, months or years from today: `-7y`, `0d`, `+10m`. */
  readonly earliest?: string;
  readonly latest?: string;
  /** Name of a field of the same object. */
  readonly notBefore?: string;
}

/** Which bound is not kept, and the day that it means (ISO 8601). */
export interface DayFault {
  readonly bound: 'earliest' | 'latest' | 'notBefore';
  readonly limit: string;
}

const offset = '^[+-]?[0-9]{1,3}[dmy]$';

/** JSON Schema of the keyword itself. */
export const dayRangeSchema = {
  type: 'object',
  properties: {
    earliest: { type: 'string', pattern: offset },
    latest: { type: 'string', pattern: offset },
    notBefore: { type: 'string', minLength: 1 },
  },
  additionalProperties: false,
  minProperties: 1,
};

const partial = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/;
const pad = (number: number, digits = 2) => String(number).padStart(digits, '0');
const lastDayOf = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** The first and the last day that a date may mean, known in part or whole; null if it is no date. */
export function daysMeant(text: string): { readonly first: string; readonly last: string } | null {
  const found = partial.exec(text);
  if (!found) return null;
  const [year, month, day] = [Number(found[1]), Number(found[2] ?? 0), Number(found[3] ?? 0)];
  if (year === 0 || month > 12 || (month === 0 && day !== 0)) return null;
  if (month === 0) return { first: `${pad(year, 4)}-01-01`, last: `${pad(year, 4)}-12-31` };
  if (day > lastDayOf(year, month)) return null;
  const of = (one: number) => `${pad(year, 4)}-${pad(month)}-${pad(one)}`;
  return { first: of(day || 1), last: of(day || lastDayOf(year, month)) };
}

/** A day so many days, months or years from another; the last day of a month stays within its month. */
function dayFrom(today: string, by: string): string {
  const amount = Number.parseInt(by, 10);
  const [year = 0, month = 1, day = 1] = today.split('-').map(Number);
  if (by.endsWith('d')) return new Date(Date.UTC(year, month - 1, day + amount)).toISOString().slice(0, 10);
  const months = year * 12 + (month - 1) + amount * (by.endsWith('y') ? 12 : 1);
  const [toYear, toMonth] = [Math.floor(months / 12), (months % 12) + 1];
  return `${pad(toYear, 4)}-${pad(toMonth)}-${pad(Math.min(day, lastDayOf(toYear, toMonth)))}`;
}

/** The first bound that a date does not keep. @param beside the object that the date stands in */
export function findDayFault(range: DayRange, text: string, beside: object, now: Date): DayFault | null {
  const meant = daysMeant(text);
  if (!meant) return null; // that is for `format` to say
  const today = dayOf(now);
  const earliest = range.earliest === undefined ? null : dayFrom(today, range.earliest);
  if (earliest !== null && meant.last < earliest) return { bound: 'earliest', limit: earliest };
  const latest = range.latest === undefined ? null : dayFrom(today, range.latest);
  if (latest !== null && meant.first > latest) return { bound: 'latest', limit: latest };
  const other = range.notBefore === undefined ? undefined : (beside as Readonly<Record<string, unknown>>)[range.notBefore];
  const limit = typeof other === 'string' ? (daysMeant(other)?.first ?? null) : null;
  return limit !== null && meant.last < limit ? { bound: 'notBefore', limit } : null;
}
