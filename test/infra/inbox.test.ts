import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { LoggedEvent } from '#contract';
import { createInbox, subscribeOnce } from '../../src/infra/bus/inbox.ts';
import { openBus } from '../../src/infra/bus/open-bus.ts';
import { createLog } from '../../src/infra/log.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import type { Tx } from '../../src/infra/store/store.ts';
import { sampleEvent } from '../kit/sample-event.ts';
import { describeOnEachStore, type StoreKit } from '../kit/services.ts';

const log = createLog('silent');
const patience = { timeout: 25_000, interval: 10 };
const eventAt = (seq: number, aggregate: string): LoggedEvent => ({ ...sampleEvent({ aggregate }), seq });

/** A store with a table that counts effects, without a key that could hide a second one. */
async function withEffects(kit: StoreKit) {
  const store = await kit.openFresh();
  await sql`create table effect (seq bigint not null, aggregate text not null)`.execute(store.db);
  const effect = async (tx: Tx, { seq, aggregate }: LoggedEvent) =>
    void (await sql`insert into effect values (${seq}, ${aggregate.id})`.execute(tx));
  const effects = async () => {
    const { rows } = await sql<{ seq: number }>`select seq from effect order by seq`.execute(store.db);
    return rows.map(({ seq }) => seq);
  };
  return { store, effect, effects };
}

describeOnEachStore('the inbox', (kit) => {
  test('an event has its effect once per consumer, even if it comes many times at once', async () => {
    const { store, effect, effects } = await withEffects(kit);
    const inbox = createInbox(store);
    const event = eventAt(1, 'a');
    const take = (consumer: string) => store.transaction((tx) => inbox.once(tx, consumer, event, effect, 1));
    const taken = await Promise.all(Array.from({ length: 8 }, () => take('one')));
    expect(taken.toSorted()).toEqual(['done', ...Array.from({ length: 7 }, () => 'repeated')]);
    expect(await take('two')).toBe('done');
    expect(await effects()).toEqual([1, 1]);
  });

  test('an effect that fails leaves neither itself nor the row that would keep it from coming again', async () => {
    const { store, effect, effects } = await withEffects(kit);
    const inbox = createInbox(store);
    const event = eventAt(1, 'a');
    const failing = store.transaction((tx) =>
      inbox.once(
        tx,
        'one',
        event,
        async (...given) => {
          await effect(...given);
          throw new Error('half way');
        },
        1,
      ),
    );
    await expect(failing).rejects.toThrow('half way');
    expect(await effects()).toEqual([]);
    expect(await store.transaction((tx) => inbox.once(tx, 'one', event, effect, 1))).toBe('done');
  });

  test('a parked aggregate keeps its later events behind it; released, they have their effects in order', async () => {
    const { store, effect, effects } = await withEffects(kit);
    const inbox = createInbox(store);
    const [first, second, other] = [eventAt(1, 'a'), eventAt(2, 'a'), eventAt(3, 'b')];
    await inbox.park('one', first, { attempts: 6, error: new TypeError('Erika Mustermann') }, 5);
    const take = (event: LoggedEvent) => store.transaction((tx) => inbox.once(tx, 'one', event, effect, 7));
    expect([await take(second), await take(other), await take(first)]).toEqual(['parked', 'done', 'parked']);
    expect(await inbox.listParked('one')).toEqual([
      { consumer: 'one', aggregate: first.aggregate, events: 2, reason: 'TypeError', attempts: 6, since: new Date(5) },
    ]);
    // What it failed on may be a message with a name in it: that is not kept.
    const { rows } = await sql<{ event: string }>`select event || coalesce(reason, '') as event from parked_event`.execute(store.db);
    expect(JSON.stringify(rows)).not.toContain('Mustermann');
    expect(await effects()).toEqual([3]);

    const order: LoggedEvent[] = [];
    const failOnSecond = async (tx: Tx, event: LoggedEvent) => {
      if (event.seq === 2) throw new Error('still broken');
      order.push(event);
      await effect(tx, event);
    };
    await expect(inbox.release('one', first.aggregate, failOnSecond, 9)).rejects.toThrow('still broken');
    expect((await inbox.listParked('one')).map(({ events }) => events)).toEqual([1]);
    expect(await inbox.release('one', first.aggregate, effect, 9)).toBe(1);
    expect(order).toEqual([first]);
    expect(await effects()).toEqual([1, 2, 3]);
    expect(await inbox.listParked('one')).toEqual([]);
    expect(await take(first)).toBe('repeated');
  });

  test('a subscription parks what fails for good, and the rest of the group goes on', async () => {
    const { store, effect, effects } = await withEffects(kit);
    const eventLog = createEventLog(store);
    const bus = await openBus('embedded:', { store, eventLog, log, backoff: { firstMs: 5, mostMs: 20 } });
    let broken = true;
    const guarded = async (tx: Tx, event: LoggedEvent) => {
      if (broken && event.aggregate.id === 'bad') throw new Error('no');
      await effect(tx, event);
    };
    await subscribeOnce(bus, { store, group: 'g', aggregateTypes: ['application'], effect: guarded, poisonedAfter: 3 });
    const names = ['bad', 'good', 'bad', 'good'];
    await store.transaction((tx) =>
      eventLog.append(
        tx,
        names.map((aggregate) => sampleEvent({ aggregate })),
      ),
    );
    const inbox = createInbox(store);
    await expect.poll(async () => (await inbox.listParked('g')).map(({ events }) => events), patience).toEqual([2]);
    await expect.poll(effects, patience).toEqual([2, 4]);
    await expect.poll(() => bus.lag(), patience).toEqual([{ group: 'g', events: 0 }]);
    broken = false;
    await inbox.release('g', { type: 'application', id: 'bad' }, guarded, 1);
    expect(await effects()).toEqual([1, 2, 3, 4]);
    await bus.close();
  });
});
