const berlin = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', year: 'numeric', month: '2-digit', day: '2-digit' });

/** The day in Germany on which a moment falls, as an ISO 8601 date. */
export const dayOf = (moment: Date): string => berlin.format(moment);

/** True where the day lies within a validity; an open end holds for ever. Both days are included. */
export const holdsOn = (day: string, validity: { readonly validFrom?: string | null; readonly validTo?: string | null }): boolean =>
  (!validity.validFrom || validity.validFrom <= day) && (!validity.validTo || day <= validity.validTo);
