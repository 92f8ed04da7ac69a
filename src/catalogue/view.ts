import { LRUCache } from 'lru-cache';
import { broaderKeys, createKeyRules, isLeikaKey, isWithin, spelledAlike, type RegionalKey, type ServiceKey } from '#contract';
import type { CatalogueEntry, Municipality, Offer } from './catalogue.ts';
import type { CompetenceView } from './competence.ts';
import type { OfferShelf, ReferenceShelf } from './memory.ts';
import { noEverydayWords, type EverydayWords } from './search/everyday.ts';
import { builtOnce, type BuiltOnce } from './search/pieces.ts';
import { buildServiceSearch, type Hit, type ServiceSearch } from './search/services.ts';
import { createSituationSearch, type SituationSearch } from './search/situations.ts';
import { longestQuery } from './search/words.ts';
import { searchablesOf } from './searchables.ts';

/** Reference records and offers together, ready for questions. Never changes: an import makes a new one. */
export interface CatalogueView extends CompetenceView {
  readonly reference: ReferenceShelf;
  readonly offers: OfferShelf;
  /** Every service: those of the reference list and those only cities know. */
  readonly services: ReadonlyMap<string, CatalogueEntry>;
  /** Keys of services without a search: offered ones first, then by name. */
  readonly ordered: readonly string[];
  /** Those of them that some offer answers for: few of many. */
  readonly orderedOffered: () => readonly string[];
  /** Keys that are stated to name the same service. */
  equivalentsOf(service: ServiceKey): readonly ServiceKey[];
  /** Built when it is first needed, or prepared before. */
  readonly search: BuiltOnce<ServiceSearch>;
  /** Hits for a query; those of the last queries are kept. */
  find(query: string): readonly Hit[];
  /** How offers answer a query, worked out once for all municipalities that it is asked in; kept for the last queries. */
  ranking(query: string): Ranking;
  /** Names of the life situations that a text means. */
  readonly situationsCalled: SituationSearch;
  /** Every offer that answers for a service, in all regions. */
  offersAnswering(service: ServiceKey): readonly Offer[];
  /** Municipalities as they are on a day, by name. */
  municipalitiesOn(day: string): { readonly list: readonly Municipality[]; readonly current: ReadonlySet<Municipality> };
  /** Offers that hold in a municipality, those of the regions above it among them, in the order of their names. */
  offersIn(ars: RegionalKey): readonly Offer[];
}

/** Where a key stands among the hits for a query: in which of them, and as which of its keys. */
interface KeyPlace {
  readonly hit: number;
  readonly key: number;
  readonly score: number;
}

/** How offers answer a query: by the place of their keys, then by their names. */
export interface Ranking {
  readonly placeOf: ReadonlyMap<string, KeyPlace>;
  readonly likeness: (name: string) => number;
}

const placesOf = (hits: readonly Hit[]): ReadonlyMap<string, KeyPlace> =>
  new Map(hits.flatMap(({ keys, score }, hit) => keys.map((name, key) => [name, { hit, key, score }] as const)));

/** Builds the view. `synonyms`: other names by service key; `everyday`: what people say. */
export function createView(
  reference: ReferenceShelf,
  offers: OfferShelf,
  synonyms: ReadonlyMap<string, readonly string[]>,
  everyday: EverydayWords = noEverydayWords,
): CatalogueView {
  const services = new Map(reference.services);
  for (const [key, standing] of offers.byKey) if (!services.has(key)) services.set(key, entryOf(key as ServiceKey, standing, services));
  const equivalentsOf = (service: ServiceKey) => services.get(service)?.equivalents.map(({ key }) => key) ?? [];
  const keys = createKeyRules({ equivalentsOf, keysOf: (ars) => reference.keysOf(ars) });
  const offered = ({ key }: CatalogueEntry) => [key, ...equivalentsOf(key)].some((one) => offers.byKey.get(one) !== undefined);
  const collator = new Intl.Collator('de');
  const ordered = [...services.values()]
    .map((entry) => ({ key: entry.key, name: entry.name.de, rank: offered(entry) ? 0 : 1 }))
    .toSorted((a, b) => a.rank - b.rank || collator.compare(a.name, b.name) || (a.key < b.key ? -1 : 1))
    .map(({ key }) => key);
  const search = builtOnce(function* () {
    return yield* buildServiceSearch(yield* searchablesOf(services, offers, synonyms, everyday, offersAnswering), everyday);
  });
  const found = new LRUCache<string, readonly Hit[]>({ max: 200 });
  const rankings = new LRUCache<string, Ranking>({ max: 50 });
  const find = (query: string): readonly Hit[] => {
    const asked = query.slice(0, longestQuery);
    const hits = found.get(asked) ?? search.get().find(asked);
    found.set(asked, hits);
    return hits;
  };

  const municipality = (ars: string, day: string): Municipality | null => {
    const known = reference.arsOf(ars);
    return (known && reference.municipalities.get(reference.history.keyOn(known, day))) ?? null;
  };
  let listed: (ReturnType<CatalogueView['municipalitiesOn']> & { readonly day: string }) | null = null;
  const answering = new Map<string, readonly Offer[]>();
  const offersAnswering = (service: ServiceKey): readonly Offer[] => {
    let found = answering.get(service);
    if (!found) {
      found = [...new Set(keys.keysAnswering(service).flatMap((key) => offers.byKey.get(key) ?? []))];
      answering.set(service, found);
    }
    return found;
  };
  let orderedOffered: readonly string[] | null = null;
  const areas = new Set<string>(offers.sorted.map(({ area }) => area));
  const areaLengths = [...new Set([...areas].map((area) => area.length))];
  const nothing: readonly Offer[] = [];
  const inMunicipality = new Map<string, readonly Offer[]>();

  return {
    reference,
    offers,
    services,
    ordered,
    orderedOffered: () => (orderedOffered ??= ordered.filter((key) => offersAnswering(key).length > 0)),
    search,
    situationsCalled: createSituationSearch(
      [...reference.services.values()].flatMap(({ lifeSituations }) => lifeSituations),
      everyday.situations,
    ),
    find,
    ranking(query) {
      const asked = query.slice(0, longestQuery);
      const known = rankings.get(asked) ?? { placeOf: placesOf(find(asked)), likeness: search.get().likenessTo(asked) };
      rankings.set(asked, known);
      return known;
    },
    namesOf(service) {
      const entry = services.get(service);
      return entry ? [entry.name.de, ...(synonyms.get(service) ?? [])] : null;
    },
    equivalentsOf,
    keysAnswering: keys.keysAnswering,
    keysOfMunicipality: keys.keysOfMunicipality,
    offersAt: (region, key) => offers.byRegionAndKey.get(`${region} ${key}`) ?? [],
    byArs: municipality,
    byAgs(ags, day) {
      const ars = reference.arsByAgs.get(ags);
      return ars === undefined ? null : municipality(ars, day);
    },
    byPostalCode(postalCode, day) {
      // Old and new key of one municipality are one candidate.
      const found = (reference.arsByPostalCode.get(postalCode) ?? []).flatMap((ars) => municipality(ars, day) ?? []);
      return [...new Map(found.map((entry) => [entry.ars, entry])).values()];
    },
    postalDoubt: (postalCode) =>
      reference.goneCodes.has(postalCode)
        ? 'gone'
        : reference.arsByBulkCode.get(postalCode) !== undefined && reference.arsByPostalCode.get(postalCode) === undefined
          ? 'bulk'
          : null,
    byBulkCode(postalCode, day) {
      const ars = reference.arsByBulkCode.get(postalCode);
      return ars === undefined ? null : municipality(ars, day);
    },
    offersAnswering,
    offersIn(ars) {
      let here = inMunicipality.get(ars);
      if (!here) {
        const own = keys.keysOfMunicipality(ars);
        const regions = new Set(own.flatMap((key) => areaLengths.map((length) => key.slice(0, length))));
        const some = [...regions].some((region) => areas.has(region));
        here = some ? offers.sorted.filter(({ area }) => own.some((key) => isWithin(key, area))) : nothing;
        inMunicipality.set(ars, here);
      }
      return here;
    },
    municipalitiesOn(day) {
      if (listed?.day !== day) {
        const list = reference.sorted.filter(({ ars }) => spelledAlike(reference.history.keyOn(ars, day), ars));
        listed = { day, list, current: new Set(list) };
      }
      return listed;
    },
  };
}

/** A service that only cities' catalogues know, under the shortest name one of them gives it; what it is part of says where it belongs. */
function entryOf(key: ServiceKey, standing: readonly Offer[], services: ReadonlyMap<string, CatalogueEntry>): CatalogueEntry {
  const [record] = standing
    .map((offer) => offer.record)
    .toSorted((a, b) => a.name.de.length - b.name.de.length || (a.name.de < b.name.de ? -1 : 1));
  const broader = broaderKeys(key).flatMap((above) => services.get(above) ?? [])[0];
  return {
    key,
    name: record?.name ?? { de: key },
    summary: isLeikaKey(key) ? null : (record?.summary ?? null),
    typing: broader?.typing ?? null,
    ozgId: broader?.ozgId ?? null,
    lifeSituations: broader?.lifeSituations ?? [],
    legalBasis: broader?.legalBasis ?? [],
    equivalents: [],
  };
}
