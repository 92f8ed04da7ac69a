import { randomUUID } from 'node:crypto';
import { pause, pauseAfter, type Backoff } from '../infra/backoff.ts';
import type { Bus } from '../infra/bus/bus.ts';
import type { Log } from '../infra/log.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import { acquireLease, type Lease } from '../infra/store/lease.ts';
import type { Store } from '../infra/store/store.ts';
import { createPipeline } from './pipeline.ts';

/*
 * The relay carries the event log to the bus, in log order, at least once.
 *
 *   waiting ──lease──▶ relaying: read behind what was read → publish → …       the cursor follows what is confirmed
 *      ▲                  │
 *      └── lease lost, store away, a batch refused, stop ──┘
 *
 * A commit of this process wakes the relay at once. Batches go out without waiting for those before (the bus keeps their order), so
 * that an event does not wait for the slowest partition; at most 2,000 events are unconfirmed. The cursor moves now and then,
 * over confirmed batches only and never past one that is not: a crash at any point repeats events of the last moment and
 * never leaves one out. While the bus is away batches wait, and the log grows behind them: submissions do not notice.
 *
 * Of several hub processes one relays at a time, by lease; the fence tells one that slept through its lease that another has
 * taken over. It may still have batches under way then. That publishes events a second time, which readers must bear, but
 * it cannot disturb their order: whatever it publishes it read from the log in order, so whoever looks at each event's
 * first arrival sees the log's order. Nor does it harm the cursor, which moves forwards only, over confirmed events.
 */

/** What the relay works with. */
export interface RelayOptions {
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly bus: Bus;
  readonly log: Log;
  /** Events of one batch. @default 500 */
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
/** The log is read at most so often: events of a burst travel together. One that comes alone is not kept waiting. */
const READ_EVERY_MS = 5;
/** The cursor moves at most so often: each move is a commit of its own. */
const CURSOR_EVERY_MS = 200;
/** How long `stop` waits for batches under way. */
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

  const pipeline = createPipeline(bus, (await eventLog.getCursor(READER)) ?? 0, () => over.abort());

  async function keepCursor(): Promise<void> {
    for (let moved = pipeline.confirmed(); !signal.aborted;) {
      await pause(CURSOR_EVERY_MS, signal);
      const confirmed = pipeline.confirmed();
      if (signal.aborted || confirmed === moved) continue;
      // A store that is away ends the turn at the next read of the log; the lease tells when another may take over.
      await moveCursor(confirmed).then(
        () => (moved = confirmed),
        () => {},
      );
    }
  }

  const keeping = [keepLease(), keepCursor()];
  try {
    let read = 0;
    for await (const events of eventLog.tail(pipeline.confirmed(), signal)) {
      for (let from = 0; from < events.length && !signal.aborted; from += batch) {
        await pipeline.room(signal);
        if (!signal.aborted) pipeline.push(events.slice(from, from + batch));
      }
      await pause(Math.max(0, READ_EVERY_MS - (performance.now() - read)), signal);
      read = performance.now();
    }
    await pipeline.drained(LAST_BATCH_MS);
    pipeline.throwRefusal();
  } finally {
    over.abort();
    await Promise.all(keeping);
    await moveCursor(pipeline.confirmed());
    if (stopped.aborted) await lease.release();
    else log.debug('The relay gave up its turn');
  }
}
