import { LRUCache } from 'lru-cache';
import { spelledAlike, type MunicipalityKey, type OfferRecord, type PostalCode, type RegionalKey, type ServiceKey } from '#contract';
import type { CatalogueEntry, Municipality, Offer, ServiceEquivalence } from './catalogue.ts';
import { createKeyHistory, type KeyHistory } from './places.ts';
import { bulkPlace, type ReferenceRows, type Row } from './records.ts';
import { buildMunicipalitySearch, type MunicipalitySearch } from './search/municipalities.ts';
import { builtOnce, forEachOf, mapEach, type Pieces } from './search/pieces.ts';

/** The reference records in memory. */
export interface ReferenceShelf {
  /** Every municipality under every key it has or had. */
  readonly municipalities: ReadonlyMap<string, Municipality>;
  readonly arsByAgs: ReadonlyMap<string, RegionalKey>;
  /** ARS by postal code, as the source lists them; what became of a municipality has its codes. */
  readonly arsByPostalCode: ReadonlyMap<string, readonly RegionalKey[]>;
  /** Postal codes of municipalities that no longer exist and of which no successor is known. */
  readonly goneCodes: ReadonlySet<string>;
  /** ARS by the postal code that an administration has for itself. */
  readonly arsByBulkCode: ReadonlyMap<string, RegionalKey>;
  /** The municipality under a key that it has or had, also one that differs only by the association of municipalities. */
  arsOf(ars: string): RegionalKey | null;
  /** Every key that a municipality has or had, the asked one first. */
  keysOf(ars: RegionalKey): readonly RegionalKey[];
  readonly history: KeyHistory;
  readonly services: ReadonlyMap<string, CatalogueEntry>;
  readonly searchMunicipalities: MunicipalitySearch;
  /** Builds that search before it is needed. */
  prepareSearch(): Promise<void>;
  /** Municipalities by name. */
  readonly sorted: readonly Municipality[];
}

/** The AGS in a key of 12 or 8 digits: without the association of municipalities (Verband). */
const agsIn = (key: string): string => (key.length === 12 ? `${key.slice(0, 5)}${key.slice(9)}` : key);

/** Rows → shelf. */
export function shelveReference(rows: ReferenceRows): ReferenceShelf {
  const listed = new Set(rows.municipalities.map(({ ars }) => ars));
  const became = Map.groupBy(rows.changes, ({ old_ars }) => old_ars);
  // What was divided is no longer one municipality: its key leads nowhere, its postal codes to all the parts.
  const changes = rows.changes.flatMap(({ old_ars, new_ars, valid_from }) =>
    became.get(old_ars)?.length === 1
      ? [{ from: old_ars as RegionalKey, to: new_ars as RegionalKey, since: listed.has(old_ars) ? valid_from : '' }]
      : [],
  );
  const history = createKeyHistory(changes);
  const agsNow = new Map<string, RegionalKey>(rows.municipalities.map(({ ars, ags }) => [ags, ars as RegionalKey]));
  for (const { from } of changes) {
    const now = history.keysOf(from).findLast((key) => listed.has(key) && !spelledAlike(key, from));
    if (now && !agsNow.has(agsIn(from))) agsNow.set(agsIn(from), now);
  }
  const codesByArs = new Map<string, Set<PostalCode>>();
  const goneCodes = new Set<string>();
  const arsByBulkCode = new Map<string, RegionalKey>();
  const parts = Map.groupBy(
    rows.changes.filter(({ old_ars }) => (became.get(old_ars)?.length ?? 0) > 1),
    ({ old_ars }) => agsIn(old_ars),
  );
  for (const { ags, postal_code, place } of rows.postalCodes) {
    const ars = agsNow.get(ags);
    const heirs = ars === undefined ? (parts.get(ags) ?? []).map(({ new_ars }) => new_ars as RegionalKey) : [ars];
    if (place === bulkPlace) {
      if (ars !== undefined) arsByBulkCode.set(postal_code, ars);
      continue;
    }
    if (heirs.length === 0) goneCodes.add(postal_code);
    for (const heir of heirs) for (const key of history.keysOf(heir)) if (listed.has(key)) add(codesByArs, key, postal_code as PostalCode);
  }
  const municipalities = new Map(rows.municipalities.map((row) => [row.ars, municipalityOf(row, [...(codesByArs.get(row.ars) ?? [])])]));
  const arsByAgs = new Map(agsNow);
  const arsByPostalCode = new Map<string, RegionalKey[]>();
  for (const { ars, postalCodes } of municipalities.values()) {
    for (const code of postalCodes) {
      const list = arsByPostalCode.get(code);
      if (list) list.push(ars);
      else arsByPostalCode.set(code, [ars]);
    }
  }
  const arsOf = arsReader(municipalities, history, agsNow);
  const collator = new Intl.Collator('de');
  const sorted = [...municipalities.values()].toSorted((a, b) => collator.compare(a.name, b.name) || (a.ars < b.ars ? -1 : 1));
  const search = builtOnce(() => buildMunicipalitySearch(sorted));
  return {
    municipalities,
    arsByAgs,
    arsByPostalCode,
    goneCodes,
    arsByBulkCode,
    history,
    arsOf,
    keysOf(ars) {
      const known = arsOf(ars);
      return known === null ? [ars] : [...new Set([ars, ...history.keysOf(known)])];
    },
    services: shelveServices(rows),
    searchMunicipalities: remembering((query) => search.get()(query)),
    prepareSearch: () => search.prepare(),
    sorted,
  };
}

function add<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const found = map.get(key);
  if (found) found.add(value);
  else map.set(key, new Set([value]));
}

/**
 * Associations of municipalities (Ämter, Verbandsgemeinden, Samtgemeinden …) merge often, and then digits 6 to 9 of the ARS
 * change and the AGS stays: such a former key is read by its AGS. Only where its state has associations, and only where
 * those digits can be of one or of a municipality without.
 */
function arsReader(municipalities: ReadonlyMap<string, Municipality>, history: KeyHistory, agsNow: ReadonlyMap<string, RegionalKey>) {
  const states = new Set([...municipalities.keys()].filter((ars) => /^\d{5}[59]/.test(ars)).map((ars) => ars.slice(0, 2)));
  return (ars: string): RegionalKey | null => {
    if (municipalities.has(ars) || history.keysOf(ars as RegionalKey).length > 1) return ars as RegionalKey;
    const possible = states.has(ars.slice(0, 2)) && (/^\d{5}[59]/.test(ars) || ars.slice(5, 9) === `0${ars.slice(9)}`);
    return (possible && agsNow.get(agsIn(ars))) || null;
  };
}

/** A search that remembers what was found last. */
function remembering(search: MunicipalitySearch): MunicipalitySearch {
  const found = new LRUCache<string, readonly string[]>({ max: 200 });
  return (query) => {
    const hits = found.get(query) ?? search(query);
    found.set(query, hits);
    return hits;
  };
}

const municipalityOf = (row: Row<'municipality'>, postalCodes: readonly PostalCode[]): Municipality => ({
  ars: row.ars as RegionalKey,
  ags: row.ags as MunicipalityKey,
  name: row.name,
  kind: row.kind,
  federalState: row.federal_state,
  district: row.district,
  population: row.population,
  areaHectares: row.area_hectares,
  postalCodes,
});

function shelveServices(rows: ReferenceRows): Map<string, CatalogueEntry> {
  const equivalents = new Map<string, ServiceEquivalence[]>();
  for (const { key_a, key_b, provenance, source, as_of } of rows.equivalences)
    for (const [own, other] of [
      [key_a, key_b],
      [key_b, key_a],
    ] as const) {
      const list = equivalents.get(own) ?? [];
      equivalents.set(own, [...list, { key: other as ServiceKey, provenance, source, asOf: as_of }]);
    }
  return new Map(
    rows.services.map((row) => [
      row.key,
      {
        key: row.key as ServiceKey,
        name: { de: row.name_de, ...(row.name_en === null ? {} : { en: row.name_en }) },
        summary: row.summary_de === null ? null : { de: row.summary_de, ...(row.summary_en === null ? {} : { en: row.summary_en }) },
        typing: row.typing,
        ozgId: row.ozg_id,
        lifeSituations: JSON.parse(row.life_situations) as string[],
        legalBasis: JSON.parse(row.legal_basis) as string[],
        equivalents: equivalents.get(row.key) ?? [],
      },
    ]),
  );
}

/** The offers in memory. */
export interface OfferShelf {
  readonly byId: ReadonlyMap<string, Offer>;
  /** In the order of their names. */
  readonly sorted: readonly Offer[];
  /** Offers that stand under a key, whatever their region. */
  readonly byKey: ReadonlyMap<string, readonly Offer[]>;
  readonly byRegionAndKey: ReadonlyMap<string, readonly Offer[]>;
  /** State of each source; replaced when an import found nothing new. */
  readonly sources: Map<string, Row<'catalogue_source'>>;
}

/**
 * Rows → shelf, in pieces. An offer is stale where its source was last refused or, judged when it is read, has not been confirmed for
 * too long.
 */
export function* shelveOffers(
  rows: readonly Row<'offer'>[],
  sources: readonly Row<'catalogue_source'>[],
  tooOld: (asOf: Date) => boolean,
): Pieces<OfferShelf> {
  const bySource = new Map(sources.map((source) => [source.source, source]));
  const asOf = (row: Row<'offer'>) => new Date(bySource.get(row.source)?.as_of ?? row.imported_at);
  const collator = new Intl.Collator('de');
  const offers = yield* mapEach(rows, 100, (row): Offer => {
    return {
      id: row.id,
      serviceKey: row.service_key as ServiceKey,
      ars: row.ars as RegionalKey,
      area: row.area as RegionalKey,
      record: JSON.parse(row.record) as OfferRecord,
      source: row.source,
      get asOf() {
        return asOf(row);
      },
      get stale() {
        return bySource.get(row.source)?.problem !== null || tooOld(asOf(row));
      },
    };
  });
  const byKey = new Map<string, Offer[]>();
  const byRegionAndKey = new Map<string, Offer[]>();
  const put = (map: Map<string, Offer[]>, key: string, offer: Offer) => {
    const list = map.get(key);
    if (list) list.push(offer);
    else map.set(key, [offer]);
  };
  yield* forEachOf(offers, 500, (offer) => {
    for (const key of new Set([offer.serviceKey, ...(offer.record.furtherServiceKeys ?? [])])) {
      put(byKey, key, offer);
      put(byRegionAndKey, `${offer.area} ${key}`, offer);
    }
  });
  return {
    byId: new Map(offers.map((offer) => [offer.id, offer])),
    sorted: offers.toSorted((a, b) => collator.compare(a.record.name.de, b.record.name.de) || (a.id < b.id ? -1 : 1)),
    byKey,
    byRegionAndKey,
    sources: bySource,
  };
}
