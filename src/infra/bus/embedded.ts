import { randomUUID } from 'node:crypto';
import type { LoggedEvent } from '#contract';
import { pause, type Backoff } from '../backoff.ts';
import type { Log } from '../log.ts';
import type { EventLog } from '../store/eventlog.ts';
import { acquireLease, type Lease } from '../store/lease.ts';
import type { Store } from '../store/store.ts';
import type { Bus, BusSubscription, GroupLag, SubscribeOptions } from './bus.ts';
import { createLanes, createSlots } from './lanes.ts';
import { handleUntilDone } from './until-done.ts';

/*
 * The bus without a broker: every group reads the event log itself.
 *
 * A subscription wants the lease of its group. While another process holds it, it asks again every second; with the lease
 * it reads the log from the group's cursor on, in turns that end with the lease, with the store or with `stop`:
 *
 *   waiting ──lease──▶ reading ──stop──▶ in hand done, cursor saved, lease given back
 *      ▲                  │
 *      └── lease lost, store away ──┘
 *
 * Events run in lanes, one per aggregate. An event that fails is tried again, with growing pauses, and only its own
 * aggregate waits for it. The cursor never passes it: after a restart, events of other aggregates that were done behind it
 * are handled again, which handlers must bear anyway (see Bus.subscribe). After 1,000 unfinished events the group reads no
 * further until one of them is done.
 */

/** What the embedded bus needs and how it paces itself. */
export interface EmbeddedBusOptions {
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly log: Log;
  /** Between attempts at an event that fails. @default 200 ms to 30 s */
  readonly backoff?: Backoff;
  /** How long a group rests after its process died, at most. @default 10_000 */
  readonly leaseMs?: number;
}

const MOST_UNFINISHED = 1000;
const SIDE_BY_SIDE = 16;
const SAVE_EVERY_MS = 250;

/** The embedded bus over a store's event log. */
export function createEmbeddedBus(options: EmbeddedBusOptions): Bus {
  const subscriptions = new Map<BusSubscription, SubscribeOptions>();
  return {
    kind: 'embedded',
    // The log is what its groups read: what is in it is published.
    publish: async () => {},
    inboxes: null,
    lag: () => Promise.all([...subscriptions.values()].map((request) => lagOf(options, request))),
    async subscribe(request) {
      await fixBeginning(options, request);
      const running = startReading(options, request);
      const subscription: BusSubscription = {
        async stop() {
          subscriptions.delete(subscription);
          await running.stop();
        },
      };
      subscriptions.set(subscription, request);
      return subscription;
    },
    check: () =>
      options.store.check().then(
        () => true,
        () => false,
      ),
    async close() {
      await Promise.all([...subscriptions.keys()].map((subscription) => subscription.stop()));
    },
  };
}

const reader = (group: string) => `group:${group}`;

/** Up to the events behind one that fails, which the cursor does not pass: the worst that a restart would repeat. */
async function lagOf({ store, eventLog }: EmbeddedBusOptions, { group, aggregateTypes }: SubscribeOptions): Promise<GroupLag> {
  const { count } = await store.db
    .selectFrom('event_log')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('seq', '>', (await eventLog.getCursor(reader(group))) ?? 0)
    .where('aggregatetype', 'in', [...aggregateTypes])
    .executeTakeFirstOrThrow();
  return { group, events: count };
}

/** A new group's place is written down before `subscribe` resolves: `end` means the end at that moment. */
async function fixBeginning({ store, eventLog }: EmbeddedBusOptions, { group, from }: SubscribeOptions): Promise<void> {
  const seq = from === 'end' ? await eventLog.head() : 0;
  await store.db
    .insertInto('reader_cursor')
    .values({ reader: reader(group), seq, updated_at: Date.now() })
    .onConflict((conflict) => conflict.column('reader').doNothing())
    .execute();
}

function startReading(options: EmbeddedBusOptions, request: SubscribeOptions): BusSubscription {
  const { store, log, leaseMs = 10_000 } = options;
  const holder = randomUUID();
  const stop = new AbortController();

  async function live(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        const lease = await acquireLease(store, { name: `bus:${request.group}`, holder, ttlMs: leaseMs }, Date.now());
        if (lease) await readUnderLease(options, request, lease, stop.signal);
      } catch (error) {
        log.warn({ group: request.group, err: error }, 'A group cannot read the event log; it will go on where it stopped');
      }
      await pause(Math.min(1000, leaseMs / 2), stop.signal);
    }
  }

  const living = live();
  return {
    async stop() {
      stop.abort();
      await living;
    },
  };
}

async function readUnderLease(options: EmbeddedBusOptions, request: SubscribeOptions, lease: Lease, stopped: AbortSignal): Promise<void> {
  const { eventLog, log, leaseMs = 10_000, backoff = { firstMs: 200, mostMs: 30_000 } } = options;
  /** The turn ends: the lease is lost, or reading failed. */
  const over = new AbortController();
  const signal = AbortSignal.any([stopped, over.signal]);
  let held = true;
  const types = new Set(request.aggregateTypes);
  const start = (await eventLog.getCursor(reader(request.group))) ?? 0;
  const inSlot = createSlots(SIDE_BY_SIDE);
  const handling = {
    request: { ...request, handle: (event: LoggedEvent) => inSlot(() => request.handle(event)) },
    backoff,
    log,
    signal,
  };
  const lanes = createLanes(start, MOST_UNFINISHED, (event) => handleUntilDone(event, handling));

  let saved = start;
  async function save(): Promise<void> {
    const done = lanes.doneUpTo();
    if (done > saved) await eventLog.setCursor(reader(request.group), done);
    saved = Math.max(saved, done);
  }

  async function keep(): Promise<void> {
    for (let renewed = Date.now(); !signal.aborted;) {
      await pause(Math.min(SAVE_EVERY_MS, leaseMs / 3), signal);
      try {
        if (Date.now() - renewed > leaseMs / 3) {
          held = await lease.renew(Date.now());
          renewed = Date.now();
        }
        if (held) await save();
      } catch {
        // The store may come back before another process can have taken the lease over.
        held = Date.now() - renewed < leaseMs;
      }
      if (!held) over.abort();
    }
  }

  const keeping = keep();
  try {
    for await (const events of eventLog.tail(start, signal)) {
      for (const event of events) {
        if (signal.aborted) break;
        if (types.has(event.aggregate.type)) await lanes.add(event);
        else lanes.readUpTo(event.seq);
      }
    }
  } finally {
    over.abort();
    await Promise.all([keeping, lanes.idle()]);
    if (held) {
      await save();
      await lease.release();
    } else log.warn({ group: request.group }, 'Another process reads for this group now');
  }
}
