import { isWithin, parseRegionalKey, parseServiceKey, type RegionalKey } from '#contract';
import type { Catalogue, CatalogueEntry, Municipality, Offer } from './catalogue.ts';
import { holdsOn } from './days.ts';
import { nearBest } from './search/services.ts';
import { fold } from './search/words.ts';
import type { CatalogueView } from './view.ts';

type Filter<Name extends 'listMunicipalities' | 'listServices' | 'listOffers'> = Omit<Parameters<Catalogue[Name]>[0], 'page'>;

/** True if one region lies in the other, or they are the same: an offer of a region holds in every part of it. */
const overlap = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);

/** Municipalities that match, best or alphabetically first. */
export function filterMunicipalities(
  view: CatalogueView,
  { search, postalCode, federalState, connected }: Filter<'listMunicipalities'>,
  day: string,
  isConnected: (municipality: Municipality) => boolean,
): readonly Municipality[] {
  const { current, list } = view.municipalitiesOn(day);
  const term = search?.trim();
  const base = term ? searched(view, term, day) : postalCode ? view.byPostalCode(postalCode, day) : list;
  const state = federalState ? fold(federalState) : null;
  const stateKey = federalState && /^\d+$/.test(federalState) ? (federalState as RegionalKey) : null;
  const inState = (entry: Municipality) => (stateKey ? isWithin(entry.ars, stateKey) : foldedState(entry.federalState) === state);
  if (base === list && state === null && connected === undefined) return list;
  return base.filter(
    (entry) =>
      current.has(entry) &&
      (!postalCode || entry.postalCodes.includes(postalCode as (typeof entry.postalCodes)[number])) &&
      (state === null || inState(entry)) &&
      (connected === undefined || connected === null || isConnected(entry) === connected),
  );
}

/** The sixteen states as they are compared; thousands of municipalities are in one. */
const foldedStates = new Map<string, string>();
function foldedState(name: string): string {
  let folded = foldedStates.get(name);
  if (folded === undefined) foldedStates.set(name, (folded = fold(name)));
  return folded;
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
  const situations = lifeSituation ? view.situationsCalled(lifeSituation) : null;
  const region = offeredIn ? (parseRegionalKey(offeredIn) ?? '–') : null;
  const needsOffer = region !== null || (minimumMaturity ?? 0) > 0;
  const regions = region === null ? [] : [region, ...view.keysOfMunicipality(region as RegionalKey)];
  const shown = (candidate: string): readonly CatalogueEntry[] => {
    const entry = view.services.get(candidate);
    if (!entry) return [];
    if (situations !== null && !entry.lifeSituations.some((name) => situations.has(name))) return [];
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
  };
  if (key) return shown(key);
  if (!term) return (needsOffer ? view.orderedOffered() : view.ordered).flatMap(shown);
  // Of a hit the first key that passes stands for all of them; what is near the best is judged among those that pass.
  const passing = view.find(term).flatMap(({ keys, score }) => {
    for (const candidate of keys) for (const entry of shown(candidate)) return [{ entry, score }];
    return [];
  });
  return nearBest(passing).map(({ entry }) => entry);
}

/** Offers that match and hold on the day: by relevance of their service where searched, else by name. */
export function filterOffers(view: CatalogueView, filter: Filter<'listOffers'>, day: string): readonly Offer[] {
  const { service, ars, search } = filter;
  const base = service !== undefined ? view.offersAnswering(service) : ars !== undefined ? view.offersIn(ars) : view.offers.sorted;
  const own = ars === undefined || service === undefined ? null : view.keysOfMunicipality(ars);
  const regions = filter.in && [...new Set(filter.in)].filter((region) => parseRegionalKey(region) !== null);
  const found = base.filter(
    ({ area, record }) =>
      holdsOn(day, record) &&
      (!regions || regions.some((region) => overlap(area, region))) &&
      (own === null || own.some((key) => isWithin(key, area))),
  );
  const term = search?.trim();
  // Where nothing is offered, nothing is searched.
  if (!term || found.length === 0) return found;
  const { placeOf, likeness } = view.ranking(term);
  const placed = found.flatMap((offer) => {
    const places = [offer.serviceKey, ...(offer.record.furtherServiceKeys ?? [])].flatMap((key) => placeOf.get(key) ?? []);
    const place = places.toSorted((a, b) => a.hit - b.hit || a.key - b.key)[0];
    return place ? [{ offer, ...place, likeness: likeness(offer.record.name.de) }] : [];
  });
  return nearBest(placed.toSorted((a, b) => a.hit - b.hit || b.likeness - a.likeness || a.key - b.key)).map(({ offer }) => offer);
}
