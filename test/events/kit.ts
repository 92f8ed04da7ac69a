import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import type { HubEvent, Json, RegionalKey } from '#contract';
import type { Adapter, AdapterDefinition } from '#contract';
import { z } from 'zod';
import { createCities, type City, type EventChoice, type EventGrant, type EventWebhook } from '../../src/cities/cities.ts';
import { createEvents, type Events, type EventsOptions } from '../../src/events/events.ts';
import type { Bus } from '../../src/infra/bus/bus.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics, type Metrics } from '../../src/infra/metrics.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { shippedKeys } from '../kit/key-rules.ts';

/** Cities that get events; nothing else of them runs. */
export interface SampleCity {
  readonly id: string;
  readonly ars: string;
  /** Where its events go: a webhook's address, a topic, or an adapter's events port. */
  readonly to?:
    | { readonly url: string; readonly secrets?: readonly string[]; readonly timeoutMs?: number }
    | 'kafka'
    | NonNullable<Adapter['events']>;
  readonly subscribe?: readonly EventChoice[];
  readonly grants?: readonly EventGrant[];
  readonly concurrency?: number;
}

/** The events room on its own, with a clock that tests set forward by `clock.ms`. */
export interface EventsStand {
  readonly events: Events;
  readonly metrics: Metrics;
  readonly clock: { ms: number };
  city(id: string): City;
  append(...events: HubEvent[]): Promise<void>;
  close(): Promise<void>;
}

export const hmacKey = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** A pair as Standard Webhooks writes it: the private half for the hub, the public one as 32 bytes. */
export function ed25519Pair(): { readonly secret: string; readonly publicKey: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  return { secret: `whsk_${seed.toString('base64')}`, publicKey: publicKey.export({ format: 'der', type: 'spki' }) };
}

const limits = { concurrency: 4, timeoutMs: 2000, retries: 0, breaker: { failures: 1000, halfOpenMs: 200 } };

const eventsAdapter = (port: NonNullable<Adapter['events']>): AdapterDefinition => ({
  id: 'events-only',
  version: '1.0.0',
  contract: ['1.0'],
  config: z.strictObject({}) as never,
  create: () => ({
    start: async () => {},
    stop: async () => {},
    check: async () => ({ ok: true, probes: [] }),
    events: port,
  }),
});

/** Starts the room over a store and a bus. */
export async function startEvents(
  { store, bus, cities: given }: { store: Store; bus: Bus; cities: readonly SampleCity[] },
  options: Partial<Pick<EventsOptions, 'policy' | 'timing' | 'development'>> & { readonly clock?: { ms: number } } = {},
): Promise<EventsStand> {
  const { clock = { ms: 0 }, ...rest } = options;
  const log = createLog('silent');
  const metrics = createMetrics();
  const now = () => new Date(Date.now() + clock.ms);
  const webhooks = new Map<string, EventWebhook>();
  const connected = given.map(({ id, ars, to, subscribe = [], grants = [], concurrency = 4 }) => {
    const port = typeof to === 'object' && 'receive' in to ? to : null;
    if (typeof to === 'object' && 'url' in to)
      webhooks.set(id, { url: to.url, secrets: to.secrets ?? [hmacKey()], privateNetworks: [], timeoutMs: to.timeoutMs ?? 2000 });
    const deliver = to === 'kafka' ? ('kafka' as const) : port ? ('adapter' as const) : ('webhook' as const);
    const city: City = {
      id,
      ars: ars as RegionalKey,
      name: id,
      since: '2026-11-01',
      paused: false,
      adapters: port ? [{ id: 'events', product: 'events-only', services: [], statusMap: new Map(), limits }] : [],
      catalogue: null,
      grants,
      ...(to === undefined ? {} : { events: { deliver, concurrency, subscribe, ...(port ? { adapter: 'events' } : {}) } }),
    };
    const adapters = port ? [{ id: 'events', definition: eventsAdapter(port), config: {}, endpoints: [], secrets: [] }] : [];
    return { city, adapters };
  });
  const cities = createCities({ connected, cache: createMemoryCache(), log, metrics, now: () => new Date() });
  await cities.start();
  const eventLog = createEventLog(store);
  const events = createEvents({
    store,
    eventLog,
    bus,
    cities,
    keys: shippedKeys,
    webhooks,
    log,
    metrics,
    now,
    development: true,
    ...rest,
    timing: { leaseMs: 2000, pollMs: 20, ...rest.timing },
  });
  await events.start();
  return {
    events,
    metrics,
    clock,
    city: (id) => cities.find(id)!,
    append: (...list) => store.transaction((tx) => eventLog.append(tx, list)),
    async close() {
      await events.stop();
      await cities.stop();
    },
  };
}

/** An event about a case or an application. */
export const caseEvent = (
  of: string,
  given: { id?: string; aggregate?: string; kind?: 'case' | 'application'; type?: string; facts?: { readonly [name: string]: Json } } = {},
): HubEvent => ({
  id: given.id ?? randomUUID(),
  type: given.type ?? 'case.step-taken',
  aggregate: { type: given.kind ?? 'case', id: given.aggregate ?? randomUUID() },
  occurredAt: new Date(),
  municipality: of as RegionalKey,
  facts: given.facts ?? {},
});
