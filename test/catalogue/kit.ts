import { fileURLToPath } from 'node:url';
import type { MunicipalityKey, OfferRecord, RegionalKey, ServiceKey } from '#contract';
import { createCatalogue, type CatalogueDeps } from '../../src/catalogue/catalogue.ts';
import { shelveOffers, shelveReference } from '../../src/catalogue/memory.ts';
import { atOnce } from '../../src/catalogue/search/pieces.ts';
import type { ReferenceRows, Row } from '../../src/catalogue/records.ts';
import { createView, type CatalogueView } from '../../src/catalogue/view.ts';
import { createLog } from '../../src/infra/log.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import type { Store } from '../../src/infra/store/store.ts';

/** Folders of the repository that the catalogue's tests read. */
export const folders = {
  reference: fileURLToPath(new URL('../../reference', import.meta.url)),
  offers: fileURLToPath(new URL('../../cities/offers', import.meta.url)),
  fixtures: fileURLToPath(new URL('fixtures', import.meta.url)),
  /** Munich's published catalogue, beside the repository where it is there at all. */
  shared: fileURLToPath(new URL('../../../shared/data/catalogue', import.meta.url)),
};

export const ars = (text: string) => text as RegionalKey;
export const key = (text: string) => text as ServiceKey;

/** A record with everything a test does not care about filled in. */
export const record = (fields: Partial<OfferRecord> & Pick<OfferRecord, 'localKey' | 'serviceKey'>): OfferRecord => ({
  name: { de: `Leistung ${fields.localKey}` },
  authority: { name: 'Amt' },
  channels: ['OFFICE'],
  maturityLevel: 1,
  fees: [],
  requiredDocuments: [],
  assuranceLevel: 'NONE',
  appointment: 'NONE',
  ...fields,
});

export const offerRow = (area: string, fields: Parameters<typeof record>[0]): Row<'offer'> => ({
  id: `test:${area}:${fields.localKey}`,
  service_key: fields.serviceKey ?? `L${area.padEnd(12, '0')}.${fields.localKey}`,
  local_key: fields.localKey,
  source: 'test',
  area,
  ars: area.padEnd(12, '0'),
  record: JSON.stringify(record(fields)),
  revision: '',
  valid_from: null,
  valid_to: null,
  imported_at: 0,
});

export const municipalityRow = (ars: string, name: string, validity: { from?: string; to?: string } = {}): Row<'municipality'> => ({
  ars,
  ags: `${ars.slice(0, 5)}${ars.slice(9)}` as MunicipalityKey,
  name,
  kind: 'Stadt',
  federal_state: 'Nordrhein-Westfalen',
  district: null,
  population: 1000,
  area_hectares: 100,
  valid_from: validity.from ?? null,
  valid_to: validity.to ?? null,
});

export const serviceRow = (key: string, name: string): Row<'service'> => ({
  key,
  name_de: name,
  name_en: null,
  summary_de: null,
  summary_en: null,
  typing: '2/3',
  ozg_id: null,
  life_situations: '[]',
  legal_basis: '[]',
  source: 'test',
  as_of: '2026-01-01',
});

/** A catalogue in memory, of these rows alone. */
export const viewOf = (
  rows: Partial<ReferenceRows>,
  offers: readonly Row<'offer'>[] = [],
  synonyms: ReadonlyMap<string, readonly string[]> = new Map(),
): CatalogueView =>
  createView(
    shelveReference({ municipalities: [], changes: [], postalCodes: [], services: [], equivalences: [], ...rows }),
    atOnce(shelveOffers(offers, [], () => false)),
    synonyms,
  );

/** The catalogue over a real store. */
export const catalogueOn = (store: Store, deps: Partial<CatalogueDeps> = {}) =>
  createCatalogue({
    store,
    eventLog: createEventLog(store),
    cities: { list: () => [], findByArs: () => null },
    log: createLog('silent'),
    referenceFolder: folders.reference,
    now: () => new Date('2026-11-24T10:00:00Z'),
    ...deps,
  });
