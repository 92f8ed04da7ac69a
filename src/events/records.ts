import { sql, type Kysely, type Selectable } from 'kysely';
import type { LoggedEvent } from '#contract';
import { newId } from '../infra/ids.ts';
import type { Database } from '../infra/store/schema.ts';
import type { Store, Tx } from '../infra/store/store.ts';
import type { ChannelState } from './dispatch-rules.ts';

/** The SQL of the queues to cities: receivers, deliveries, attempts, decisions. What only looks at them is in looks.ts. */

export type ReceiverRow = Selectable<Database['event_receiver']>;
export type DeliveryRow = Selectable<Database['event_delivery']>;
export type AttemptRow = Selectable<Database['event_attempt']>;
export type DecisionRow = Selectable<Database['event_decision']>;
type Db = Kysely<Database>;

/** States in which a delivery holds the later ones of its aggregate. */
export const open = ['waiting', 'leased', 'parked'] as const;
/** The same in the words of the index that holds such deliveries alone (store/migrations/0008_growth.ts); only so a database uses it. */
export const isOpen = sql<boolean>`d.state in ('waiting', 'leased', 'parked')`;

/** Writes down that the city gets events from here on; a city that has got some before keeps its beginning. */
export async function ensureReceiver(db: Db, city: string, head: number): Promise<ReceiverRow> {
  await db
    .insertInto('event_receiver')
    .values({
      city,
      from_seq: head,
      failures: 0,
      failing_since: null,
      not_before: 0,
      succeeded_at: null,
      last_error: null,
      paused_at: null,
      pause_reason: null,
    })
    .onConflict((conflict) => conflict.column('city').doNothing())
    .execute();
  return db.selectFrom('event_receiver').selectAll().where('city', '=', city).executeTakeFirstOrThrow();
}

export const findReceiver = (db: Db, city: string): Promise<ReceiverRow | undefined> =>
  db.selectFrom('event_receiver').selectAll().where('city', '=', city).executeTakeFirst();

/** The receiver, held against other writers until the transaction ends. */
export const lockReceiver = (store: Store, tx: Tx, city: string): Promise<ReceiverRow | undefined> => {
  const query = tx.selectFrom('event_receiver').selectAll().where('city', '=', city);
  return (store.dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst();
};

export const toChannelState = (row: ReceiverRow): ChannelState => ({
  failures: row.failures,
  failingSince: row.failing_since,
  notBefore: row.not_before,
  succeededAt: row.succeeded_at,
  pausedAt: row.paused_at,
  pauseReason: row.pause_reason,
});

export const saveChannelState = async (tx: Tx, city: string, state: ChannelState, lastError: string | null): Promise<void> => {
  await tx
    .updateTable('event_receiver')
    .set({
      failures: state.failures,
      failing_since: state.failingSince,
      not_before: state.notBefore,
      succeeded_at: state.succeededAt,
      paused_at: state.pausedAt,
      pause_reason: state.pauseReason,
      last_error: lastError,
    })
    .where('city', '=', city)
    .execute();
};

const queued = (city: string, event: LoggedEvent, at: number): Database['event_delivery'] => ({
  city,
  event_id: event.id,
  seq: event.seq,
  type: event.type,
  aggregatetype: event.aggregate.type,
  aggregateid: event.aggregate.id,
  state: 'waiting',
  attempts: 0,
  failed_at: null,
  not_before: at,
  lease_until: null,
  fence: 0,
  last_error: null,
  reason: null,
  replays: 0,
  queued_at: at,
  updated_at: at,
});

/** Queues a delivery; one that is there already stays as it is. With `skipped`, it is only written down. */
export const queueDelivery = async (tx: Tx, city: string, event: LoggedEvent, at: number, skipped?: string): Promise<void> => {
  await tx
    .insertInto('event_delivery')
    .values({ ...queued(city, event, at), ...(skipped === undefined ? {} : { state: 'skipped' as const, reason: skipped }) })
    .onConflict((conflict) => conflict.columns(['city', 'event_id']).doNothing())
    .execute();
};

/** Queues a delivery once more, under the same event id; false if it waits anyway. */
export async function requeueDelivery(tx: Tx, city: string, event: LoggedEvent, at: number): Promise<boolean> {
  const result = await tx
    .insertInto('event_delivery')
    .values(queued(city, event, at))
    .onConflict((conflict) =>
      conflict
        .columns(['city', 'event_id'])
        .doUpdateSet((e) => ({
          ...afresh(at),
          fence: e('event_delivery.fence', '+', 1),
          replays: e('event_delivery.replays', '+', 1),
        }))
        .where('event_delivery.state', 'not in', ['waiting', 'leased']),
    )
    .executeTakeFirst();
  return (result.numInsertedOrUpdatedRows ?? 0n) === 1n;
}

/** A delivery that begins again. */
const afresh = (at: number) =>
  ({
    state: 'waiting',
    attempts: 0,
    failed_at: null,
    not_before: at,
    lease_until: null,
    last_error: null,
    reason: null,
    updated_at: at,
  }) as const;

/** No wait and no lease is as long as these: one that seems so was written by a clock that was ahead, and counts as over. */
const longestWaitMs = 2 * 3_600_000;
const longestLeaseMs = 10 * 60_000;

const due = (now: number) =>
  sql<boolean>`(${isOpen} and (
    (d.state = 'waiting' and (d.not_before <= ${now} or d.not_before > ${now + longestWaitMs})) or
    (d.state = 'leased' and (d.lease_until < ${now} or d.lease_until > ${now + longestLeaseMs}))))`;

/** Of these cities, those that a delivery could be tried for now, and whether their channel fails. */
export const listDueCities = (db: Db, cities: readonly string[], now: number) =>
  db
    .selectFrom('event_receiver as receiver')
    .select(['receiver.city', 'receiver.failures'])
    .where('receiver.city', 'in', cities)
    .where('receiver.paused_at', 'is', null)
    .where((where) => where.or([where('receiver.not_before', '<=', now), where('receiver.not_before', '>', now + longestWaitMs)]))
    .where((where) =>
      where.exists(where.selectFrom('event_delivery as d').select('d.event_id').whereRef('d.city', '=', 'receiver.city').where(due(now))),
    )
    .execute();

export interface ClaimedDelivery extends DeliveryRow {
  readonly lease_until: number;
}

/**
 * Leases due deliveries of a city, those first that were tried the longest ago, and of each aggregate the first open one alone.
 * `except` are events that the caller has in hand: whoever knows what became of one does not send it again because its lease ran out.
 */
export async function claimDeliveries(
  store: Store,
  { city, except }: { readonly city: string; readonly except: readonly string[] },
  most: number,
  now: number,
  leaseMs: number,
): Promise<ClaimedDelivery[]> {
  return store.transaction(async (tx) => {
    const query = tx
      .selectFrom('event_delivery as d')
      .selectAll('d')
      .where('d.city', '=', city)
      .where(due(now))
      .where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom('event_delivery as earlier')
              .select('earlier.event_id')
              .whereRef('earlier.city', '=', 'd.city')
              .whereRef('earlier.aggregatetype', '=', 'd.aggregatetype')
              .whereRef('earlier.aggregateid', '=', 'd.aggregateid')
              .whereRef('earlier.seq', '<', 'd.seq')
              .where('earlier.state', 'in', open),
          ),
        ),
      )
      .$if(except.length > 0, (some) => some.where('d.event_id', 'not in', except))
      .orderBy('d.not_before')
      .orderBy('d.seq')
      .limit(most);
    const rows = await (store.dialect === 'postgres' ? query.forUpdate().skipLocked() : query).execute();
    if (rows.length === 0) return [];
    await tx
      .updateTable('event_delivery')
      .set((set) => ({
        state: 'leased' as const,
        lease_until: now + leaseMs,
        fence: set('fence', '+', 1),
        attempts: set('attempts', '+', 1),
        updated_at: now,
      }))
      .where('city', '=', city)
      .where(
        'event_id',
        'in',
        rows.map(({ event_id }) => event_id),
      )
      .execute();
    return rows.map((row) => ({ ...row, state: 'leased', fence: row.fence + 1, attempts: row.attempts + 1, lease_until: now + leaseMs }));
  });
}

/** Prolongs a lease; false if it has passed to someone else. */
export async function renewDelivery(db: Db, row: DeliveryRow, until: number): Promise<boolean> {
  const result = await db
    .updateTable('event_delivery')
    .set({ lease_until: until })
    .where('city', '=', row.city)
    .where('event_id', '=', row.event_id)
    .where('fence', '=', row.fence)
    .where('state', '=', 'leased')
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Writes an outcome under the fence it was leased with; false if the lease has passed to someone else. */
export async function settleDelivery(
  tx: Tx,
  row: DeliveryRow,
  change: Partial<Pick<DeliveryRow, 'attempts' | 'failed_at' | 'not_before' | 'last_error' | 'reason'>> &
    Pick<DeliveryRow, 'state' | 'updated_at'>,
): Promise<boolean> {
  const result = await tx
    .updateTable('event_delivery')
    .set({ ...change, lease_until: null })
    .where('city', '=', row.city)
    .where('event_id', '=', row.event_id)
    .where('fence', '=', row.fence)
    .where('state', '=', 'leased')
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export const recordAttempt = async (tx: Tx, attempt: Omit<AttemptRow, 'id'>): Promise<void> => {
  await tx
    .insertInto('event_attempt')
    .values({ id: newId(), ...attempt })
    .execute();
};

/** What waits for a pause of its own after failures is due at once; all that waits, where the count begins again as well. */
export const wakeDeliveries = async (tx: Tx, city: string, at: number, anew: boolean): Promise<void> => {
  await tx
    .updateTable('event_delivery')
    .set(anew ? afresh(at) : { not_before: at })
    .where('city', '=', city)
    .where('state', '=', 'waiting')
    .where('not_before', '>', at)
    .execute();
};

/** Ends the parking of one delivery: it waits again, or is given up. False if it is not parked. */
export async function unpark(tx: Tx, city: string, eventId: string, how: 'release' | 'discard', at: number): Promise<boolean> {
  const result = await tx
    .updateTable('event_delivery')
    .set(how === 'release' ? afresh(at) : { state: 'discarded', updated_at: at })
    .where('city', '=', city)
    .where('event_id', '=', eventId)
    .where('state', '=', 'parked')
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export const recordDecision = async (tx: Tx, decision: Omit<DecisionRow, 'id'>): Promise<void> => {
  await tx
    .insertInto('event_decision')
    .values({ id: newId(), ...decision })
    .execute();
};

export const findStep = (db: Db, key: string, name: string) =>
  db.selectFrom('delivery_step').select('result').where('key', '=', key).where('name', '=', name).executeTakeFirst();

export const saveStep = async (db: Db, step: Database['delivery_step']): Promise<void> => {
  await db
    .insertInto('delivery_step')
    .values(step)
    .onConflict((conflict) => conflict.columns(['key', 'name']).doUpdateSet({ result: step.result, done_at: step.done_at }))
    .execute();
};
