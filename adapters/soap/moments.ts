/**
 * An xs:dateTime (or xs:date) as a moment; without an offset it is local time there. In the hour that the clocks repeat, the
 * earlier one: asking again from too early finds a change twice, from too late never.
 */
export function toMoment(text: string, timeZone: string): Date | null {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (!match) return null;
  const [, day, time = '00:00:00', fraction = '', offset] = match;
  const written = new Date(`${day}T${time}${fraction.slice(0, 4)}${offset ?? 'Z'}`);
  if (Number.isNaN(written.getTime()) || offset !== undefined) return Number.isNaN(written.getTime()) ? null : written;
  const around = [-86_400_000, 86_400_000].map((shift) => offsetAt(new Date(written.getTime() + shift), timeZone));
  const moments = around
    .map((ms) => new Date(written.getTime() - ms))
    .filter((one) => offsetAt(one, timeZone) === written.getTime() - one.getTime());
  // An hour that the clocks leave out is none of either; it is read as if they had not moved yet.
  return moments.toSorted((a, b) => a.getTime() - b.getTime())[0] ?? new Date(written.getTime() - (around[0] ?? 0));
}

/** Milliseconds by which local time is ahead of UTC at a moment. */
function offsetAt(moment: Date, timeZone: string): number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const whole = Math.floor(moment.getTime() / 1000) * 1000;
  return Date.parse(`${format.format(moment).replace(' ', 'T')}Z`) - whole;
}
