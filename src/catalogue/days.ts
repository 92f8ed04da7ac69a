const berlin = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', year: 'numeric', month: '2-digit', day: '2-digit' });

/** Germany's clock is whole hours from UTC, so no day begins within an hour: what is asked for every row is worked out once. */
let latest: { readonly hour: number; readonly day: string } = { hour: Number.NaN, day: '' };

/** The day in Germany on which a moment falls, as an ISO 8601 date. */
export function dayOf(moment: Date): string {
  const hour = Math.floor(moment.getTime() / 3_600_000);
  if (hour !== latest.hour) latest = { hour, day: berlin.format(moment) };
  return latest.day;
}

/** True if the day lies within a validity; an open end holds for ever. Both days are included. */
export const holdsOn = (day: string, validity: { readonly validFrom?: string | null; readonly validTo?: string | null }): boolean =>
  (!validity.validFrom || validity.validFrom <= day) && (!validity.validTo || day <= validity.validTo);
