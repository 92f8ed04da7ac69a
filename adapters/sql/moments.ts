import { isInFuture } from '#contract';

/*
 * Moments as a database writes them. With a zone (timestamptz, MariaDB's TIMESTAMP in a session that is set to UTC) a text
 * is a moment. Without one (timestamp, DATETIME) it is what the clock on the wall showed, and in the night in which summer
 * time ends the clock shows one hour twice. Two consequences:
 *
 *   which of the two   the later one that is not in the future: rows of that night are read while it lasts
 *   what to read again a cursor in that hour, or less than an overlap behind it, reaches back to the hour's beginning,
 *                      because rows of the second pass stand before those of the first
 */

const pattern = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}(?::?\d{2})?)?$/;
/** Clocks of database and hub may differ by this much. */
const SLACK_MS = 60_000;
const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** How far the zone's clocks are ahead of UTC at a moment, in milliseconds. */
export function offsetAt(moment: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
  const number = (name: string) => Number(parts[name]);
  const wall = Date.UTC(number('year'), number('month') - 1, number('day'), number('hour'), number('minute'), number('second'));
  return wall - Math.floor(moment / 1000) * 1000;
}

/** The moments at which the wall showed this (as if it were UTC): one; two in the hour that comes twice; in the hour that is skipped, the one after it. */
function momentsOf(wall: number, timeZone: string): readonly number[] {
  const offsets = [...new Set([offsetAt(wall - DAY_MS, timeZone), offsetAt(wall + DAY_MS, timeZone)])];
  const found = offsets.map((offset) => wall - offset).filter((moment) => wall - moment === offsetAt(moment, timeZone));
  return found.length > 0 ? found.toSorted((a, b) => a - b) : [wall - (offsets[0] ?? 0)];
}

/** What the text says as if it were UTC, and its offset in milliseconds where it has one. */
function read(text: string): { wall: number; offset: number | null } | null {
  const match = pattern.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction = '', zone] = match;
  const wall =
    Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) +
    Math.floor(Number(`0.${fraction || 0}`) * 1000);
  // Date.UTC carries over: the thirtieth of February would be the second of March, MariaDB's day zero the last of a month.
  if (Number.isNaN(wall) || new Date(wall).getUTCDate() !== Number(day) || new Date(wall).getUTCMonth() !== Number(month) - 1) return null;
  if (zone === undefined) return { wall, offset: null };
  if (zone === 'Z') return { wall, offset: 0 };
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(':', '') || 0)];
  return { wall, offset: (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000 };
}

/** How a column keeps its moments. */
export interface Clock {
  /** False where it keeps only what the wall shows in `timeZone`. */
  readonly zoned: boolean;
  readonly timeZone: string;
}

/** The moment a text of the database names, or null where it is none. */
export function toMoment(text: string, { zoned, timeZone }: Clock, now: Date): Date | null {
  const found = read(text);
  if (!found) return null;
  if (found.offset !== null || zoned) return new Date(found.wall - (found.offset ?? 0));
  const moments = momentsOf(found.wall, timeZone);
  return new Date(moments.findLast((moment) => moment <= now.getTime() + SLACK_MS) ?? moments[0] ?? found.wall);
}

/** True where a text of the database is a moment that has come; false also for what is none (`infinity`). */
export function isReached(text: string, clock: Clock, now: Date): boolean {
  const moment = toMoment(text, clock, now);
  return moment !== null && moment.getTime() <= now.getTime();
}

/** True where a text of the database cannot be a moment at which something has changed. */
export function isNowhere(text: string, clock: Clock, now: Date): boolean {
  const moment = toMoment(text, clock, now);
  return moment === null || isInFuture(moment.getTime(), now);
}

/** A text that stands before a moment on every clock: zones differ by less than a day. */
export const surelyBefore = (moment: Date): string => written(moment.getTime() - DAY_MS);

/** Where to begin to read again, `overlapMs` before a moment of the database, as the database writes it. */
export function reachBack(text: string, overlapMs: number, { zoned, timeZone }: Clock): string {
  const found = read(text);
  if (!found) return text;
  if (found.offset !== null) return `${written(found.wall - found.offset - overlapMs)}+00`;
  if (zoned) return written(found.wall - overlapMs);
  const start = found.wall - overlapMs;
  const twice = hourThatComesTwice(found.wall, timeZone);
  const touched = twice !== null && found.wall >= twice.from && start < twice.to;
  return written(touched ? Math.min(start, twice.from - overlapMs) : start);
}

/** The wall's range that comes twice within a day before or after, as if it were UTC. */
function hourThatComesTwice(wall: number, timeZone: string): { from: number; to: number } | null {
  let [before, after] = [wall - DAY_MS, wall + DAY_MS];
  const [summer, winter] = [offsetAt(before, timeZone), offsetAt(after, timeZone)];
  if (winter >= summer) return null;
  while (after - before > 1000) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle, timeZone) === summer) before = middle;
    else after = middle;
  }
  const change = Math.floor(after / 1000) * 1000;
  return { from: change + winter, to: change + summer };
}

/** As both databases read it. */
export const written = (wall: number): string => new Date(wall).toISOString().replace('T', ' ').replace('Z', '');

/** What the wall shows at a moment. */
export const onTheWall = (moment: Date, timeZone: string): string => written(moment.getTime() + offsetAt(moment.getTime(), timeZone));
