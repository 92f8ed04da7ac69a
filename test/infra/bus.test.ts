import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HubEvent, LoggedEvent } from '#contract';
import type { Bus } from '../../src/infra/bus/bus.ts';
import { topicOf } from '../../src/infra/bus/cloudevents.ts';
import { createKafkaTopics } from '../../src/infra/bus/kafka-topics.ts';
import { looksStalled } from '../../src/infra/bus/kafka-subscriber.ts';
import { parseKafkaUrl } from '../../src/infra/bus/kafka-url.ts';
import { openBus } from '../../src/infra/bus/open-bus.ts';
import { createLog } from '../../src/infra/log.ts';
import { createEventLog, type EventLog } from '../../src/infra/store/eventlog.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { describeOnEachStore, describeWithService, describeWithStore, type StoreKit } from '../kit/services.ts';
import { sampleEvent } from '../kit/sample-event.ts';

const silent = createLog('silent');
const backoff = { firstMs: 20, mostMs: 100 };
const patience = { timeout: 25_000, interval: 20 };

/** The promises of the port, kept by every driver. */
function busSuite(kit: StoreKit, url: string): void {
  let store: Store;
  let eventLog: EventLog;
  const buses: Bus[] = [];
  let bus: Bus;

  /** A bus as another process of the hub would have it. */
  async function anotherBus(): Promise<Bus> {
    const opened = await openBus(url, { store, eventLog, log: silent, backoff, leaseMs: 600 });
    buses.push(opened);
    return opened;
  }

  beforeAll(async () => {
    store = await kit.openFresh();
    eventLog = createEventLog(store);
    bus = await anotherBus();
  });
  afterAll(() => Promise.all(buses.map((opened) => opened.close())));

  /** Own types and groups per test: topics and groups outlive it. */
  const newType = () => `t${randomUUID().slice(0, 8)}`;

  async function publish(type: string, aggregates: readonly string[], facts: HubEvent['facts'] = {}): Promise<LoggedEvent[]> {
    const events = aggregates.map((id) => ({ ...sampleEvent({ aggregate: id, facts }), aggregate: { type, id } }));
    const before = await eventLog.head();
    await store.transaction((tx) => eventLog.append(tx, events));
    const logged = (await eventLog.read(before, events.length)).filter((event) => event.aggregate.type === type);
    await bus.publish(logged);
    return logged;
  }

  async function collect(
    on: Bus,
    type: string,
    group: string,
    options: { from?: 'end'; handle?: (event: LoggedEvent) => Promise<void> } = {},
  ) {
    const seen: LoggedEvent[] = [];
    const subscription = await on.subscribe({
      group,
      aggregateTypes: [type],
      ...(options.from && { from: options.from }),
      handle: async (event) => {
        await options.handle?.(event);
        seen.push(event);
      },
    });
    return { seen, stop: () => subscription.stop() };
  }

  const idsOf = (events: readonly LoggedEvent[], aggregate?: string) => [
    ...new Set(events.filter((event) => !aggregate || event.aggregate.id === aggregate).map((event) => event.id)),
  ];

  test('an event arrives as it was logged', async () => {
    const type = newType();
    const [sent] = await publish(type, ['a'], { status: 'GRANTED', count: 3, nested: { list: [1, null, 'ü'] } });
    const reader = await collect(bus, type, newType());
    await expect.poll(() => reader.seen, patience).toEqual([sent]);
    await reader.stop();
  });

  test('every group gets every event, in order per aggregate, and only of its types', async () => {
    const [type, other] = [newType(), newType()];
    const readers = [await collect(bus, type, newType()), await collect(bus, type, newType())];
    const aggregates = Array.from({ length: 60 }, (_, i) => `aggregate-${i % 7}`);
    await publish(other, ['x']);
    const sent = await publish(type, aggregates);
    for (const { seen } of readers) {
      await expect.poll(() => idsOf(seen).length, patience).toBe(60);
      for (const aggregate of new Set(aggregates)) expect(idsOf(seen, aggregate)).toEqual(idsOf(sent, aggregate));
    }
    await Promise.all(readers.map((reader) => reader.stop()));
  });

  test('a failing event comes again; later ones of its aggregate wait, others do not wait for ever', async () => {
    const type = newType();
    let failures = 0;
    const reader = await collect(bus, type, newType(), {
      handle: async (event) => {
        if (event.aggregate.id === 'bad' && failures < 3) {
          failures += 1;
          throw new Error('not yet');
        }
      },
    });
    const sent = await publish(type, ['bad', 'bad', 'good', 'bad', 'good']);
    await expect.poll(() => idsOf(reader.seen).length, patience).toBe(5);
    expect(failures).toBe(3);
    expect(idsOf(reader.seen, 'bad')).toEqual(idsOf(sent, 'bad'));
    expect(idsOf(reader.seen, 'good')).toEqual(idsOf(sent, 'good'));
    await reader.stop();
  });

  test('an event that fails for good is given to be kept; its group goes on and is not behind', async () => {
    const type = newType();
    const group = newType();
    const kept: [string, number][] = [];
    const seen: LoggedEvent[] = [];
    const own = await anotherBus();
    await own.subscribe({
      group,
      aggregateTypes: [type],
      poisonedAfter: 3,
      handle: async (event) => {
        if (event.aggregate.id === 'bad') throw new Error('for good');
        seen.push(event);
      },
      onPoisoned: async ({ id }, { attempts }) => void kept.push([id, attempts]),
    });
    const sent = await publish(type, ['bad', 'good', 'bad', 'good']);
    await expect.poll(() => new Set(kept.map(([id]) => id)).size, patience).toBe(2);
    expect([...new Set(kept.map(([id]) => id))]).toEqual(idsOf(sent, 'bad'));
    expect(kept.every(([, attempts]) => attempts === 3)).toBe(true);
    await expect.poll(() => idsOf(seen), patience).toEqual(idsOf(sent, 'good'));
    await expect.poll(() => own.lag(), patience).toEqual([{ group, events: 0 }]);
    await own.close();
  });

  test('says how many events a group has not finished', async () => {
    const type = newType();
    const group = newType();
    const own = await anotherBus();
    let open = false;
    await own.subscribe({
      group,
      aggregateTypes: [type],
      handle: async () => {
        if (!open) throw new Error('not yet');
      },
    });
    await publish(type, ['a', 'a', 'b']);
    await expect.poll(() => own.lag(), patience).toEqual([{ group, events: 3 }]);
    open = true;
    await expect.poll(() => own.lag(), patience).toEqual([{ group, events: 0 }]);
    await own.close();
  });

  test('stopping waits for the event in hand, and the group goes on behind it', async () => {
    const type = newType();
    const group = newType();
    const began = Promise.withResolvers<void>();
    let finished = false;
    const first = await collect(bus, type, group, {
      handle: async () => {
        began.resolve();
        await sleep(150);
        finished = true;
      },
    });
    const [before] = await publish(type, ['a']);
    await began.promise;
    await first.stop();
    expect(finished).toBe(true);
    expect(idsOf(first.seen)).toEqual([before!.id]);
    const [after] = await publish(type, ['a']);
    const second = await collect(bus, type, group);
    await expect.poll(() => idsOf(second.seen), patience).toEqual([after!.id]);
    await second.stop();
  });

  test('an event whose handling was cut short comes again', async () => {
    const type = newType();
    const group = newType();
    const failing = await collect(bus, type, group, {
      handle: async () => {
        throw new Error('never');
      },
    });
    const sent = await publish(type, ['a', 'a']);
    await sleep(200);
    await failing.stop();
    expect(failing.seen).toEqual([]);
    const reader = await collect(bus, type, group);
    await expect.poll(() => idsOf(reader.seen), patience).toEqual(idsOf(sent));
    await reader.stop();
  });

  test('a group that begins at the end gets only what comes later, also after a rest', async () => {
    const type = newType();
    const group = newType();
    await publish(type, ['old', 'old']);
    const first = await collect(bus, type, group, { from: 'end' });
    await first.stop();
    const sent = await publish(type, ['new']);
    const second = await collect(bus, type, group, { from: 'end' });
    await expect.poll(() => idsOf(second.seen), patience).toEqual(idsOf(sent));
    await second.stop();
  });

  test('two members of a group share its events; where one leaves, the other takes over', async () => {
    const type = newType();
    const group = newType();
    const other = await anotherBus();
    const members = [await collect(bus, type, group), await collect(other, type, group)];
    const everything = () => members.flatMap((member) => member.seen);
    const aggregates = Array.from({ length: 40 }, (_, i) => `aggregate-${i % 5}`);
    await publish(type, aggregates);
    await expect.poll(() => idsOf(everything()).length, patience).toBe(40);
    await members[0]!.stop();
    await publish(type, aggregates);
    await expect.poll(() => idsOf(everything()).length, patience).toBe(80);
    await other.close();
  });

  test('says that it is there', async () => {
    expect(await bus.check()).toBe(true);
  });
}

describeOnEachStore('the embedded bus', (kit) => {
  busSuite(kit, 'embedded:');

  test('a failing event holds up its own aggregate alone, and nothing is left out after a restart', async () => {
    const store = await kit.openFresh();
    const eventLog = createEventLog(store);
    const bus = await openBus('embedded:', { store, eventLog, log: silent, backoff });
    const ids = ['bad', ...Array.from({ length: 50 }, (_, i) => `good-${i}`), 'bad'];
    await store.transaction((tx) =>
      eventLog.append(
        tx,
        ids.map((aggregate) => sampleEvent({ aggregate })),
      ),
    );
    const seen: string[] = [];
    const first = await bus.subscribe({
      group: 'g',
      aggregateTypes: ['application'],
      handle: async ({ aggregate }) => {
        if (aggregate.id === 'bad') throw new Error('no');
        seen.push(aggregate.id);
      },
    });
    await expect.poll(() => seen.length, patience).toBe(50);
    await first.stop();
    expect(await eventLog.getCursor('group:g')).toBe(0);
    const again: number[] = [];
    const second = await bus.subscribe({
      group: 'g',
      aggregateTypes: ['application'],
      handle: async ({ aggregate, seq }) => void (aggregate.id === 'bad' && again.push(seq)),
    });
    await expect.poll(() => again, patience).toEqual([1, 52]);
    await second.stop();
    expect(await eventLog.getCursor('group:g')).toBe(52);
    await bus.close();
  });
});

describeWithService('kafka', 'the Kafka bus', (url) => {
  describeWithStore('over the log', (kit) => busSuite(kit, withSetting(url, 'sessionTimeoutMs', '6000')));

  test('what a group has not finished is counted, in the partitions asked for', async () => {
    const none = {} as { store: Store; eventLog: EventLog };
    const bus = await openBus(url, { ...none, log: silent });
    const topics = createKafkaTopics(parseKafkaUrl(url), silent);
    const type = `t${randomUUID().slice(0, 8)}`;
    const topic = topicOf(type);
    await bus.publish(Array.from({ length: 20 }, (_, i) => ({ ...sampleEvent(), seq: i + 1, aggregate: { type, id: `a${i}` } })));
    const all = Array.from({ length: await topics.ensure(topic) }, (_, partition) => partition);
    expect(await topics.lag(type, { [topic]: all })).toBe(20);
    const parts = await Promise.all(all.map((partition) => topics.lag(type, { [topic]: [partition] })));
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(20);
    const seen: string[] = [];
    const subscription = await bus.subscribe({ group: type, aggregateTypes: [type], handle: async ({ id }) => void seen.push(id) });
    await expect.poll(() => seen.length, patience).toBe(20);
    await subscription.stop();
    expect(await topics.lag(type, { [topic]: all })).toBe(0);
    await topics.close();
    await bus.close();
  });

  test('a member keeps its place within a batch, so that one who takes over repeats moments of it', async () => {
    const none = {} as { store: Store; eventLog: EventLog };
    const bus = await openBus(url, { ...none, log: silent });
    const topics = createKafkaTopics(parseKafkaUrl(url), silent);
    const type = `t${randomUUID().slice(0, 8)}`;
    const all = Array.from({ length: await topics.ensure(topicOf(type)) }, (_, partition) => partition);
    await bus.publish(Array.from({ length: 200 }, (_, i) => ({ ...sampleEvent(), seq: i + 1, aggregate: { type, id: 'a' } })));
    const goOn = Promise.withResolvers<void>();
    let handled = 0;
    const handle = async () => {
      if (handled === 150) await goOn.promise;
      handled += 1;
    };
    const subscription = await bus.subscribe({ group: type, aggregateTypes: [type], handle });
    await expect.poll(() => topics.lag(type, { [topicOf(type)]: all }), patience).toBe(50);
    goOn.resolve();
    await expect.poll(() => handled, patience).toBe(200);
    await subscription.stop();
    await topics.close();
    await bus.close();
  });

  test('a record that is no event of the hub is passed over, and reported', async () => {
    const lines: string[] = [];
    const log = createLog('error', { write: (line) => void lines.push(line) });
    const type = `t${randomUUID().slice(0, 8)}`;
    const none = {} as { store: Store; eventLog: EventLog };
    const bus = await openBus(url, { ...none, log });
    const event = { ...sampleEvent({ aggregate: 'a' }), seq: 1, aggregate: { type, id: 'a' } };
    await bus.publish([event]);
    const brokers = /\/\/(?:[^@]*@)?([^?/]+)/.exec(url)![1]!.split(',');
    const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    await producer.send({ topic: topicOf(type), messages: [{ key: 'a', value: 'not an event' }] });
    await producer.disconnect();
    const later = { ...event, id: randomUUID(), seq: 2 };
    await bus.publish([later]);
    const seen: string[] = [];
    await bus.subscribe({ group: type, aggregateTypes: [type], handle: async ({ id }) => void seen.push(id) });
    await expect.poll(() => seen, patience).toEqual([event.id, later.id]);
    expect(lines.join()).toContain('find out who writes to the topic');
    await bus.close();
  });
});

describe('the watchdog of a consumer', () => {
  test.each([
    [{ inHand: 0, quietMs: 59_999 }, false],
    [{ inHand: 0, quietMs: 60_000 }, true],
    [{ inHand: 1, quietMs: 600_000 }, false],
  ])('%o with a session of 30 s: stalled %s', (liveness, stalled) => {
    expect(looksStalled({ ...liveness, sessionTimeoutMs: 30_000 })).toBe(stalled);
  });
});

/** The URL with one more setting. */
function withSetting(url: string, name: string, value: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${name}=${value}`;
}

describe('a Kafka that is away', () => {
  test('publishing waits, reading waits, and closing ends both', async () => {
    const none = {} as { store: Store; eventLog: EventLog };
    const bus = await openBus('kafka://127.0.0.1:9,127.0.0.1:10', { ...none, log: silent });
    const published = bus.publish([{ ...sampleEvent(), seq: 1 }]);
    await bus.subscribe({ group: 'g', aggregateTypes: ['application'], handle: async () => {} });
    expect(await bus.check()).toBe(false);
    const early = await Promise.race([published.then(() => 'published'), sleep(300, 'waits')]);
    expect(early).toBe('waits');
    await Promise.all([expect(published).rejects.toMatchObject({ code: 'CLOSED' }), bus.close()]);
  });

  test.each([
    ['kafka://', 'with the port of every broker'],
    ['kafka://broker', 'with the port of every broker'],
    ['kafka://broker:9092?replicas=3', 'Known are replicationFactor'],
    ['kafka://broker:9092?replicationFactor=x', 'replicationFactor'],
    ['kafka://broker:9092?replicationFactor=1&minInsyncReplicas=2', 'nothing could ever be published'],
    ['kafka://user:%zz@broker:9092', 'percent-encoded'],
    ['nats://x', 'BUS_URL must be embedded:'],
  ])('the URL %j is refused with what is expected', async (url, sentence) => {
    const refused = openBus(url, { store: {} as Store, eventLog: {} as EventLog, log: silent });
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(sentence) });
  });

  test('a password in a URL that is refused stays out of the message', async () => {
    const refused = openBus('kafka://hub:s3cret-word@broker?x=1', { store: {} as Store, eventLog: {} as EventLog, log: silent });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('s3cret-word') });
  });
});
