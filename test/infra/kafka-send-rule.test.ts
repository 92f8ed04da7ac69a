import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, Partitioners, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoggedEvent } from '#contract';
import { toRecord, topicOf } from '../../src/infra/bus/cloudevents.ts';
import { openKafkaBus } from '../../src/infra/bus/kafka.ts';
import { createKafkaTopics } from '../../src/infra/bus/kafka-topics.ts';
import { parseKafkaUrl } from '../../src/infra/bus/kafka-url.ts';
import { createLog } from '../../src/infra/log.ts';
import { startCluster, type KafkaCluster } from '../kit/kafka-cluster.ts';
import { describeWithService } from '../kit/services.ts';
import { eventsOf, verdict } from '../kit/kafka-verdict.ts';

/*
 * The send rule of src/infra/bus/kafka-publisher.ts on a real cluster of three brokers, while one is killed and another
 * hangs: nothing that was acknowledged is missing, and each aggregate's events stand in order, in the log and for a group
 * that reads all the while. A second producer breaks the rule beside it, through the same faults; what it loses is
 * reported, for that is why the rule is there.
 */

const log = createLog('silent');
describe('the verdict on a log', () => {
  const events = eventsOf('t', 0, 30);

  test('finds what is missing, twice there and out of order', () => {
    expect(verdict(events, events)).toEqual({ lost: 0, outOfOrder: 0, duplicates: 0 });
    expect(verdict(events, events.slice(0, 28))).toMatchObject({ lost: 2 });
    expect(verdict(events, [...events, events[0]!])).toEqual({ lost: 0, outOfOrder: 0, duplicates: 1 });
    expect(verdict(events, [...events.slice(1), events[0]!])).toEqual({ lost: 0, outOfOrder: 1, duplicates: 0 });
  });
});

// A cluster of its own: others use the one that the variable names.
describeWithService('kafkaCluster', 'the send rule on a cluster that loses its leaders', () => {
  let cluster: KafkaCluster;
  let url = '';
  let stop: () => Promise<void>;
  beforeAll(async () => {
    ({ cluster, stop } = await startCluster({ brokers: 3 }));
    url = `kafka://${cluster.brokers}?requestTimeoutMs=3000&sessionTimeoutMs=4000`;
  }, 240_000);
  afterAll(() => stop?.());

  async function faults(): Promise<void> {
    await sleep(1000);
    await cluster.kill('1');
    await sleep(3000);
    await cluster.revive('1');
    await sleep(2000);
    await cluster.freeze('2');
    await sleep(5000);
    await cluster.thaw('2');
    await sleep(1000);
  }

  async function readBack(type: string, until: (read: readonly LoggedEvent[]) => boolean): Promise<LoggedEvent[]> {
    const bus = openKafkaBus(url, { log });
    const read: LoggedEvent[] = [];
    await bus.subscribe({ group: `read-${randomUUID()}`, aggregateTypes: [type], handle: async (event) => void read.push(event) });
    // Given up where nothing came for a while: what is missing then is missing.
    let before = 0;
    for (let quiet = 0; !until(read) && quiet < (before === 0 ? 120 : 20); quiet += 1) {
      await sleep(500);
      if (read.length !== before) quiet = 0;
      before = read.length;
    }
    await bus.close();
    return read;
  }

  test('a leader that is killed and one that hangs cost nothing that was acknowledged', { timeout: 300_000 }, async () => {
    const type = `t${randomUUID().slice(0, 8)}`;
    const broken = `t${randomUUID().slice(0, 8)}`;
    const settings = parseKafkaUrl(url);
    const topics = createKafkaTopics(settings, log);
    await Promise.all([topics.ensure(topicOf(type)), topics.ensure(topicOf(broken))]);
    const bus = openKafkaBus(url, { log });
    const breaker = new Kafka({
      brokers: [...settings.brokers],
      connectionTimeout: 1000,
      requestTimeout: 3000,
      enforceRequestTimeout: true,
      retry: { initialRetryTime: 100, maxRetryTime: 500, retries: Number.MAX_SAFE_INTEGER },
      logLevel: logLevel.NOTHING,
    }).producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner });
    await breaker.connect();

    let faulty = true;
    const acknowledged = { rule: [] as LoggedEvent[], control: [] as LoggedEvent[] };

    async function byTheRule(): Promise<void> {
      const under: Promise<unknown>[] = [];
      for (let from = 0; faulty; from += 20) {
        const events = eventsOf(type, from, 20);
        under.push(bus.publish(events).then(() => acknowledged.rule.push(...events)));
        await sleep(40);
      }
      await Promise.all(under);
    }

    /** Several partitions in one send, several sends at a time. */
    async function againstTheRule(): Promise<void> {
      const under: Promise<unknown>[] = [];
      for (let from = 0; faulty; from += 20) {
        const events = eventsOf(broken, from, 20);
        const messages = events.map((event) => ({ ...toRecord(event) }));
        const sent = breaker.send({ topic: topicOf(broken), acks: -1, messages }).then(() => acknowledged.control.push(...events));
        under.push(sent.catch(() => {}));
        await sleep(40);
      }
      await Promise.race([Promise.all(under), sleep(5000)]);
    }

    const live: LoggedEvent[] = [];
    await bus.subscribe({ group: `live-${type}`, aggregateTypes: [type], handle: async (event) => void live.push(event) });
    const sending = Promise.all([byTheRule(), againstTheRule()]);
    await faults();
    faulty = false;
    await sending;
    await Promise.race([breaker.disconnect(), sleep(3000)]);
    await expect.poll(() => verdict(acknowledged.rule, live).lost, { timeout: 30_000, interval: 500 }).toBe(0);
    await bus.close();
    await topics.close();

    const [read, control] = await Promise.all([
      readBack(type, (events) => verdict(acknowledged.rule, events).lost === 0),
      readBack(broken, (events) => verdict(acknowledged.control, events).lost === 0),
    ]);
    const byRule = verdict(acknowledged.rule, read);
    const without = verdict(acknowledged.control, control);
    const atReader = verdict(acknowledged.rule, live);
    console.log(
      `send rule kept: ${acknowledged.rule.length} acknowledged, ${JSON.stringify(byRule)}; a group that read all the while: ${JSON.stringify(atReader)}`,
    );
    console.log(`send rule broken: ${acknowledged.control.length} acknowledged, ${JSON.stringify(without)}`);
    expect(acknowledged.rule.length).toBeGreaterThan(500);
    expect(byRule).toMatchObject({ lost: 0, outOfOrder: 0 });
    expect(atReader).toMatchObject({ lost: 0, outOfOrder: 0 });
  });

  test('with every broker gone events wait; they arrive once the brokers are back, in order', { timeout: 300_000 }, async () => {
    const type = `t${randomUUID().slice(0, 8)}`;
    const bus = openKafkaBus(url, { log });
    const before = eventsOf(type, 0, 40);
    await bus.publish(before);
    const seen: LoggedEvent[] = [];
    await bus.subscribe({ group: type, aggregateTypes: [type], handle: async (event) => void seen.push(event) });
    await expect.poll(() => verdict(before, seen).lost, { timeout: 20_000 }).toBe(0);

    for (const id of ['1', '2', '3']) await cluster.kill(id);
    const after = eventsOf(type, 40, 40);
    const published = bus.publish(after).then(() => 'published');
    expect(await Promise.race([published, sleep(1000, 'waits')])).toBe('waits');
    expect(await bus.check()).toBe(false);
    await cluster.revive('1', '2', '3');

    expect(await published).toBe('published');
    await expect
      .poll(() => verdict([...before, ...after], seen), { timeout: 60_000, interval: 200 })
      .toMatchObject({ lost: 0, outOfOrder: 0 });
    expect(await bus.check()).toBe(true);
    await bus.close();
  });
});
