import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, Partitioners, logLevel, type Producer } from 'kafkajs';
import type { LoggedEvent } from '#contract';
import { toRecord, topicOf } from '../../src/infra/bus/cloudevents.ts';
import { openKafkaBus } from '../../src/infra/bus/kafka.ts';
import { createKafkaTopics } from '../../src/infra/bus/kafka-topics.ts';
import { parseKafkaUrl } from '../../src/infra/bus/kafka-url.ts';
import { createLog } from '../../src/infra/log.ts';
import { inStep, type KafkaCluster } from '../kit/kafka-cluster.ts';
import { eventsOf, verdict, type Verdict } from '../kit/kafka-verdict.ts';

/*
 * Leaders move while events are published: brokers are killed (kill -9) and revived one after the other, one is stopped
 * (SIGSTOP) for 20 s so that its connections stay open and nothing answers. Three ways of sending meet the same faults:
 * the hub's bus, and two controls that break its send rule. The logs are read back by Kafka's own consumer.
 */

const log = createLog('silent');
/** Three kills and a broker that hangs. */
const LEAST_FAULTS = 4;

/** What was published in one way, and what the log says. */
export interface LeaderOutcome extends Verdict {
  readonly way: string;
  readonly acknowledged: number;
}

/** How much is sent. */
export interface LeaderPlan {
  readonly events: number;
  /** Events a second, of the hub's bus. */
  readonly rate: number;
  readonly freezeMs: number;
}

export async function leadersMove(
  cluster: KafkaCluster,
  { events, rate, freezeMs }: LeaderPlan,
): Promise<{ outcomes: LeaderOutcome[]; kills: number; freezes: number }> {
  const url = `kafka://${cluster.brokers}?requestTimeoutMs=3000`;
  const types = ['rule', 'several', 'two'].map((name) => `${name}${randomUUID().slice(0, 6)}`) as [string, string, string];
  const topics = createKafkaTopics(parseKafkaUrl(url), log);
  for (const type of types) await topics.ensure(topicOf(type));
  await topics.close();
  const bus = openKafkaBus(url, { log });
  const acknowledged: [LoggedEvent[], LoggedEvent[], LoggedEvent[]] = [[], [], []];
  let sending = true;
  let [kills, freezes] = [0, 0];

  async function byTheRule(): Promise<void> {
    const under = new Set<Promise<unknown>>();
    const began = performance.now();
    // On a busy machine faults take long: it goes on until each kind has happened.
    for (let from = 0; from < events || kills + freezes < LEAST_FAULTS; from += 20) {
      const batch = eventsOf(types[0], from, 20);
      const published = bus.publish(batch).then(() => {
        acknowledged[0].push(...batch);
        under.delete(published);
      });
      under.add(published);
      await sleep(Math.max(0, began + (from / rate) * 1000 - performance.now()));
      while (under.size > 500) await Promise.race(under);
    }
    await Promise.all(under);
    sending = false;
  }

  /** Until the first way has sent everything, ten times as slowly. */
  async function against(index: 1 | 2, send: (producer: Producer, batch: LoggedEvent[]) => Promise<void>): Promise<void> {
    const producer = new Kafka({
      brokers: cluster.brokers.split(','),
      connectionTimeout: 1000,
      requestTimeout: 3000,
      enforceRequestTimeout: true,
      retry: { initialRetryTime: 100, maxRetryTime: 500, retries: Number.MAX_SAFE_INTEGER },
      logLevel: logLevel.NOTHING,
    }).producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    const under: Promise<unknown>[] = [];
    for (let from = 0; sending; from += 20) {
      const batch = eventsOf(types[index], from, 20);
      under.push(send(producer, batch).catch(() => {}));
      await sleep((20 / rate) * 10_000);
    }
    await Promise.race([Promise.all(under), sleep(20_000)]);
    await Promise.race([producer.disconnect(), sleep(3000)]);
  }

  const records = (batch: LoggedEvent[]) => batch.map((event) => ({ ...toRecord(event) }));
  const severalPartitions = against(1, async (producer, batch) => {
    await producer.send({ topic: topicOf(types[1]), acks: -1, messages: records(batch) });
    acknowledged[1].push(...batch);
  });
  const twoUnderWay = against(2, async (producer, batch) => {
    const one = async (event: LoggedEvent) => {
      await producer.send({ topic: topicOf(types[2]), acks: -1, messages: records([event]) });
      acknowledged[2].push(event);
    };
    await Promise.all(batch.map((event) => one(event).catch(() => {})));
  });

  async function faults(): Promise<void> {
    for (let turn = 0; sending; turn += 1) {
      const id = cluster.ids[turn % cluster.ids.length]!;
      await sleep(2000);
      if (turn % 4 === 1) {
        await cluster.freeze(id);
        await sleep(freezeMs);
        await cluster.thaw(id);
        freezes += 1;
      } else {
        await cluster.kill(id);
        kills += 1;
        await sleep(3000);
        await cluster.revive(id);
      }
      // Two copies of three must be there: the next one goes when this one has caught up.
      await inStep(cluster);
    }
  }

  await Promise.all([byTheRule(), severalPartitions, twoUnderWay, faults()]);
  await bus.close();
  const ways = [
    'the hub: one partition per send, one send under way',
    'control: several partitions in a send',
    'control: sends under way to the same partition',
  ];
  const outcomes: LeaderOutcome[] = [];
  for (const [index, way] of ways.entries()) {
    const sent = acknowledged[index as 0 | 1 | 2];
    outcomes.push({ way, acknowledged: sent.length, ...verdict(sent, await cluster.readBack(topicOf(types[index as 0 | 1 | 2]))) });
  }
  return { outcomes, kills, freezes };
}
