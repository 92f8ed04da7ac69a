import { LRUCache } from 'lru-cache';
import type { MunicipalityKey, OfferRecord, PostalCode, RegionalKey, ServiceKey } from '#contract';
import type { CatalogueEntry, Municipality, Offer, ServiceEquivalence } from './catalogue.ts';
import { createKeyHistory, type KeyHistory } from './places.ts';
import type { ReferenceRows, Row } from './records.ts';
import { buildMunicipalitySearch, type MunicipalitySearch } from './search/municipalities.ts';
import { builtOnce } from './search/pieces.ts';

/** The reference records in memory. */
export interface ReferenceShelf {
  /** Every municipality under every key it has or had. */
  readonly municipalities: ReadonlyMap<string, Municipality>;
  readonly arsByAgs: ReadonlyMap<string, RegionalKey>;
  /** ARS by postal code, as the source lists them. */
  readonly arsByPostalCode: ReadonlyMap<string, readonly RegionalKey[]>;
  readonly history: KeyHistory;
  readonly services: ReadonlyMap<string, CatalogueEntry>;
  readonly searchMunicipalities: MunicipalitySearch;
  /** Builds that search before it is needed. */
  prepareSearch(): Promise<void>;
  /** Municipalities by name. */
  readonly sorted: readonly Municipality[];
}

/** Rows → shelf. Postal codes of municipalities that no longer exist are left out. */
export function shelveReference(rows: ReferenceRows): ReferenceShelf {
  const codesByAgs = new Map<string, Set<PostalCode>>();
  for (const { ags, postal_code } of rows.postalCodes) {
    const codes = codesByAgs.get(ags) ?? new Set();
    codesByAgs.set(ags, codes.add(postal_code as PostalCode));
  }
  const agsByArs = new Map(rows.municipalities.map(({ ars, ags }) => [ars, ags]));
  const formerAgs = new Map(rows.changes.map(({ old_ars, new_ars }) => [new_ars, agsByArs.get(old_ars)]));
  const municipalities = new Map(
    rows.municipalities.map((row) => {
      // The postal list may know the municipality under its former key.
      const codes = codesByAgs.get(row.ags) ?? codesByAgs.get(formerAgs.get(row.ars) ?? '') ?? [];
      return [row.ars, municipalityOf(row, [...codes])] as const;
    }),
  );
  const arsByAgs = new Map<string, RegionalKey>();
  const arsByPostalCode = new Map<string, RegionalKey[]>();
  for (const { ars, ags, postalCodes } of municipalities.values()) {
    arsByAgs.set(ags, ars);
    for (const code of postalCodes) {
      const list = arsByPostalCode.get(code);
      if (list) list.push(ars);
      else arsByPostalCode.set(code, [ars]);
    }
  }
  const collator = new Intl.Collator('de');
  const sorted = [...municipalities.values()].toSorted((a, b) => collator.compare(a.name, b.name) || (a.ars < b.ars ? -1 : 1));
  const search = builtOnce(() => buildMunicipalitySearch(sorted));
  return {
    municipalities,
    arsByAgs,
    arsByPostalCode,
    history: createKeyHistory(
      rows.changes.map((row) => ({ from: row.old_ars as RegionalKey, to: row.new_ars as RegionalKey, since: row.valid_from })),
    ),
    services: shelveServices(rows),
    searchMunicipalities: remembering((query) => search.get()(query)),
    prepareSearch: search.prepare,
    sorted,
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

/** Rows → shelf. An offer is stale where its source was last refused or, judged when it is read, has not been confirmed for too long. */
export function shelveOffers(
  rows: readonly Row<'offer'>[],
  sources: readonly Row<'catalogue_source'>[],
  tooOld: (asOf: Date) => boolean,
): OfferShelf {
  const bySource = new Map(sources.map((source) => [source.source, source]));
  const asOf = (row: Row<'offer'>) => new Date(bySource.get(row.source)?.as_of ?? row.imported_at);
  const collator = new Intl.Collator('de');
  const offers = rows.map((row): Offer => {
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
  for (const offer of offers)
    for (const key of new Set([offer.serviceKey, ...(offer.record.furtherServiceKeys ?? [])])) {
      put(byKey, key, offer);
      put(byRegionAndKey, `${offer.area} ${key}`, offer);
    }
  return {
    byId: new Map(offers.map((offer) => [offer.id, offer])),
    sorted: offers.toSorted((a, b) => collator.compare(a.record.name.de, b.record.name.de) || (a.id < b.id ? -1 : 1)),
    byKey,
    byRegionAndKey,
    sources: bySource,
  };
}
