import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import type { HubEvent } from '#contract';
import { createRelay } from '../src/events/relay.ts';
import { toRecord, topicOf } from '../src/infra/bus/cloudevents.ts';
import { openKafkaBus } from '../src/infra/bus/kafka.ts';
import { createKafkaTopics } from '../src/infra/bus/kafka-topics.ts';
import { parseKafkaUrl } from '../src/infra/bus/kafka-url.ts';
import { createLog } from '../src/infra/log.ts';
import { createEventLog } from '../src/infra/store/eventlog.ts';
import { openStore } from '../src/infra/store/open-store.ts';
import { newSqliteDatabase } from '../test/kit/databases.ts';
import { startCluster } from '../test/kit/kafka-cluster.ts';
import { sampleEvent } from '../test/kit/sample-event.ts';
import { startChild } from './child.ts';
import type { Handled } from './latency-reader.ts';
import { describeMachine } from './machine.ts';
import { writeLatency, type Round } from './latency-results.ts';

/*
 * How long an event takes from the commit of its transaction until another city's process handles it, over Kafka, beside a bare
 * kafkajs producer and consumer that carry the same records through the same brokers (three, RF 3, acks from all in step):
 *
 *   node bench/latency.ts [--quick] [--rate 50]
 *
 * Both streams run in turns, at the same steady rate, each event on its own. --quick writes no results. The store is SQLite: the
 * clock starts when it has committed.
 */

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, rate: { type: 'string', default: '50' } } });
const [rounds, perRound] = values.quick ? [2, 100] : [8, 500];
const gapMs = 1000 / Number(values.rate);
const log = createLog('silent');
const clock = () => performance.timeOrigin + performance.now();

await using begun = new AsyncDisposableStack();
const started = await startCluster({ brokers: 3 });
begun.defer(() => started.stop());
// Who interrupts it leaves no brokers behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void started.stop().finally(() => process.exit(130)));
const { brokers } = started.cluster;
const [type, rawType] = [`latency${randomUUID().slice(0, 6)}`, `raw${randomUUID().slice(0, 6)}`] as const;
const topics = createKafkaTopics(parseKafkaUrl(`kafka://${brokers}`), log);
await Promise.all([type, rawType].map((one) => topics.ensure(topicOf(one))));
await topics.close();

const database = newSqliteDatabase();
begun.defer(() => database.remove());
const store = await openStore(database.url);
begun.defer(() => store.close());
const eventLog = createEventLog(store);
const bus = openKafkaBus(`kafka://${brokers}`, { log });
begun.defer(() => bus.close());
const relay = createRelay({ store, eventLog, bus, log });
relay.start();
begun.defer(() => relay.stop());

const producer: Producer = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).producer({
  idempotent: true,
  createPartitioner: Partitioners.DefaultPartitioner,
});
await producer.connect();
begun.defer(() => producer.disconnect());
const reader = await startChild<null>('latency-reader.ts', { KAFKA_BROKERS: brokers, TYPE: type, RAW_TOPIC: topicOf(rawType) });
begun.defer(() => reader.stop());

const newEvent = (aggregateType: string): HubEvent => {
  const event = sampleEvent({ facts: { status: 'RECEIVED', channel: 'ONLINE' } });
  return { ...event, aggregate: { type: aggregateType, id: event.aggregate.id } };
};

/** Sends `count` events at the rate; departures by id. */
async function sendAll(count: number, send: (left: Map<string, number>) => Promise<void>): Promise<Map<string, number>> {
  const left = new Map<string, number>();
  const under: Promise<void>[] = [];
  const began = performance.now();
  for (let i = 0; i < count; i += 1) {
    await sleep(Math.max(0, began + i * gapMs - performance.now()));
    under.push(send(left));
  }
  await Promise.all(under);
  return left;
}

const streams = {
  /** Departure: the commit. */
  hub: async (left: Map<string, number>) => {
    const event = newEvent(type);
    await store.transaction((tx) => eventLog.append(tx, [event]));
    left.set(event.id, clock());
  },
  /** Departure: the call of `send`. */
  raw: async (left: Map<string, number>) => {
    const event = { ...newEvent(rawType), seq: 1 };
    left.set(event.id, clock());
    await producer.send({ topic: topicOf(rawType), acks: -1, messages: [{ ...toRecord(event) }] });
  },
} as const;

async function round(stream: keyof typeof streams, count: number): Promise<number[]> {
  const left = await sendAll(count, streams[stream]);
  for (let tries = 0; tries < 300; tries += 1) {
    const handled = await reader.ask<Handled>('handled', stream);
    const waits = [...left].flatMap(([id, at]) => {
      const there = handled.get(id);
      return there === undefined ? [] : [there - at];
    });
    if (waits.length === left.size) return waits;
    await sleep(100);
  }
  throw new Error(`events of the ${stream} stream did not arrive within 30 s`);
}

const machine = describeMachine(new Date());
const measured: Round[] = [];
for (const stream of ['raw', 'hub'] as const) await round(stream, 200);
for (let turn = 0; turn < rounds; turn += 1) {
  const [raw, hub] = [await round('raw', perRound), await round('hub', perRound)];
  measured.push({ raw, hub });
  console.log(`  ${turn + 1}/${rounds}`);
}
const text = writeLatency(new URL('RESULTS.md', import.meta.url), {
  machine,
  measured,
  note: `${values.rate} events a second, ${rounds} rounds of ${perRound} of each stream in turns`,
  write: !values.quick,
});
console.log(text);
