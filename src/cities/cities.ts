import type {
  Adapter,
  AdapterDefinition,
  Call,
  CaseRef,
  CaseSnapshot,
  Health,
  Language,
  MappableStatus,
  RegionalKey,
  ServiceKey,
  WriteCall,
} from '#contract';
import { AdapterError, createKeyRules, HubError, spelledAlike, type KeyRules } from '#contract';
import type { Cache } from '../infra/cache/cache.ts';
import type { Log } from '../infra/log.ts';
import type { Metrics } from '../infra/metrics.ts';
import type { CallLimits, CallOptions, WriteOptions } from './call-options.ts';
import { createConnector, type Connection } from './connection.ts';
import { CityCallError, reasonOf, type CallFailure } from './failure.ts';

export { CityCallError, type CallFailure, type CallLimits, type CallOptions, type WriteOptions };

/** A connected city as its file describes it. */
export interface City {
  /** Name of its file under cities/, without ending. */
  readonly id: string;
  readonly ars: RegionalKey;
  readonly name: string;
  /** Since when it is connected (date). */
  readonly since: string;
  /** True if the city takes no applications at the moment. */
  readonly paused: boolean;
  readonly adapters: readonly CityAdapter[];
  /** Where its offers come from. */
  readonly catalogue: CityCatalogue | null;
  /** How events reach it; without it, none are sent to it. */
  readonly events?: EventChannel;
  /** Which other cities may have its events. @default none */
  readonly grants?: readonly EventGrant[];
  /** What decisions of other cities hold here too, if they name this one as well. @default none */
  readonly treaties?: readonly Treaty[];
  /** What cases with other cities need, by kind of case. @default what the forms themselves mark */
  readonly coordination?: Readonly<Record<string, CoordinationSettings>>;
}

/** Where forms say what a case between cities needs (JSON Pointers into the form data), and how patient the city is. */
export interface CoordinationSettings {
  /** By mark, for example `departure`. */
  readonly marks: Readonly<Record<string, string>>;
  /** What the partner city must know of the person; sealed, and erased with the case. */
  readonly facts?: readonly string[];
  /** After how many hours an answer is overdue. @default 72 */
  readonly answerWithinHours?: number;
}

/** An agreement with other cities about a service: what each of them issues, the others recognise. */
export interface Treaty {
  readonly service: ServiceKey;
  readonly with: readonly RegionalKey[];
}

/** The way of events to a city. */
export interface EventChannel {
  readonly deliver: 'webhook' | 'kafka' | 'adapter';
  /** With `adapter`: the id of the city's adapter that takes them. */
  readonly adapter?: string;
  /** Events on their way at a time. */
  readonly concurrency: number;
  /** What it wants beside what is addressed to it. */
  readonly subscribe: readonly EventChoice[];
}

/** Some events: types (`*`, `application.*`, `application.delivered`) and service keys (`*` for all). */
export interface EventChoice {
  readonly types: readonly string[];
  readonly services: readonly string[];
}

export interface EventGrant extends EventChoice {
  /** ARS, or `*` for every connected city. */
  readonly to: string;
}

/** Where a city's webhook is and what signs for it. */
export interface EventWebhook {
  readonly url: string;
  /** `whsec_…` or `whsk_…` (Standard Webhooks). */
  readonly secrets: readonly string[];
  /** Networks in CIDR notation that may be reached although they are not public. */
  readonly privateNetworks: readonly string[];
  readonly timeoutMs: number;
}

export interface CityAdapter {
  /** Name within the city's file, for example `cases`. */
  readonly id: string;
  /** Id of the adapter's definition, for example `redmine`. */
  readonly product: string;
  /** Service keys or local keys it takes applications for; `*` for all; none if it only serves something else. */
  readonly services: readonly string[];
  readonly statusMap: ReadonlyMap<string, MappableStatus>;
  readonly limits: CallLimits;
}

/** Files of the city, or one of its adapters. */
export type CityCatalogue = CatalogueFiles | CatalogueAdapter;

export interface CatalogueFiles {
  readonly format: string;
  /** Path, already resolved against the city's file, or URL, by name of the part (`services`, `locations`). */
  readonly files: Readonly<Record<string, string>>;
}

export interface CatalogueAdapter {
  /** The id of one of the city's adapters, one that has a catalogue. */
  readonly adapter: string;
  /** After how many hours it is asked again. */
  readonly everyHours: number;
}

export interface AdapterStatus {
  readonly adapter: string;
  readonly product: string;
  /** `DEGRADED`: it answers, and does not let the hub do its work. */
  readonly state: 'UP' | 'DEGRADED' | 'DOWN' | 'UNKNOWN';
  readonly checkedAt: Date | null;
  readonly hint: string | null;
}

/** The connected cities and the only way to talk to them. */
export interface Cities {
  list(): readonly City[];
  /** The connected city that has this ARS, or had it. */
  findByArs(ars: string): City | null;
  find(id: string): City | null;
  /** The adapter of the city that takes applications for this service, or null: one that names it, then one that names what holds for it, then one for all. */
  adapterFor(city: City, service: { key: ServiceKey; localKey: string }): CityAdapter | null;
  /** The running adapter itself, to see which ports it has. */
  adapter(cityId: string, adapterId: string): Adapter;
  /**
   * A reading call: with the city's deadline, bulkhead and breaker, retried by kind of error.
   * @throws CityCallError
   */
  read<T>(cityId: string, adapterId: string, run: (adapter: Adapter, call: Call) => Promise<T>, options: CallOptions): Promise<T>;
  /**
   * One attempt at a change, never retried here: the caller decides by `failure.effect`.
   * @throws CityCallError
   */
  write<T>(cityId: string, adapterId: string, run: (adapter: Adapter, call: WriteCall) => Promise<T>, options: WriteOptions): Promise<T>;
  /** False while the breaker is open: work for this adapter waits without being tried. */
  accepts(cityId: string, adapterId: string): boolean;
  /** Cases of one city in batches no larger than the adapter takes; an element is null if the case is gone, an Error where it could not be read. */
  loadCases(
    cityId: string,
    adapterId: string,
    refs: readonly CaseRef[],
    options: CallOptions,
  ): Promise<readonly (CaseSnapshot | null | Error)[]>;
  /** Last known health of each adapter of a city, at most 30 s old where the city answers. */
  status(cityId: string): Promise<readonly AdapterStatus[]>;
  /** Read-only check of one adapter, now. */
  check(cityId: string, adapterId: string): Promise<Health>;
  /** Starts every adapter, or those of some cities; one that cannot start is logged, and its calls fail and say why. */
  start(cityIds?: readonly string[]): Promise<void>;
  /** Stops every adapter; resolves when no call runs any more. */
  stop(): Promise<void>;
}

/** A city as it was loaded: what everyone may know of it, and what its adapters are made from. */
export interface ConnectedCity {
  readonly city: City;
  readonly adapters: readonly ConnectedAdapter[];
  /** Where its events go, where they go by webhook. */
  readonly webhook?: EventWebhook;
}

export interface ConnectedAdapter {
  /** The id of one of the city's adapters. */
  readonly id: string;
  readonly definition: AdapterDefinition;
  /** Contract version that hub and adapter have in common. @default the hub's newest */
  readonly contract?: string;
  /** What the definition's schema made of the file, references resolved. */
  readonly config: unknown;
  /** URLs it may reach. */
  readonly endpoints: readonly string[];
  /** Values that no log, error or trace may show. */
  readonly secrets: readonly string[];
}

export interface CitiesOptions {
  readonly connected: readonly ConnectedCity[];
  readonly cache: Cache;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
  /** How keys are compared. @default by what they say themselves */
  readonly keys?: KeyRules;
  /** Language of the hints for the city's staff. @default 'EN' */
  readonly language?: Language;
}

/** Makes every adapter of every city; nothing is sent before `start`. */
export function createCities(options: CitiesOptions): Cities {
  const { connected, log, keys = createKeyRules() } = options;
  const connect = createConnector(options);
  const byId = new Map(connected.map(({ city }) => [city.id, city]));
  const byArs = new Map<string, City>(connected.map(({ city }) => [city.ars, city]));
  const connections = new Map(
    connected.flatMap((one) => one.adapters.map((adapter) => [`${one.city.id} ${adapter.id}`, connect(one.city, adapter)])),
  );

  const get = (cityId: string, adapterId: string): Connection => {
    const connection = connections.get(`${cityId} ${adapterId}`);
    if (!connection) throw new HubError('CITY_UNKNOWN', `no adapter ${adapterId} of a city ${cityId} is connected`);
    return connection;
  };

  async function loadBatch(cityId: string, adapterId: string, refs: readonly CaseRef[], how: CallOptions) {
    try {
      const loaded = await get(cityId, adapterId).calls.read(async ({ cases }, call) => {
        if (!cases) throw new AdapterError('unsupported', 'none', `${adapterId} of ${cityId} has no cases`);
        return cases.loadCases(refs, call);
      }, how);
      if (loaded.length !== refs.length)
        throw new CityCallError(`${refs.length} cases were asked for and ${loaded.length} answered`, { kind: 'malformed', effect: 'none' });
      return refs.map((_, index) => loaded[index] ?? null);
    } catch (error) {
      return refs.map(() => (error instanceof Error ? error : new CityCallError('unknown', { kind: 'malformed', effect: 'none' })));
    }
  }

  return {
    list: () => [...byId.values()],
    find: (id) => byId.get(id) ?? null,
    findByArs(ars) {
      const [own] = keys.keysOfMunicipality(ars as RegionalKey).flatMap((key) => byArs.get(key) ?? []);
      return own ?? null;
    },
    adapterFor(city, { key, localKey }) {
      const names = (service: ServiceKey) => city.adapters.find(({ services }) => services.some((one) => spelledAlike(one, service)));
      const named = city.adapters.find(({ services }) => services.some((one) => spelledAlike(one, key) || one === localKey));
      const holding = () => keys.keysAnswering(key).flatMap((broader) => names(broader) ?? [])[0];
      return named ?? holding() ?? city.adapters.find(({ services }) => services.includes('*')) ?? null;
    },
    adapter: (cityId, adapterId) => get(cityId, adapterId).adapter,
    read: async (cityId, adapterId, run, options) => get(cityId, adapterId).calls.read(run, options),
    write: async (cityId, adapterId, run, options) => get(cityId, adapterId).calls.write(run, options),
    accepts: (cityId, adapterId) => get(cityId, adapterId).calls.accepts(),
    async loadCases(cityId, adapterId, refs, options) {
      const size = Math.max(1, get(cityId, adapterId).adapter.cases?.traits.maxBatch ?? refs.length);
      const batches = Array.from({ length: Math.ceil(refs.length / size) }, (_, at) => refs.slice(at * size, (at + 1) * size));
      return (await Promise.all(batches.map((batch) => loadBatch(cityId, adapterId, batch, options)))).flat();
    },
    status: async (cityId) => Promise.all((byId.get(cityId)?.adapters ?? []).map(({ id }) => get(cityId, id).health.status())),
    check: async (cityId, adapterId) => get(cityId, adapterId).health.check(),
    async start(cityIds) {
      const chosen = [...connections].filter(([name]) => !cityIds || cityIds.some((id) => name.startsWith(`${id} `)));
      const started = chosen.map(async ([name, { adapter, calls }]) => {
        try {
          await calls.probe((own, call) => own.start(call));
        } catch (error) {
          // One city that cannot start must not keep the others from starting; its calls fail and say why.
          log.error({ connection: name, reason: reasonOf(error) }, 'an adapter could not be started');
        }
        return adapter;
      });
      await Promise.all(started);
    },
    async stop() {
      await Promise.all(
        [...connections].map(async ([name, connection]) => {
          const { calls } = connection;
          await calls.idle();
          await calls
            .probe((own, call) => own.stop(call))
            .catch((error: unknown) => log.warn({ connection: name, reason: reasonOf(error) }, 'an adapter did not stop cleanly'));
          await connection.close();
        }),
      );
    },
  };
}
