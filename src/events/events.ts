import type { KeyRules, Problem } from '#contract';
import type { Cities, City, EventChoice, EventWebhook } from '../cities/cities.ts';
import type { Bus } from '../infra/bus/bus.ts';
import type { Log } from '../infra/log.ts';
import type { Metrics } from '../infra/metrics.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import type { Store } from '../infra/store/store.ts';
import { openChannel } from './channels.ts';
import { createDeliveries, type DeliveriesTiming } from './deliveries.ts';
import { channelView, deliveriesPage, type ChannelView, type DeliveriesPage, type DeliveryFilter } from './delivery-log.ts';
import { createDispatch } from './dispatch.ts';
import { dispatchDefaults, type DispatchPolicy } from './dispatch-rules.ts';
import { createEventsMetrics, type EventsMetrics } from './metrics.ts';
import { createDecisions } from './parked.ts';
import { createReplay, type ReplayRange } from './replay.ts';
import { createSubscriptions } from './subscribe.ts';
import { readTrail, type Trail } from './trail.ts';

export type { ChannelView, DeliveriesPage, DeliveryFilter, DeliveryView } from './delivery-log.ts';
export type { AttemptRow } from './records.ts';
export type { ReplayRange } from './replay.ts';
export type { Trail, TrailEntry } from './trail.ts';

/** What a verb came to: how many events it touched, or why it was refused. */
export type EventsResult =
  | { readonly ok: true; readonly count: number; readonly eventId?: string }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Events on their way to cities. Cities are named by their id; `by` is who decided, for the record. Nobody's rights are looked at here:
 * a city's token acts for its own city, the command line for all.
 */
export interface Events {
  /** How events reach the city; null if it has no channel. */
  channel(city: string): Promise<ChannelView | null>;
  /** The delivery log, newest event first unless the filter says otherwise. `after` is the cursor of the last one. */
  deliveries(filter: DeliveryFilter, page: { readonly first: number; readonly after: string | null }): Promise<DeliveriesPage>;
  subscribe(city: City, choice: EventChoice, by: string): Promise<EventsResult>;
  unsubscribe(city: City, id: string): Promise<EventsResult>;
  /** A parked event is tried again; what waits behind it follows. */
  release(city: string, eventId: string, by: string): Promise<EventsResult>;
  /** A parked event is given up, for a reason that is kept. */
  discard(city: string, eventId: string, reason: string, by: string): Promise<EventsResult>;
  pause(city: string, by: string): Promise<EventsResult>;
  resume(city: string, by: string): Promise<EventsResult>;
  /** Sends again what the city gets of these events, under their ids. */
  replay(city: City, range: ReplayRange, by: string): Promise<EventsResult>;
  /** Sends the city an event that says nothing, all the way. */
  test(city: City, by: string, traceparent: string): Promise<EventsResult>;
  /** What happened to a case, an application or an event; null if nothing is known. `city` as in trail.ts. */
  trail(id: string, city?: string | null): Promise<Trail | null>;
  /** Starts consuming and delivering. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface EventsOptions {
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly bus: Bus;
  readonly cities: Cities;
  readonly keys: KeyRules;
  /** Webhooks by city id. */
  readonly webhooks: ReadonlyMap<string, EventWebhook>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
  /** Webhooks may be plain http and on this machine. @default false */
  readonly development?: boolean;
  /** `source` of events, a URI. @default urn:staedtebund:hub */
  readonly source?: string;
  readonly policy?: Partial<DispatchPolicy>;
  readonly timing?: Partial<DeliveriesTiming>;
}

/** What the verbs share. */
export interface EventsDeps extends Omit<EventsOptions, 'metrics' | 'policy' | 'timing'> {
  readonly metrics: EventsMetrics;
  readonly policy: DispatchPolicy;
  readonly timing: DeliveriesTiming;
}

export function createEvents(options: EventsOptions): Events {
  const { store, cities, bus, now } = options;
  const receivers = cities.list().filter(({ events }) => events !== undefined);
  const deps: EventsDeps = {
    ...options,
    metrics: createEventsMetrics(
      options.metrics,
      store,
      receivers.map(({ id }) => id),
      now,
    ),
    policy: { ...dispatchDefaults, ...options.policy },
    timing: { leaseMs: 10_000, pollMs: 500, ...options.timing },
  };
  const parts = { ...options, inboxes: bus.inboxes, development: options.development ?? false };
  const channels = new Map(receivers.map((city) => [city.id, openChannel(parts, city)]));
  const deliveries = createDeliveries(deps, channels);
  const dispatch = createDispatch(deps, channels, deliveries.wake);

  return {
    ...createDecisions(deps, channels, deliveries.wake),
    ...createSubscriptions(deps, channels),
    ...createReplay(deps, channels, deliveries.wake),
    channel: (city) => channelView(deps, channels, city),
    deliveries: (filter, page) => deliveriesPage(store, filter, page),
    trail: (id, city) => readTrail(deps, id, city),
    async start() {
      deliveries.start();
      await dispatch.start();
    },
    async stop() {
      await dispatch.stop();
      await deliveries.stop();
    },
  };
}
