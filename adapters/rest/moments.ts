import type { Json } from '#contract';

/** How a moment is written into a path. */
export const momentFormats = ['iso', 'iso-seconds', 'local', 'local-space', 'date', 'unix', 'unix-ms'] as const;
export type MomentFormat = (typeof momentFormats)[number];

/** A moment as the back office wrote it. */
export interface Moment {
  /** Of two readings, the later one that has already come: the clock was put back, and what is told has happened. */
  readonly best: Date;
  /** Of two readings, the earlier one: never skips anything. */
  readonly earliest: Date;
  /** Set where it was written without an offset; then the text is steadier than its reading. */
  readonly text: string | null;
}

export interface Moments {
  /** Null where it is none, or has no offset and the config states no zone. */
  parse(value: Json | undefined): Moment | null;
  format(moment: number): string;
  /** Where to start again from a moment: an hour earlier around the night in which the clock is put back. */
  resume(moment: number): number;
}

const HOUR = 3_600_000;
/** How far the back office's clock may be ahead of ours. */
const SLACK = 60_000;
const pattern =
  /^(?:(\d{4})-(\d{2})-(\d{2})|(\d{1,2})\.(\d{1,2})\.(\d{4}))(?:(?:T|,?\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?: ?Uhr)?\s*(Z|[+-]\d{2}:?\d{2}|UTC|GMT)?)?$/i;
const rfc5322 = /^(?:\w{3}, )?\d{1,2} \w{3} \d{4} \d{2}:\d{2}(:\d{2})? (GMT|UTC|[+-]\d{4})$/;

/**
 * Moments of a back office. Numbers are seconds since 1970 below 10^11 and milliseconds from there on; texts are ISO 8601,
 * RFC 5322 or `20.11.2026 14:05`. A text without an offset is read in the zone (IANA name) that the config states.
 */
export function createMoments(zone: string | undefined, since: MomentFormat, now: () => Date): Moments {
  const offsetAt = zone === undefined ? () => 0 : offsets(zone);

  function inZone(wall: number, text: string): Moment {
    // The wall clock shows the same time under the offset before and after a change of clocks.
    const readings = [wall - offsetAt(wall - 24 * HOUR), wall - offsetAt(wall + 24 * HOUR)]
      .filter((reading) => reading + offsetAt(reading) === wall)
      .toSorted((a, b) => a - b);
    // In the hour that spring leaves out, the clock stood an hour further.
    const [earliest = wall - offsetAt(wall - 24 * HOUR), latest = earliest] = readings;
    return { earliest: new Date(earliest), best: new Date(latest <= now().getTime() + SLACK ? latest : earliest), text };
  }

  function parse(value: Json | undefined): Moment | null {
    if (typeof value === 'number') return exactly(Math.abs(value) < 1e11 ? value * 1000 : value);
    if (typeof value !== 'string') return null;
    const text = value.trim();
    if (/^\d{9,13}$/.test(text)) return parse(Number(text));
    if (rfc5322.test(text)) return exactly(Date.parse(text));
    const match = pattern.exec(text);
    if (!match) return null;
    const [, y = match[6], mo = match[5], d = match[4], , , , h = '0', mi = '0', s = '0', fraction = '', offset] = match;
    const wall = Date.UTC(
      Number(y),
      Number(mo) - 1,
      Number(d),
      Number(h),
      Number(mi),
      Number(s),
      Number(fraction.padEnd(3, '0').slice(0, 3)),
    );
    const shown = new Date(wall);
    if (shown.getUTCDate() !== Number(d) || shown.getUTCMonth() !== Number(mo) - 1 || Number(h) > 23 || Number(mi) > 59 || Number(s) > 60)
      return null;
    if (offset !== undefined) return exactly(wall - minutesOf(offset) * 60_000);
    return zone === undefined ? null : inZone(wall, text);
  }

  return {
    parse,
    format(moment) {
      const iso = new Date(moment).toISOString();
      const local = new Date(moment + offsetAt(moment)).toISOString().slice(0, 19);
      const formats: Record<MomentFormat, string> = {
        iso,
        'iso-seconds': `${iso.slice(0, 19)}Z`,
        local,
        'local-space': local.replace('T', ' '),
        date: local.slice(0, 10),
        unix: String(Math.floor(moment / 1000)),
        'unix-ms': String(moment),
      };
      return formats[since];
    },
    resume: (moment) => Math.max(0, moment - Math.max(0, offsetAt(moment - 3 * HOUR) - offsetAt(moment + 3 * HOUR))),
  };
}

const exactly = (ms: number): Moment | null => {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : { best: date, earliest: date, text: null };
};

const minutesOf = (offset: string): number => {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(offset) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
};

/** Milliseconds that the zone's wall clock is ahead of UTC at a moment. */
function offsets(zone: string): (moment: number) => number {
  const format = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (moment) => {
    const whole = Math.floor(moment / 1000) * 1000;
    const part = Object.fromEntries(format.formatToParts(whole).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'], part['hour'], part['minute'], part['second']) - whole;
  };
}

/** True for an IANA name such as `Europe/Berlin`. */
export function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
