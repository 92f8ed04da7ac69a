import {
  breathe,
  createKeyRules,
  type AssuranceLevel,
  type KeyRules,
  type Localised,
  type MunicipalityKey,
  type OfferRecord,
  type PostalCode,
  type Problem,
  type RegionalKey,
  type ServiceKey,
} from '#contract';
import type { Cities } from '../cities/cities.ts';
import { newId } from '../infra/ids.ts';
import type { Log } from '../infra/log.ts';
import { canonicalJson, sha256 } from '../infra/ids.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import type { Store } from '../infra/store/store.ts';
import { decideCompetence, walkUp } from './competence.ts';
import { dayOf } from './days.ts';
import { importCity, type CityImport, type CityWithCatalogue } from './import/cities.ts';
import type { OfferImportOptions } from './import/offers.ts';
import { readKnown } from './import/known.ts';
import { importReference, type Progress, type ReferenceReport } from './import/reference.ts';
import { readEverydayWords, readSynonyms } from './import/reference-files.ts';
import { filterMunicipalities, filterOffers, filterServices } from './lists.ts';
import { shelveOffers, shelveReference, type ReferenceShelf } from './memory.ts';
import { pageOf } from './pages.ts';
import { loadOffers, loadReference, loadSources } from './records.ts';
import { inTurns } from './search/pieces.ts';
import { refreshDefaults, startRefresh, type Refresh, type RefreshTiming } from './refresh.ts';
import { createView, type CatalogueView } from './view.ts';

export interface Municipality {
  readonly ars: RegionalKey;
  readonly ags: MunicipalityKey;
  readonly name: string;
  readonly kind: string;
  readonly federalState: string;
  readonly district: string | null;
  readonly population: number | null;
  readonly areaHectares: number | null;
  readonly postalCodes: readonly PostalCode[];
}

export interface ServiceEquivalence {
  readonly key: ServiceKey;
  readonly provenance: string;
  readonly source: string;
  readonly asOf: string;
}

/** A service of the catalogue (Leistung). */
export interface CatalogueEntry {
  readonly key: ServiceKey;
  readonly name: Localised;
  readonly summary: Localised | null;
  readonly typing: string | null;
  readonly ozgId: string | null;
  readonly lifeSituations: readonly string[];
  readonly legalBasis: readonly string[];
  readonly equivalents: readonly ServiceEquivalence[];
}

export interface Offer {
  readonly id: string;
  readonly serviceKey: ServiceKey;
  readonly ars: RegionalKey;
  readonly area: RegionalKey;
  readonly record: OfferRecord;
  readonly source: string;
  readonly asOf: Date;
  /** True if the last attempt to refresh the source failed or it is older than its source promises. */
  readonly stale: boolean;
}

/** Exactly one of the three. */
export type Place = { readonly ars: string } | { readonly ags: string } | { readonly postalCode: string };

export type Competence =
  | { readonly found: true; readonly offer: Offer; readonly resolvedFrom: RegionalKey; readonly path: readonly RegionalKey[] }
  | { readonly found: false; readonly problem: Problem; readonly candidates?: readonly Municipality[] };

export interface PageRequest {
  readonly first: number;
  /** Opaque position after which to go on; null for the beginning. */
  readonly after: string | null;
}

export interface Listing<T> {
  readonly items: readonly { readonly node: T; readonly cursor: string }[];
  readonly totalCount: number;
  readonly hasNextPage: boolean;
}

/** Services, offers, municipalities and who is responsible for what where. Answers from memory, filled from the store. */
export interface Catalogue {
  /** How keys of services and municipalities are compared. */
  readonly keys: KeyRules;
  findMunicipality(key: { ars: string } | { ags: string }): Municipality | null;
  listMunicipalities(filter: {
    search?: string | null;
    postalCode?: string | null;
    federalState?: string | null;
    connected?: boolean | null;
    page: PageRequest;
  }): Listing<Municipality>;
  findService(key: string): CatalogueEntry | null;
  listServices(filter: {
    search?: string | null;
    lifeSituation?: string | null;
    offeredIn?: string | null;
    minimumMaturity?: number | null;
    page: PageRequest;
  }): Listing<CatalogueEntry>;
  findOffer(id: string): Offer | null;
  /** Offer of a service or of an equivalent of it, in the municipality or a region above it, valid on the day. */
  findOfferFor(ars: RegionalKey, service: ServiceKey, on?: Date): Offer | null;
  listOffers(filter: {
    service?: ServiceKey;
    in?: readonly string[] | null;
    ars?: RegionalKey;
    search?: string | null;
    page: PageRequest;
  }): Listing<Offer>;
  /** Who is responsible, on a day (today if absent). */
  competence(service: string, place: Place, on?: Date): Competence;
  /**
   * How well somebody must be identified to apply for an offer. Where its source states nothing it is SUBSTANTIAL: a
   * service that nobody has thought about must not be open to everybody, and a city that wants less says so.
   */
  assuranceNeeded(offer: Offer): AssuranceLevel;
  /** Freshness of a city's offers. */
  freshness(ars: RegionalKey): { asOf: Date | null; source: string; stale: boolean };
  /** The same text as long as the same questions get the same answers, in every process that shows the same catalogue. */
  revision(): string;
  /** Fills memory from the store again. */
  reload(): Promise<void>;
  /** Takes over what another process imported of a source; does nothing where memory has it already. */
  refresh(source: string): Promise<void>;
}

/** Brings the catalogue up to date. What has not changed costs little more than reading the files. */
export interface CatalogueImports {
  /** The reference records that are shipped with the hub. An import that was killed goes on where it stopped. */
  importReference(progress?: Progress): Promise<ReferenceReport>;
  /**
   * The catalogues of cities, those in files of all connected ones where none are named. Each is complete or changes nothing;
   * one that is refused is reported and logged and stops no other.
   */
  importCities(cities?: readonly CityWithCatalogue[], options?: OfferImportOptions): Promise<readonly CityImport[]>;
  /** Builds the searches before somebody waits for them, and lets other work in between. From then on every change brings its search with it. */
  warmUp(): Promise<void>;
  /** Reads the catalogues that adapters list, when they are due, from the moment that the adapters are ready until it is stopped. */
  keepFresh(ready: Promise<unknown>): Refresh;
}

export interface CatalogueDeps {
  readonly store: Store;
  readonly eventLog: EventLog;
  /** Who is connected, and the guarded way to ask them. */
  readonly cities: { list(): readonly CityWithCatalogue[]; findByArs(ars: string): object | null } & Partial<Pick<Cities, 'read'>>;
  /** Rules that are to know what the reference records say of keys. @default ones of its own */
  readonly keys?: KeyRules;
  readonly log: Log;
  /** Folder of the reference records. */
  readonly referenceFolder: string;
  readonly now: () => Date;
  /** After how many hours without a successful import a source counts as stale. @default 168 */
  readonly staleAfterHours?: number;
  /** How often adapters' catalogues are refreshed. */
  readonly refresh?: Partial<RefreshTiming> & {
    /** How long a listing may take, in milliseconds. @default ten minutes */ readonly listingMs?: number;
  };
}

/** What memory holds: the reference records, and the view of them with the cities' offers. */
interface Shelves {
  readonly reference: ReferenceShelf;
  readonly view: CatalogueView;
}

async function prepare({ reference, view }: Shelves): Promise<void> {
  await reference.prepareSearch();
  await view.search.prepare();
}

/** Opens the catalogue over what the store holds; empty until the first import. */
export async function createCatalogue(deps: CatalogueDeps): Promise<Catalogue & CatalogueImports> {
  const { store, eventLog, cities, keys = createKeyRules(), log, now, referenceFolder, staleAfterHours = 168 } = deps;
  const tooOld = (asOf: Date) => now().getTime() - asOf.getTime() > staleAfterHours * 3_600_000;
  const [synonyms, everyday] = await Promise.all([readSynonyms(referenceFolder), readEverydayWords(referenceFolder)]);

  /** Sources first: rows that are newer than the hash noted for them are read once more, older ones would stay. */
  const load = async (before: Shelves | null) => {
    const sources = await loadSources(store);
    const known = before?.view.offers.sources;
    const same = sources.every(
      ({ source, content_hash: hash }) => !source.startsWith('reference:') || known?.get(source)?.content_hash === hash,
    );
    const reference = before && same ? before.reference : shelveReference(await loadReference(store));
    // Others have a turn between the steps.
    const rows = await loadOffers(store);
    await breathe();
    const offers = await inTurns(shelveOffers(rows, sources, tooOld));
    await breathe();
    return { reference, view: createView(reference, offers, synonyms, everyday) };
  };
  let { reference, view } = await load(null);
  keys.learn({
    equivalentsOf: (key) => view.equivalentsOf(key),
    keysOf: (ars) => view.reference.keysOf(ars),
  });
  /** Of all sources, reference records among them, as they stand in the view. */
  const fingerprint = () => sha256(canonicalJson([...view.offers.sources.values()].toSorted((a, b) => (a.source < b.source ? -1 : 1))));
  let revision = fingerprint();
  let reloading: Promise<unknown> = Promise.resolve();
  /** One after the other, so that none puts back what it read before another. */
  const reload = (whole: boolean): Promise<void> => {
    const next = reloading.then(async () => {
      const loaded = await load(whole ? null : { reference, view });
      // Where somebody searches, answers come from the old view until the new one's search is built, in pieces.
      if (view.search.isWanted()) await prepare(loaded);
      ({ reference, view } = loaded);
      revision = fingerprint();
    });
    reloading = next.catch(() => {});
    return next;
  };
  /** An import that found nothing new has still confirmed its source, or failed to, here or in another process. */
  const noteSources = async () => {
    const stored = await loadSources(store);
    if (stored.some(({ source, content_hash }) => content_hash !== (view.offers.sources.get(source)?.content_hash ?? null)))
      return reload(false);
    for (const row of stored) view.offers.sources.set(row.source, row);
    revision = fingerprint();
  };
  const today = () => dayOf(now());
  const ofConnected = new WeakMap<Municipality, boolean>();
  /** Asked of every municipality of the country: who is connected does not change while the hub runs. */
  const isConnected = (municipality: Municipality): boolean => {
    const known = ofConnected.get(municipality);
    if (known !== undefined) return known;
    const { ars } = municipality;
    const is = keys.keysOfMunicipality(ars).some((key) => cities.findByArs(key) !== null);
    ofConnected.set(municipality, is);
    return is;
  };

  async function importCities(
    named: readonly CityWithCatalogue[] = cities.list().filter(({ catalogue }) => catalogue !== null && 'files' in catalogue),
    options: OfferImportOptions = {},
    signal?: AbortSignal,
  ): Promise<readonly CityImport[]> {
    const { read } = cities;
    const known = named.some(({ catalogue }) => catalogue !== null && 'files' in catalogue) ? await readKnown(referenceFolder) : undefined;
    const tools = { store, eventLog, now, cities: read && { read }, known, signal, listingMs: deps.refresh?.listingMs };
    const done: CityImport[] = [];
    for (const city of named) {
      const outcome = await importCity(tools, city, options);
      if (!outcome.ok) log.warn({ city: city.id, problem: outcome.problem }, 'catalogue refused, the last good offers stay');
      else if (outcome.report.setAside.length > 0)
        log.warn(
          { city: city.id, count: outcome.report.setAside.length, records: outcome.report.setAside.slice(0, 20) },
          'entries of the catalogue are set aside; the others are taken',
        );
      done.push(outcome);
    }
    if (options.dryRun) return done;
    const news = done.some((outcome) => outcome.ok && outcome.report.added + outcome.report.changed + outcome.report.removed > 0);
    await (news ? reload(false) : noteSources());
    return done;
  }

  return {
    keys,
    findMunicipality: (key) => ('ars' in key ? view.byArs(key.ars, today()) : view.byAgs(key.ags, today())),
    listMunicipalities: ({ page, ...filter }) => pageOf(filterMunicipalities(view, filter, today(), isConnected), ({ ars }) => ars, page),
    findService: (key) => view.services.get(key) ?? null,
    listServices: ({ page, ...filter }) => pageOf(filterServices(view, filter, today()), ({ key }) => key, page),
    findOffer: (id) => view.offers.byId.get(id) ?? null,
    findOfferFor: (ars, service, on = now()) => walkUp(view, ars, service, dayOf(on)).offer,
    listOffers: ({ page, ...filter }) => pageOf(filterOffers(view, filter, today()), ({ id }) => id, page),
    competence: (service, place, on = now()) => decideCompetence(view, service, place, dayOf(on)),
    assuranceNeeded: ({ record }) => record.assuranceLevel ?? 'SUBSTANTIAL',
    freshness(ars) {
      const source = [...view.offers.sources.values()].find((candidate) => keys.sameMunicipality(candidate.ars, ars));
      if (!source) return { asOf: null, source: 'none', stale: false };
      const asOf = source.as_of === null ? null : new Date(source.as_of);
      return { asOf, source: source.source, stale: source.problem !== null || asOf === null || tooOld(asOf) };
    },
    revision: () => `${revision} ${today()}`,
    reload: () => reload(true),

    async refresh(source) {
      const stored = (await loadSources(store)).find((row) => row.source === source);
      if (stored?.content_hash === view.offers.sources.get(source)?.content_hash) return;
      await reload(false);
    },

    async importReference(progress) {
      const report = await importReference(store, referenceFolder, { now, progress });
      // Where nothing changed, another process may have imported it since this one read the store.
      await (report.changed ? reload(true) : noteSources());
      return report;
    },
    importCities,
    warmUp: () => prepare({ reference, view }),
    keepFresh: (ready) =>
      startRefresh(
        {
          store,
          cities,
          importOne: (city, signal) => importCities([city], {}, signal),
          noteSources,
          log,
          now,
          holder: newId(),
          timing: { ...refreshDefaults, ...deps.refresh },
        },
        ready,
      ),
  };
}
