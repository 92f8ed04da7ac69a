import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { LoggedEvent } from '#contract';
import { createRelay, type RelayOptions } from '../../src/events/relay.ts';
import type { Bus } from '../../src/infra/bus/bus.ts';
import { openBus } from '../../src/infra/bus/open-bus.ts';
import { createLog } from '../../src/infra/log.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { sampleEvent } from '../kit/sample-event.ts';
import { describeOnEachStore, describeWithService, describeWithStore } from '../kit/services.ts';

const log = createLog('silent');
const patience = { timeout: 25_000, interval: 10 };

/** A bus that can go away, and remembers what it confirmed. It fails or hangs as a broker does: in the order of the calls, with those behind. */
function brokenBus(): Bus & { away: boolean; hanging: boolean; readonly published: LoggedEvent[]; under: number } {
  let before: Promise<void> = Promise.resolve();
  const bus = {
    kind: 'kafka' as const,
    away: false,
    hanging: false,
    under: 0,
    published: [] as LoggedEvent[],
    async publish(events: readonly LoggedEvent[]) {
      bus.under += 1;
      const send = async () => {
        while (bus.hanging) await sleep(5);
        await sleep(1);
        if (bus.away) throw new Error('broker away');
        bus.published.push(...events);
      };
      const sent = before.then(send);
      before = sent;
      try {
        await sent;
      } finally {
        bus.under -= 1;
        if (bus.under === 0) before = Promise.resolve();
      }
    },
    subscribe: () => Promise.reject(new Error('not needed')),
    inboxes: null,
    lag: async () => [],
    check: async () => !bus.away,
    close: async () => {},
  };
  return bus;
}

const appendTo = (store: Store) => async (count: number) => {
  const events = Array.from({ length: count }, (_, i) => sampleEvent({ aggregate: `a${i % 5}` }));
  await store.transaction((tx) => createEventLog(store).append(tx, events));
  return events.map((event) => event.id);
};

const relayOn = (store: Store, bus: Bus, more: Partial<RelayOptions> = {}) =>
  createRelay({ store, eventLog: createEventLog(store), bus, log, leaseMs: 400, backoff: { firstMs: 10, mostMs: 50 }, ...more });

const ids = (events: readonly LoggedEvent[]) => events.map((event) => event.id);
const firsts = (events: readonly LoggedEvent[]) => [...new Set(ids(events))];

describeOnEachStore('the relay', (kit) => {
  test('carries what was logged before and after its start, in order, and says how far behind it is', async () => {
    const store = await kit.openFresh();
    const append = appendTo(store);
    const bus = brokenBus();
    const relay = relayOn(store, bus, { batch: 7 });
    const before = await append(30);
    const lag = await relay.lag();
    expect(lag.events).toBe(30);
    relay.start();
    await expect.poll(() => bus.published.length, patience).toBe(30);
    const after = await append(5);
    await expect.poll(() => ids(bus.published), patience).toEqual([...before, ...after]);
    await expect.poll(() => relay.lag(), patience).toEqual({ events: 0, oldestMs: 0 });
    await relay.stop();
  });

  test('the age of what waits is that of the oldest event', async () => {
    const store = await kit.openFresh();
    const event = sampleEvent();
    await store.transaction((tx) => createEventLog(store).append(tx, [event, sampleEvent()]));
    const relay = relayOn(store, brokenBus(), { now: () => event.occurredAt.getTime() + 1234 });
    expect(await relay.lag()).toEqual({ events: 2, oldestMs: 1234 });
  });

  test('a bus that goes away and comes back gets everything once it is back, in order', async () => {
    const store = await kit.openFresh();
    const append = appendTo(store);
    const bus = brokenBus();
    const relay = relayOn(store, bus);
    relay.start();
    const first = await append(3);
    await expect.poll(() => bus.published.length, patience).toBe(3);
    bus.away = true;
    const second = [...(await append(4)), ...(await append(4))];
    await sleep(150);
    expect(ids(bus.published)).toEqual(first);
    expect((await relay.lag()).events).toBe(8);
    bus.away = false;
    await expect.poll(() => ids(bus.published), patience).toEqual([...first, ...second]);
    await relay.stop();
  });

  test('stopping does not wait for a bus that hangs, and the next start repeats nothing but the batch under way', async () => {
    const store = await kit.openFresh();
    const append = appendTo(store);
    const bus = brokenBus();
    const first = relayOn(store, bus);
    first.start();
    const done = await append(3);
    await expect.poll(() => first.lag(), patience).toMatchObject({ events: 0 });
    bus.hanging = true;
    const waiting = await append(2);
    await expect.poll(() => bus.under, patience).toBe(1);
    await first.stop();
    bus.hanging = false;
    const second = relayOn(store, bus);
    second.start();
    await expect.poll(() => firsts(bus.published), patience).toEqual([...done, ...waiting]);
    await expect.poll(() => second.lag(), patience).toMatchObject({ events: 0 });
    expect(ids(bus.published).filter((id) => done.includes(id))).toEqual(done);
    await second.stop();
  });

  test('of two processes one relays; where it stops, the other takes over at once', async () => {
    const url = await kit.freshUrl();
    const stores = [await kit.open(url), await kit.open(url)] as const;
    const buses = [brokenBus(), brokenBus()] as const;
    // Long enough that a slow machine does not lose it: what is tested is the handing over.
    const relays = stores.map((store, i) => relayOn(store, buses[i]!, { leaseMs: 20_000 }));
    relays[0]!.start();
    const sent = await appendTo(stores[0])(3);
    await expect.poll(() => ids(buses[0].published), patience).toEqual(sent);
    relays[1]!.start();
    for (let i = 0; i < 10; i += 1) sent.push(...(await appendTo(stores[0])(2)));
    await expect.poll(() => ids(buses[0].published), patience).toEqual(sent);
    expect(buses[1].published).toEqual([]);
    await relays[0]!.stop();
    const later = await appendTo(stores[0])(3);
    await expect.poll(() => firsts(buses[1].published), patience).toEqual(later);
    await relays[1]!.stop();
  });

  test('a relay that slept through its lease loses nothing and disturbs no order', async () => {
    const url = await kit.freshUrl();
    const stores = [await kit.open(url), await kit.open(url)] as const;
    const [sleeper, other] = [brokenBus(), brokenBus()];
    const published: LoggedEvent[] = [];
    for (const bus of [sleeper, other]) bus.published.push = (...events) => published.push(...events);
    sleeper.hanging = true;
    // A clock that stands still is a process that sleeps: its lease is never renewed beyond where it began.
    const began = Date.now();
    const relays = [relayOn(stores[0], sleeper, { now: () => began }), relayOn(stores[1], other)] as const;
    relays[0].start();
    const sent = await appendTo(stores[0])(5);
    await expect.poll(() => sleeper.under, patience).toBe(1);
    relays[1].start();
    await expect.poll(() => firsts(published), patience).toEqual(sent);
    sent.push(...(await appendTo(stores[1])(5)));
    await expect.poll(() => firsts(published), patience).toEqual(sent);
    sleeper.hanging = false;
    await relays[0].stop();
    sent.push(...(await appendTo(stores[1])(5)));
    await expect.poll(() => firsts(published), patience).toEqual(sent);
    await expect.poll(() => relays[1].lag(), patience).toMatchObject({ events: 0 });
    await relays[1].stop();
  });
});

describeWithStore('the relay into the embedded bus', (kit) => {
  test('has nothing to do: what is logged is published', async () => {
    const store = await kit.openFresh();
    const bus = await openBus('embedded:', { store, eventLog: createEventLog(store), log });
    const relay = relayOn(store, bus);
    await appendTo(store)(3);
    relay.start();
    await expect.poll(() => relay.lag(), patience).toEqual({ events: 0, oldestMs: 0 });
    await relay.stop();
    await bus.close();
  });
});

describeWithService('kafka', 'the relay into Kafka', (url) => {
  describeWithStore('from the log', (kit) => {
    test('an event of the log reaches a group, across a restart of the hub', async () => {
      const store = await kit.openFresh();
      const type = `t${crypto.randomUUID().slice(0, 8)}`;
      const eventLog = createEventLog(store);
      const append = async (count: number) => {
        const events = Array.from({ length: count }, (_, i) => ({ ...sampleEvent(), aggregate: { type, id: `a${i % 3}` } }));
        await store.transaction((tx) => eventLog.append(tx, events));
        return events.map((event) => event.id);
      };
      const seen: string[] = [];
      const all: string[] = [];
      for (let life = 0; life < 2; life += 1) {
        const bus = await openBus(url, { store, eventLog, log });
        const relay = relayOn(store, bus);
        relay.start();
        all.push(...(await append(9)));
        await bus.subscribe({ group: type, aggregateTypes: [type], handle: async ({ id }) => void seen.push(id) });
        await expect.poll(() => new Set(seen), patience).toEqual(new Set(all));
        await relay.stop();
        await bus.close();
      }
    });
  });
});
