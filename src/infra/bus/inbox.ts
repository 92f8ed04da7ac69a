import { HubError, type LoggedEvent } from '#contract';
import type { Store, Tx } from '../store/store.ts';
import type { Bus, BusSubscription, Poison, SubscribeOptions } from './bus.ts';

/*
 * The bus delivers at least once. The inbox makes that once in effect: one row per consumer and event, written in the
 * transaction of the effect itself, so that both are there or neither. Rows stay as long as the log does: a group whose place was lost
 * reads its topics from the beginning, and nothing of that must have its effect again.
 *
 * An event that fails again and again is parked, and its aggregate with it: later events of the aggregate line up behind it
 * instead of having their effect before it, and the rest of the group goes on. A person repairs what it failed on and
 * releases the aggregate; its events then have their effects in the order of the log.
 *
 *   comes ──▶ seen before? ──yes──▶ nothing          comes ──▶ aggregate parked? ──yes──▶ behind it
 *         ──▶ effect + row, one transaction          fails for good ──▶ parked ──release──▶ effect + row, one by one
 */

/** What became of an event that came. */
export type Taken = 'done' | 'repeated' | 'parked';

/** The effect of an event: it uses `tx` for everything that must happen once. */
export type Effect = (tx: Tx, event: LoggedEvent) => Promise<void>;

/** Events of one aggregate that wait for a person. */
export interface ParkedAggregate {
  readonly consumer: string;
  readonly aggregate: LoggedEvent['aggregate'];
  /** The one that failed and those behind it. */
  readonly events: number;
  /** Code or name of what the first failed on. */
  readonly reason: string;
  readonly attempts: number;
  readonly since: Date;
}

/** Effects once, for the consumers of a store. */
export interface Inbox {
  /** Within the caller's transaction: the effect, unless the consumer has had it or its aggregate is parked. `now` in epoch milliseconds. */
  once(tx: Tx, consumer: string, event: LoggedEvent, effect: Effect, now: number): Promise<Taken>;
  /** Keeps an event that failed for good; its aggregate waits from now on. */
  park(consumer: string, event: LoggedEvent, poison: Poison, now: number): Promise<void>;
  listParked(consumer: string): Promise<readonly ParkedAggregate[]>;
  /** Tries what was parked of an aggregate, in log order, each event in a transaction of its own; how many had their effect. @throws what an effect throws: it and what is behind it stay parked */
  release(consumer: string, aggregate: LoggedEvent['aggregate'], effect: Effect, now: number): Promise<number>;
}

/** True for the first time a consumer meets an event. Written with the effect, in one transaction. `now` in epoch milliseconds. */
export async function seeOnce(tx: Tx, consumer: string, eventId: string, now: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('inbox')
    .values({ consumer, event_id: eventId, seen_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** The inbox of a store. */
export function createInbox(store: Store): Inbox {
  /** Rows of the aggregate in log order, locked: a release and an event that lines up behind take turns. */
  const rowsOf = (tx: Tx, consumer: string, { type, id }: LoggedEvent['aggregate']) => {
    const rows = tx
      .selectFrom('parked_event')
      .selectAll()
      .where('consumer', '=', consumer)
      .where('aggregatetype', '=', type)
      .where('aggregateid', '=', id)
      .orderBy('seq');
    return (store.dialect === 'postgres' ? rows.forUpdate() : rows).execute();
  };

  const keep = (tx: Tx, consumer: string, event: LoggedEvent, more: { reason: string | null; attempts: number; parked_at: number }) =>
    tx
      .insertInto('parked_event')
      .values({
        consumer,
        aggregatetype: event.aggregate.type,
        aggregateid: event.aggregate.id,
        seq: event.seq,
        event_id: event.id,
        event: JSON.stringify(event),
        ...more,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();

  return {
    async once(tx, consumer, event, effect, now) {
      if ((await rowsOf(tx, consumer, event.aggregate)).length > 0) {
        await keep(tx, consumer, event, { reason: null, attempts: 0, parked_at: now });
        return 'parked';
      }
      // The row first: where two members have the same event, the second waits here for the first and then has nothing to do.
      if (!(await seeOnce(tx, consumer, event.id, now))) return 'repeated';
      await effect(tx, event);
      return 'done';
    },
    park: (consumer, event, { attempts, error }, now) =>
      store.transaction(async (tx) => {
        await rowsOf(tx, consumer, event.aggregate);
        await keep(tx, consumer, event, { reason: reasonOf(error), attempts, parked_at: now });
      }),
    async listParked(consumer) {
      const rows = await store.db
        .selectFrom('parked_event')
        .select(['aggregatetype', 'aggregateid', 'reason', 'attempts', 'parked_at'])
        .where('consumer', '=', consumer)
        .orderBy('aggregatetype')
        .orderBy('aggregateid')
        .orderBy('seq')
        .execute();
      const groups = Map.groupBy(rows, (row) => `${row.aggregatetype}/${row.aggregateid}`);
      return [...groups.values()].map((group) => {
        const first = group[0]!;
        return {
          consumer,
          aggregate: { type: first.aggregatetype, id: first.aggregateid },
          events: group.length,
          reason: first.reason ?? 'UNKNOWN',
          attempts: first.attempts,
          since: new Date(first.parked_at),
        };
      });
    },
    async release(consumer, aggregate, effect, now) {
      let released = 0;
      const next = () =>
        store.transaction(async (tx) => {
          const [row] = await rowsOf(tx, consumer, aggregate);
          if (!row) return false;
          const event = revive(row.event);
          if (await seeOnce(tx, consumer, event.id, now)) await effect(tx, event);
          await tx
            .deleteFrom('parked_event')
            .where('consumer', '=', consumer)
            .where('aggregatetype', '=', aggregate.type)
            .where('aggregateid', '=', aggregate.id)
            .where('event_id', '=', event.id)
            .execute();
          return true;
        });
      while (await next()) released += 1;
      return released;
    },
  };
}

/** A code or a class: what an error says in words may hold what a person typed. */
function reasonOf(error: unknown): string {
  if (error instanceof HubError) return error.code;
  return error instanceof Error ? error.name : 'UNKNOWN';
}

function revive(text: string): LoggedEvent {
  const { occurredAt, ...event } = JSON.parse(text) as Omit<LoggedEvent, 'occurredAt'> & { readonly occurredAt: string };
  return { ...event, occurredAt: new Date(occurredAt) };
}

/** A subscription whose every event has its effect once, and whose poisoned events are parked with their aggregates. */
export interface SubscribeOnceOptions extends Omit<SubscribeOptions, 'handle' | 'onPoisoned'> {
  readonly store: Store;
  readonly effect: Effect;
  /** @default Date.now */
  readonly now?: () => number;
}

/** Subscribes with the inbox of a store; the group is the consumer. */
export function subscribeOnce(bus: Bus, { store, effect, now = Date.now, ...request }: SubscribeOnceOptions): Promise<BusSubscription> {
  const inbox = createInbox(store);
  return bus.subscribe({
    ...request,
    handle: (event) => store.transaction(async (tx) => void (await inbox.once(tx, request.group, event, effect, now()))),
    onPoisoned: (event, poison) => inbox.park(request.group, event, poison, now()),
  });
}
