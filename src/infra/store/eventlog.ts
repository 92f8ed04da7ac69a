import { sql, type Kysely, type Selectable } from 'kysely';
import { HubError, type HubEvent, type Json, type LoggedEvent, type RegionalKey } from '#contract';
import { noteAppend } from './create-store.ts';
import { createPulse } from './pulse.ts';
import type { Database } from './schema.ts';
import type { Store, Tx } from './store.ts';

/**
 * The event log: append in the transaction of the change itself, read in commit order.
 *
 * Readers keep one number, so `seq` must grow in commit order without a later commit filling a gap behind a reader.
 * SQLite has one writer and gives this for free. On PostgreSQL a sequence number becomes visible only at commit, so
 * `append` takes a transaction-level advisory lock before it draws numbers and holds it until commit: make it the last
 * statement of the transaction (docs/adr/0003-event-log-order.md says why a lock and not a snapshot filter).
 */
export interface EventLog {
  /** @throws HubError EVENT_REFUSED if an event is none that may be published */
  append(tx: Tx, events: readonly HubEvent[]): Promise<void>;
  /** Events after `seq`, oldest first. */
  read(after: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** Events of one aggregate, oldest first. */
  readAggregate(type: string, id: string, after: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** Events of these aggregates in batches, those of one after those of another, oldest first. */
  readAggregates(from: Store['db'], type: string, ids: readonly string[], limit: number): AsyncIterable<readonly LoggedEvent[]>;
  /** All events of aggregates of a type in batches, those of one after those of another, oldest first. */
  readByAggregate(type: string, limit: number): AsyncIterable<readonly LoggedEvent[]>;
  /** How many events an aggregate has. */
  countAggregate(type: string, id: string): Promise<number>;
  /** The highest `seq`, 0 where the log is empty. */
  head(): Promise<number>;
  /** Batches after `seq` for ever, soon after their commit, also when another process commits; ends when the signal aborts. */
  tail(after: number, signal: AbortSignal): AsyncIterable<readonly LoggedEvent[]>;
  getCursor(reader: string): Promise<number | null>;
  setCursor(reader: string, seq: number): Promise<void>;
}

/** Any number, the same in every hub on the database: the lock of the event log. */
const LOCK = 7_305_104_321;
/** Rows of one insert and of one batch of `tail`. */
const BATCH = 500;

const toRow = (event: HubEvent) => ({
  id: event.id,
  aggregatetype: event.aggregate.type,
  aggregateid: event.aggregate.id,
  type: event.type,
  municipality: event.municipality,
  payload: JSON.stringify(event.facts),
  occurred_at: event.occurredAt.getTime(),
  traceparent: event.traceparent ?? null,
});

/** An event as it stands in the log. */
export const toEvent = (row: Selectable<Database['event_log']>): LoggedEvent => ({
  seq: row.seq,
  id: row.id,
  type: row.type,
  aggregate: { type: row.aggregatetype, id: row.aggregateid },
  occurredAt: new Date(row.occurred_at),
  municipality: row.municipality as RegionalKey | null,
  facts: JSON.parse(row.payload) as { readonly [name: string]: Json },
  ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
});

/** An event of the log, by its id. */
export async function findEvent(db: Kysely<Database>, id: string): Promise<LoggedEvent | null> {
  const row = await db.selectFrom('event_log').selectAll().where('id', '=', id).executeTakeFirst();
  return row ? toEvent(row) : null;
}

/** The event log of the store. @param problemsOf what an event has against being published; none is asked where it is not given */
export function createEventLog(store: Store, problemsOf: (event: HubEvent) => readonly string[] = () => []): EventLog {
  const { db } = store;
  const all = (from: typeof db) => from.selectFrom('event_log').selectAll();
  const after = (seq: number, limit: number) => all(db).where('seq', '>', seq).orderBy('seq').limit(limit);

  /** In the order of the index over aggregates, each piece behind the one before. */
  async function* inPieces(
    narrow: (query: ReturnType<typeof all>) => ReturnType<typeof all>,
    limit: number,
    from: typeof db,
  ): AsyncGenerator<readonly LoggedEvent[]> {
    for (let last: LoggedEvent | undefined; ;) {
      let query = narrow(all(from));
      if (last) {
        const { aggregate, seq } = last;
        query = query.where((e) => e(e.refTuple('aggregateid', 'seq'), '>', e.tuple(aggregate.id, seq)));
      }
      const rows = await query.orderBy('aggregateid').orderBy('seq').limit(limit).execute();
      const events = rows.map(toEvent);
      if (events.length > 0) yield events;
      if (events.length < limit) return;
      last = events.at(-1);
    }
  }

  async function head(): Promise<number> {
    const row = await db
      .selectFrom('event_log')
      .select((e) => e.fn.max('seq').as('seq'))
      .executeTakeFirst();
    return row?.seq ?? 0;
  }

  const pulse = createPulse(head, (wake) => store.onCommit(wake));

  const log: EventLog = {
    async append(tx, events) {
      if (events.length === 0) return;
      const problems = events.flatMap(problemsOf);
      // What is in the log stays there, and goes out: rather no change than one with a fact that nobody agreed on.
      if (problems.length > 0) throw new HubError('EVENT_REFUSED', `An event does not fit its published schema: ${problems.join('; ')}`);
      if (store.dialect === 'postgres') await sql`select pg_advisory_xact_lock(${sql.lit(LOCK)})`.execute(tx);
      for (let start = 0; start < events.length; start += BATCH)
        await tx
          .insertInto('event_log')
          .values(events.slice(start, start + BATCH).map(toRow))
          .execute();
      noteAppend(tx);
    },
    read: async (seq, limit) => (await after(seq, limit).execute()).map(toEvent),
    readAggregate: async (type, id, seq, limit) =>
      (await after(seq, limit).where('aggregatetype', '=', type).where('aggregateid', '=', id).execute()).map(toEvent),
    readAggregates: (from, type, ids, limit) =>
      inPieces((query) => query.where('aggregatetype', '=', type).where('aggregateid', 'in', [...ids]), limit, from),
    readByAggregate: (type, limit) => inPieces((query) => query.where('aggregatetype', '=', type), limit, db),
    async countAggregate(type, id) {
      const row = await db
        .selectFrom('event_log')
        .select((e) => e.fn.countAll<number>().as('count'))
        .where('aggregatetype', '=', type)
        .where('aggregateid', '=', id)
        .executeTakeFirst();
      return row?.count ?? 0;
    },
    head,
    async *tail(seq, signal) {
      for (let last = seq; !signal.aborted;) {
        const seen = pulse.beat();
        const events = await log.read(last, BATCH);
        if (signal.aborted) return;
        if (events.length > 0) yield events;
        last = events.at(-1)?.seq ?? last;
        if (events.length < BATCH) await pulse.wait(last, seen, signal);
      }
    },
    async getCursor(reader) {
      const row = await db.selectFrom('reader_cursor').select('seq').where('reader', '=', reader).executeTakeFirst();
      return row?.seq ?? null;
    },
    async setCursor(reader, seq) {
      const updated_at = Date.now();
      await db
        .insertInto('reader_cursor')
        .values({ reader, seq, updated_at })
        .onConflict((conflict) => conflict.column('reader').doUpdateSet({ seq, updated_at }))
        .execute();
    },
  };
  return log;
}
