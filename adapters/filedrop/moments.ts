/*
 * Moments in status files: RFC 3339, or as offices write them (24.11.2026 10:05), in the city's time zone where they name
 * none. In the hour that comes twice, the later reading that is not in the future counts.
 */

const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/;
const german = /^(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,?\s+(\d{1,2})[:.](\d{2})(?::(\d{2}))?)?(?:\s*Uhr)?$/;
const DAY_MS = 86_400_000;
const SLACK_MS = 60_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** How far the zone's clocks are ahead of UTC, in milliseconds. */
function offsetAt(moment: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    const numbers = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    formats.set(timeZone, (format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...numbers })));
  }
  const parts = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000;
}

/** The moment a text names, or null where it is none. */
export function toMoment(text: string, timeZone: string, now: Date): Date | null {
  const [, ...parts] = iso.exec(text) ?? [];
  const [, day, month, year, ...time] = parts.length > 0 ? [] : (german.exec(text) ?? []);
  const [y, mo, d, h = '0', mi = '0', s = '0', fraction = '0', zone] = parts.length > 0 ? parts : [year, month, day, ...time];
  if (y === undefined || Number(h) > 23 || Number(mi) > 59 || Number(s) > 59) return null;
  const wall = Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s), Math.floor(Number(`0.${fraction}`) * 1000));
  // Date.UTC carries over: the thirtieth of February would be the second of March.
  if (new Date(wall).getUTCDate() !== Number(d) || new Date(wall).getUTCMonth() !== Number(mo) - 1) return null;
  if (zone !== undefined) {
    const [hours, minutes] = zone === 'Z' ? [0, 0] : [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
    return new Date(wall - (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000);
  }
  const offsets = [...new Set([offsetAt(wall - DAY_MS, timeZone), offsetAt(wall + DAY_MS, timeZone)])];
  const found = offsets
    .map((offset) => wall - offset)
    .filter((moment) => wall - moment === offsetAt(moment, timeZone))
    .toSorted((a, b) => a - b);
  return new Date(found.findLast((moment) => moment <= now.getTime() + SLACK_MS) ?? found[0] ?? wall - (offsets[0] ?? 0));
}
