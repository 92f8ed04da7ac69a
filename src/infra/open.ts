import { HubError, type HubEvent } from '#contract';
import type { Bus } from './bus/bus.ts';
import { openBus } from './bus/open-bus.ts';
import type { Cache } from './cache/cache.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { createEventLog, type EventLog } from './store/eventlog.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';

/** The hub's ports, opened. */
export interface Ports {
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly cache: Cache;
  readonly bus: Bus;
}

/** Which drivers, by URL, and who hears of their troubles. */
export interface PortOptions {
  /** `sqlite:<path>` or `postgres://…` */
  readonly storeUrl: string;
  /** `memory:` or `redis://…` */
  readonly cacheUrl: string;
  /** `embedded:` or `kafka://…` */
  readonly busUrl: string;
  readonly log: Log;
  /** Counts failures of the cache where it is given. */
  readonly metrics?: Metrics;
  /** `source` of published events (CloudEvents), a URI. @default urn:staedtebund:hub */
  readonly source?: string;
  /** What an event has against being published; asked before it is written. @default nothing */
  readonly checkEvent?: (event: HubEvent) => readonly string[];
}

/**
 * Opens every port. Only the store must be there: a cache or a broker that is away is waited for in the background.
 * @throws HubError CONFIG_INVALID, STORE_UNAVAILABLE, STORE_SCHEMA_UNKNOWN
 */
export async function openPorts(options: PortOptions): Promise<Ports> {
  const { storeUrl, busUrl, log, source, checkEvent } = options;
  const cache = await openCache(options);
  try {
    const store = await openStore(storeUrl, log);
    try {
      const eventLog = createEventLog(store, checkEvent);
      const bus = await openBus(busUrl, { store, eventLog, log, ...(source === undefined ? {} : { source }) });
      return { store, eventLog, cache, bus };
    } catch (error) {
      await store.close();
      throw error;
    }
  } catch (error) {
    await cache.close();
    throw error;
  }
}

/** Closes every port, the store last: what the bus finishes still goes there. */
export async function closePorts({ store, cache, bus }: Ports): Promise<void> {
  await bus.close();
  await cache.close();
  await store.close();
}

async function openCache({ cacheUrl, log, metrics }: PortOptions): Promise<Cache> {
  if (cacheUrl === 'memory:') return (await import('./cache/memory.ts')).createMemoryCache();
  if (!/^rediss?:\/\//.test(cacheUrl))
    throw new HubError('CONFIG_INVALID', {
      de: 'CACHE_URL muss memory: oder redis://<Rechner>:<Port> sein.',
      en: 'CACHE_URL must be memory: or redis://<host>:<port>.',
    });
  const failures = metrics?.counter({ name: 'cache_failures_total', help: 'Cache commands that failed and were answered as a miss.' });
  return (await import('./cache/redis.ts')).createRedisCache(cacheUrl, {
    onFailure: () => failures?.inc(),
    onConnection: (up) =>
      log[up ? 'info' : 'warn'](up ? 'The cache is there' : 'The cache is away: every look-up is a miss until it returns'),
  });
}
