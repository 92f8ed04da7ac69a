import { randomUUID } from 'node:crypto';
import { pause, pauseAfter, type Backoff } from '../infra/backoff.ts';
import type { Bus } from '../infra/bus/bus.ts';
import type { Log } from '../infra/log.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import { acquireLease, type Lease } from '../infra/store/lease.ts';
import type { Store } from '../infra/store/store.ts';

/*
 * The relay carries the event log to the bus, in log order, at least once.
 *
 *   waiting ──lease──▶ relaying: read behind the cursor → publish → move the cursor → …
 *      ▲                  │
 *      └── lease lost, store away, stop ──┘
 *
 * The cursor moves only after the bus has confirmed a batch, so a crash at any point repeats events and never leaves one
 * out. While the bus is away a batch waits, and the log grows behind it: submissions do not notice.
 *
 * Of several hub processes one relays at a time, by lease; the fence tells one that slept through its lease that another has
 * taken over. It may still have a batch under way then. That publishes events a second time, which readers must bear, but
 * it cannot disturb their order: whatever it publishes it read from the log in order, so whoever looks at each event's
 * first arrival sees the log's order. Nor does it harm the cursor, which moves forwards only, over confirmed events.
 */

/** What the relay works with. */
export interface RelayOptions {
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly bus: Bus;
  readonly log: Log;
  /** Events published at a time. @default 500 */
  readonly batch?: number;
  /** How long another process waits before it takes over from one that died. @default 10_000 */
  readonly leaseMs?: number;
  /** Between attempts at a bus or a store that fails. @default 200 ms to 10 s */
  readonly backoff?: Backoff;
  /** @default Date.now */
  readonly now?: () => number;
}

/** How far the bus is behind the log. */
export interface RelayLag {
  readonly events: number;
  /** Age of the oldest event that waits, in milliseconds; 0 where none does. */
  readonly oldestMs: number;
}

/** Carries the event log to the bus. */
export interface Relay {
  start(): void;
  /** Ends after the batch under way where the bus takes it, without it where the bus is away. */
  stop(): Promise<void>;
  /** Asked of the store, so it tells of all processes. @throws where the store is away */
  lag(): Promise<RelayLag>;
}

const READER = 'relay';
/** Pause after a batch that was not full: events of a burst travel together, with one move of the cursor, which is a commit of its own. */
const GATHER_MS = 20;
/** How long `stop` waits for a batch under way. */
const LAST_BATCH_MS = 2000;

/** The relay of this process; it does nothing before `start`. */
export function createRelay(options: RelayOptions): Relay {
  const { store, eventLog, log, leaseMs = 10_000, backoff = { firstMs: 200, mostMs: 10_000 }, now = Date.now } = options;
  const holder = randomUUID();
  const stopped = new AbortController();
  let living: Promise<void> | null = null;

  async function live(): Promise<void> {
    for (let failures = 0; !stopped.signal.aborted;) {
      try {
        const lease = await acquireLease(store, { name: READER, holder, ttlMs: leaseMs }, now());
        if (lease) await relayUnderLease(options, lease, stopped.signal);
        failures = 0;
        await pause(Math.min(1000, leaseMs / 4), stopped.signal);
      } catch (error) {
        failures += 1;
        log.warn({ failures, err: error }, 'The relay had to stop; it goes on where it was');
        await pause(pauseAfter(backoff, failures), stopped.signal);
      }
    }
  }

  return {
    start() {
      living ??= live();
    },
    async stop() {
      stopped.abort();
      await living;
    },
    async lag() {
      const cursor = (await eventLog.getCursor(READER)) ?? 0;
      const [oldest] = await eventLog.read(cursor, 1);
      if (!oldest) return { events: 0, oldestMs: 0 };
      const { count } = await store.db
        .selectFrom('event_log')
        .select((e) => e.fn.countAll<number>().as('count'))
        .where('seq', '>', cursor)
        .executeTakeFirstOrThrow();
      return { events: count, oldestMs: Math.max(0, now() - oldest.occurredAt.getTime()) };
    },
  };
}

async function relayUnderLease(options: RelayOptions, lease: Lease, stopped: AbortSignal): Promise<void> {
  const { store, eventLog, bus, log, batch = 500, leaseMs = 10_000, now = Date.now } = options;
  const over = new AbortController();
  const signal = AbortSignal.any([stopped, over.signal]);

  async function keepLease(): Promise<void> {
    for (let renewed = now(); !signal.aborted;) {
      await pause(leaseMs / 4, signal);
      if (signal.aborted) return;
      try {
        if (!(await lease.renew(now()))) over.abort();
        renewed = now();
      } catch {
        // The store may come back before another process can have taken over.
        if (now() - renewed > leaseMs) over.abort();
      }
    }
  }

  /** Forwards only: a relay that slept through its lease cannot set another's work back. */
  async function moveCursor(seq: number): Promise<void> {
    const updated_at = now();
    await store.db
      .insertInto('reader_cursor')
      .values({ reader: READER, seq, updated_at })
      .onConflict((conflict) => conflict.column('reader').doUpdateSet({ seq, updated_at }).where('reader_cursor.seq', '<', seq))
      .execute();
  }

  const keeping = keepLease();
  try {
    const cursor = (await eventLog.getCursor(READER)) ?? 0;
    for await (const events of eventLog.tail(cursor, signal)) {
      for (let from = 0; from < events.length && !signal.aborted; from += batch) {
        const part = events.slice(from, from + batch);
        if (!(await confirmed(bus.publish(part), signal))) return;
        await moveCursor(part.at(-1)?.seq ?? cursor);
      }
      if (events.length < batch) await pause(GATHER_MS, signal);
    }
  } finally {
    over.abort();
    await keeping;
    if (stopped.aborted) await lease.release();
    else log.debug('The relay gave up its turn');
  }
}

/** True once published; false where the turn is over and the bus still does not answer: the batch is left to the next turn. */
async function confirmed(publishing: Promise<void>, signal: AbortSignal): Promise<boolean> {
  const published = publishing.then(() => true);
  // Where nobody waits for it any more, its failure is nobody's.
  published.catch(() => {});
  const ended = new AbortController();
  const lastMoment = async () => {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true, signal: ended.signal });
    });
    await pause(LAST_BATCH_MS, ended.signal);
    return false;
  };
  try {
    return await Promise.race([published, lastMoment()]);
  } finally {
    ended.abort();
  }
}
