import { AdapterError } from '#contract';

/** A moment as the service wrote it. */
export interface Moment {
  /** Of two readings, the later one that has already come: the clock was put back, and what is told has happened. */
  readonly best: Date;
  /** Of two readings, the earlier one: asking again from too early finds a change twice, from too late never. */
  readonly earliest: Date;
  /** The same text for the same state: as written where it has no offset, since its best reading may change within the hour. */
  readonly text: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How far the service's clock may be ahead of ours. */
const SLACK_MS = 60_000;

/** An xs:dateTime (or xs:date) as a moment; without an offset it is local time there. */
export function toMoment(text: string, timeZone: string, now: Date): Moment | null {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (!match) return null;
  const [, day, time = '00:00:00', fraction = '', offset] = match;
  const written = new Date(`${day}T${time}${fraction.slice(0, 4)}${offset ?? 'Z'}`);
  if (Number.isNaN(written.getTime())) return null;
  if (offset !== undefined) return { best: written, earliest: written, text: written.toISOString() };
  const wall = written.getTime();
  const around = [-DAY_MS, DAY_MS].map((shift) => offsetAt(wall + shift, timeZone));
  const readings = around
    .map((ahead) => wall - ahead)
    .filter((one) => offsetAt(one, timeZone) === wall - one)
    .toSorted((a, b) => a - b);
  // An hour that the clocks leave out is none of either; it is read as if they had not moved yet.
  const earliest = readings[0] ?? wall - (around[0] ?? 0);
  const best = readings.findLast((one) => one <= now.getTime() + SLACK_MS) ?? earliest;
  return { best: new Date(best), earliest: new Date(earliest), text };
}

/** @throws AdapterError malformed */
export function noMoment(place: string): never {
  throw new AdapterError('malformed', 'none', `a case has no xs:dateTime at ${place}`);
}

/** Where to ask again from a moment: an hour earlier around the night in which the clock is put back. */
export const resume = (moment: number, timeZone: string): number =>
  Math.max(0, moment - Math.max(0, offsetAt(moment - 3 * HOUR_MS, timeZone) - offsetAt(moment + 3 * HOUR_MS, timeZone)));

/** Milliseconds by which local time is ahead of UTC at a moment. */
function offsetAt(moment: number, timeZone: string): number {
  const whole = Math.floor(moment / 1000) * 1000;
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  // What stands in the year 1 or 9999 is written otherwise, and no hour of it matters.
  const shown = Date.parse(`${format.format(whole).replace(' ', 'T')}Z`);
  return Number.isNaN(shown) ? 0 : shown - whole;
}
