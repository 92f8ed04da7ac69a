import { isWithin, parseRegionalKey, parseServiceKey, type RegionalKey } from '#contract';
import type { Catalogue, CatalogueEntry, Municipality, Offer } from './catalogue.ts';
import { holdsOn } from './days.ts';
import { comparable, fold } from './search/words.ts';
import type { CatalogueView } from './view.ts';

type Filter<Name extends 'listMunicipalities' | 'listServices' | 'listOffers'> = Omit<Parameters<Catalogue[Name]>[0], 'page'>;

/** True where one region lies in the other, or they are the same: an offer of a region holds in every part of it. */
const overlap = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);

/** Municipalities that match, best or alphabetically first. */
export function filterMunicipalities(
  view: CatalogueView,
  { search, postalCode, federalState, connected }: Filter<'listMunicipalities'>,
  day: string,
  isConnected: (municipality: Municipality) => boolean,
): readonly Municipality[] {
  const current = new Set(view.municipalitiesOn(day));
  const term = search?.trim();
  const base = term ? searched(view, term, day) : postalCode ? view.byPostalCode(postalCode, day) : [...current];
  return base.filter(
    (entry) =>
      current.has(entry) &&
      (!postalCode || entry.postalCodes.includes(postalCode as (typeof entry.postalCodes)[number])) &&
      (!federalState || fold(entry.federalState) === fold(federalState) || isWithin(entry.ars, federalState as RegionalKey)) &&
      (connected === undefined || connected === null || isConnected(entry) === connected),
  );
}

/** A search for a municipality: a postal code, a key or a name. */
function searched(view: CatalogueView, term: string, day: string): readonly Municipality[] {
  const one = (found: Municipality | null) => (found ? [found] : []);
  if (/^\d{5}$/.test(term)) return view.byPostalCode(term, day);
  if (/^\d{8}$/.test(term)) return one(view.byAgs(term, day));
  if (/^\d{12}$/.test(term)) return one(view.byArs(term, day));
  return view.reference.searchMunicipalities(term).flatMap((ars) => view.reference.municipalities.get(ars) ?? []);
}

/** Services that match: by relevance where searched, else offered ones first, then by name. */
export function filterServices(
  view: CatalogueView,
  { search, lifeSituation, offeredIn, minimumMaturity }: Filter<'listServices'>,
  day: string,
): readonly CatalogueEntry[] {
  const term = search?.trim();
  const key = term && parseServiceKey(term);
  const situation = lifeSituation ? comparable(lifeSituation) : null;
  const region = offeredIn ? (parseRegionalKey(offeredIn) ?? '–') : null;
  const needsOffer = region !== null || (minimumMaturity ?? 0) > 0;
  const all = () => (needsOffer ? view.orderedOffered() : view.ordered);
  const keys = key ? (view.services.get(key) ? [key] : []) : term ? view.searchServices(term) : all();
  const regions = region === null ? [] : [region, ...view.keysOfMunicipality(region as RegionalKey)];
  return keys.flatMap((candidate) => {
    const entry = view.services.get(candidate);
    if (!entry) return [];
    if (situation !== null && !entry.lifeSituations.some((name) => comparable(name) === situation)) return [];
    const offered =
      !needsOffer ||
      view
        .offersAnswering(entry.key)
        .some(
          ({ area, record }) =>
            (region === null || regions.some((place) => overlap(area, place))) &&
            record.maturityLevel >= (minimumMaturity ?? 0) &&
            holdsOn(day, record),
        );
    return offered ? [entry] : [];
  });
}

/** Offers that match and hold on the day: by relevance of their service where searched, else by name. */
export function filterOffers(view: CatalogueView, filter: Filter<'listOffers'>, day: string): readonly Offer[] {
  const { service, ars, search } = filter;
  const base = service === undefined ? view.offers.sorted : view.offersAnswering(service);
  const own = ars === undefined ? null : view.keysOfMunicipality(ars);
  const found = base.filter(
    ({ area, record }) =>
      holdsOn(day, record) &&
      (!filter.in || filter.in.some((region) => parseRegionalKey(region) !== null && overlap(area, region))) &&
      (own === null || own.some((key) => isWithin(key, area))),
  );
  const term = search?.trim();
  if (!term) return found;
  const rank = new Map(view.searchServices(term).map((key, index) => [key, index]));
  const rankOf = ({ serviceKey, record }: Offer) =>
    comparable(record.name.de).includes(comparable(term))
      ? -1
      : Math.min(...[serviceKey, ...(record.furtherServiceKeys ?? [])].map((key) => rank.get(key) ?? Infinity));
  return found
    .map((offer) => ({ offer, rank: rankOf(offer) }))
    .filter((entry) => entry.rank !== Infinity)
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ offer }) => offer);
}
