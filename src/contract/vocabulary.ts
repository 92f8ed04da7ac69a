/** Words of the field. German terms and their English names are in docs/reference/glossary.md. */

/** A JSON value (RFC 8259). */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/**
 * Key of a service: a LeiKa/FIM key (14 digits, `99` first; FIM Leistungsschlüssel) or, where a city's catalogue
 * states none, a local key `L<ARS>.<the city's own id>`.
 */
export type ServiceKey = Branded<string, 'ServiceKey'>;

/** ARS, the regional key (Amtlicher Regionalschlüssel, Destatis GV-ISys): 12 digits for a municipality; 9, 5, 3 or 2 for the regions above it. */
export type RegionalKey = Branded<string, 'RegionalKey'>;

/** AGS, the municipality key (Amtlicher Gemeindeschlüssel, Destatis): 8 digits. */
export type MunicipalityKey = Branded<string, 'MunicipalityKey'>;

/** German postal code, five digits. */
export type PostalCode = Branded<string, 'PostalCode'>;

const leikaKey = /^99\d{12}$/;
const localKey = /^L\d{12}\.[A-Za-z0-9_-]{1,40}$/;
const regionalKey = /^\d{2}(\d(\d{2}(\d{4}(\d{3})?)?)?)?$/;

/** The text as a service key, or null if it is none. */
export const parseServiceKey = (text: string): ServiceKey | null =>
  leikaKey.test(text) || localKey.test(text) ? (text as ServiceKey) : null;

/** True for a key of the LeiKa/FIM catalogue, false for a city's local key. */
export const isLeikaKey = (text: string): boolean => leikaKey.test(text);

/** A service key for what a city offers but no national key names: same city and id, same key. */
export const localServiceKey = (ars: RegionalKey, id: string): ServiceKey =>
  `L${ars}.${id.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 40)}` as ServiceKey;

/** The text as a regional key of 2, 3, 5, 9 or 12 digits, or null. */
export const parseRegionalKey = (text: string): RegionalKey | null => (regionalKey.test(text) ? (text as RegionalKey) : null);

/** The text as a municipality's ARS of 12 digits, or null. */
export const parseMunicipalityArs = (text: string): RegionalKey | null => (/^\d{12}$/.test(text) ? (text as RegionalKey) : null);

/** The text as an AGS, or null. */
export const parseMunicipalityKey = (text: string): MunicipalityKey | null => (/^\d{8}$/.test(text) ? (text as MunicipalityKey) : null);

/** The text as a postal code, or null. */
export const parsePostalCode = (text: string): PostalCode | null => (/^\d{5}$/.test(text) ? (text as PostalCode) : null);

/** From a municipality up to its federal state: ARS of 12, 9, 5, 3 and 2 digits. */
export const regionsAbove = (ars: RegionalKey): readonly RegionalKey[] =>
  [12, 9, 5, 3, 2].filter((digits) => digits <= ars.length).map((digits) => ars.slice(0, digits) as RegionalKey);

/** Texts by language; German is always there, English where the source has it. */
export interface Localised {
  readonly de: string;
  readonly en?: string;
}

export type Language = 'DE' | 'EN';

/** The text in the language asked for, German where there is no other. */
export const inLanguage = (text: Localised, language: Language): string => (language === 'EN' ? (text.en ?? text.de) : text.de);

/** How a citizen can reach a service. */
export const channels = ['ONLINE', 'OFFICE', 'TERMINAL', 'POST', 'PHONE', 'VIDEO', 'EMAIL'] as const;
export type Channel = (typeof channels)[number];

/** Assurance levels of identification (eIDAS Art. 8), weakest first. */
export const assuranceLevels = ['NONE', 'LOW', 'SUBSTANTIAL', 'HIGH'] as const;
export type AssuranceLevel = (typeof assuranceLevels)[number];

/** True if `has` is at least `needed`. */
export const assuranceSuffices = (has: AssuranceLevel, needed: AssuranceLevel): boolean =>
  assuranceLevels.indexOf(has) >= assuranceLevels.indexOf(needed);

/** Status of an application as the citizen sees it. */
export const applicationStatuses = [
  'SUBMITTED',
  'DELIVERED',
  'RECEIVED',
  'IN_REVIEW',
  'ACTION_REQUIRED',
  'GRANTED',
  'PARTLY_GRANTED',
  'REFUSED',
  'WITHDRAWN',
  'CLOSED',
  'DISCARDED',
  'PARKED',
] as const;
export type ApplicationStatus = (typeof applicationStatuses)[number];

/** Statuses that nothing follows, and of which nothing that was granted is left to end. */
export const overStatuses = ['REFUSED', 'WITHDRAWN', 'CLOSED', 'DISCARDED'] as const satisfies readonly ApplicationStatus[];
