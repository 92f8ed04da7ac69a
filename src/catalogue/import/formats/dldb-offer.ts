import {
  feesOf,
  isLeikaKey,
  keywordsOf,
  plainLines,
  processingDaysOf,
  shorten,
  type AssuranceLevel,
  type Authority,
  type Channel,
  type FormRecord,
  type OfferRecord,
} from '#contract';
import type { DldbAuthority, DldbLocation, DldbService } from './dldb-shape.ts';

/** What the hub adds to a service of the source. */
export interface DldbAddition {
  readonly form: FormRecord;
  readonly assuranceLevel: AssuranceLevel;
}

interface Around {
  readonly locations: ReadonlyMap<string, DldbLocation>;
  readonly authorities: ReadonlyMap<string, DldbAuthority>;
  readonly english: DldbService | undefined;
  readonly addition: DldbAddition | undefined;
}

/**
 * One service of a DLDB catalogue as an offer. What the format does not state stays unsaid: no assurance level, no channel
 * without a place or a link, no fee where its text is not plain (see `feesOf`). That visits can be booked does not say whether
 * they must be. Maturity is 1 (information) without and 2 with an online link.
 */
export function dldbOffer(service: DldbService, { locations, authorities, english, addition }: Around): OfferRecord {
  const [serviceKey = null, ...further] = keysOf(service.leika);
  const online = onlineLink(service);
  const withoutVisits =
    service.locations.length > 0 &&
    !service.appointment?.link &&
    service.locations.every(({ appointment }) => appointment?.allowed === false);
  const summary = plainLines(service.description)[0];
  const summaryEn = english && plainLines(english.description)[0];
  const keywords = keywordsOf(service.meta?.keywords ?? '', english?.meta?.keywords ?? '');
  const days = processingDaysOf(service.process_time);
  const channels: Channel[] = [
    ...(online || addition ? ['ONLINE' as const] : []),
    ...(service.locations.length > 0 ? ['OFFICE' as const] : []),
  ];
  return {
    localKey: service.id,
    serviceKey,
    ...(further.length > 0 ? { furtherServiceKeys: further } : {}),
    name: { de: service.name, ...englishName(service, english) },
    ...(summary ? { summary: { de: shorten(summary, 500), ...(summaryEn ? { en: shorten(summaryEn, 500) } : {}) } } : {}),
    ...(keywords.length > 0 ? { keywords } : {}),
    authority: authorityOf(service, locations, authorities),
    channels,
    maturityLevel: online || addition ? 2 : 1,
    fees: feesOf(service.fees),
    ...(days ? { processingDays: days } : {}),
    requiredDocuments: service.requirements
      .filter(({ name }) => name !== '')
      .map(({ name }) => ({ de: shorten(plainLines(name).join(' '), 300) })),
    ...(addition ? { assuranceLevel: addition.assuranceLevel } : {}),
    ...(withoutVisits ? { appointment: 'NONE' } : {}),
    ...(service.duration > 0 && service.duration <= 1440 ? { appointmentMinutes: Math.round(service.duration) } : {}),
    ...(addition ? { form: addition.form } : {}),
    ...(online ? { onlineUrl: online } : {}),
  };
}

/** The LeiKa keys of the field `leika`: one, none, or several with commas, as Munich files one of its services. */
export const keysOf = (leika: string): readonly string[] => [
  ...new Set(
    leika
      .split(/[\s,;]+/)
      .map((key) => key.replace(/^urn:de:fim:leika:leistung:/, ''))
      .filter(isLeikaKey),
  ),
];

/** English name from the English catalogue, or the name itself where the catalogue's own language is English. */
function englishName(service: DldbService, english: DldbService | undefined): { en?: string } {
  if (english) return { en: english.name };
  return service.meta?.locale.toLowerCase().startsWith('en') ? { en: service.name } : {};
}

/** Where citizens apply online. A link to the appointment page is not an application. */
function onlineLink(service: DldbService): string | null {
  const link = webAddress(service.onlineprocessing?.link ?? '');
  const booking = webAddress(service.appointment?.link ?? '');
  if (!link) return null;
  const samePage =
    booking !== null && new URL(link).origin + new URL(link).pathname === new URL(booking).origin + new URL(booking).pathname;
  return samePage ? null : link;
}

/** The text as an http(s) address, or null: nothing else may become a link. */
function webAddress(text: string): string | null {
  const url = URL.parse(text);
  return url && (url.protocol === 'https:' || url.protocol === 'http:') ? url.href : null;
}

/** Most authorities that are named one by one. */
const mostNamed = 3;

/**
 * The authority as the source names it, in the service or under the id in the authorities' own file; without a name where
 * it names none. Several are all named, since any of them may be the one that decides. Address and contact where the service
 * has exactly one place, since else none is the right one.
 */
function authorityOf(
  service: DldbService,
  locations: ReadonlyMap<string, DldbLocation>,
  authorities: ReadonlyMap<string, DldbAuthority>,
): Authority {
  const stated = service.authorities.map((one) => ({ own: one, filed: authorities.get(one.id) }));
  const names = [...new Set(stated.map(({ own, filed }) => own.name || filed?.name || ''))];
  const named = names.filter((name) => name !== '');
  const more = names.length > mostNamed ? ` und ${names.length - mostNamed} weitere` : '';
  const [only] = stated.length === 1 ? stated : [];
  const places = service.locations.flatMap(({ location }) => locations.get(location) ?? []);
  const place = places.length === 1 && service.locations.length === 1 ? places[0] : undefined;
  const placeName = named.length === 1 ? place?.displayName || place?.name : undefined;
  const url = webAddress(only?.own.webinfo || only?.filed?.webinfo || only?.filed?.contact?.webinfo || '');
  const street = [place?.address?.street, place?.address?.house_number].filter((part) => part).join(' ');
  const fields: Record<keyof Authority, string | undefined> = {
    // Unnamed ones among named ones: whoever decides may be one of them.
    name:
      named.length < names.length ? undefined : [named.slice(0, mostNamed).join('; ') + more, placeName].filter((part) => part).join(', '),
    street,
    postalCode: /^\d{5}$/.test(place?.address?.postal_code ?? '') ? place?.address?.postal_code : undefined,
    town: place?.address?.city,
    phone: place?.contact?.phone,
    email: /^[^\s@]{1,100}@[^\s@]{1,100}$/.test(place?.contact?.email ?? '') ? place?.contact?.email : undefined,
    url: url ?? undefined,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value)) as Authority;
}
