import { Kafka, logLevel } from 'kafkajs';
import { openKafkaBus } from '../src/infra/bus/kafka.ts';
import { createLog } from '../src/infra/log.ts';
import { serveParent } from './parent.ts';

/*
 * The other city, a process of its own: reads both streams and says how long each event was on its way. The time of departure is
 * read from the record itself; both processes use the clock of one machine.
 */

const { KAFKA_BROKERS = '', TYPE = '', RAW_TOPIC = '' } = process.env;
const clock = () => performance.timeOrigin + performance.now();
const seen = { hub: new Map<string, number>(), raw: new Map<string, number>() };

const bus = openKafkaBus(`kafka://${KAFKA_BROKERS}`, { log: createLog('silent') });
await bus.subscribe({ group: `latency-${TYPE}`, aggregateTypes: [TYPE], handle: async ({ id }) => void seen.hub.set(id, clock()) });

const consumer = new Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING }).consumer({
  groupId: `latency-${RAW_TOPIC}`,
  maxWaitTimeInMs: 500,
});
await consumer.connect();
await consumer.subscribe({ topics: [RAW_TOPIC], fromBeginning: true });
// As fast as it can be: a worker for each partition, and a commit now and then instead of one after every batch.
await consumer.run({
  partitionsConsumedConcurrently: 6,
  autoCommitInterval: 5000,
  eachMessage: async ({ message }) => void seen.raw.set(String(message.headers?.['ce_id']), clock()),
});

/** When each event was handled here, by its id, in milliseconds since the epoch. */
export type Handled = ReadonlyMap<string, number>;

serveParent(null, { handled: (stream: 'hub' | 'raw'): Handled => seen[stream] }, async () => {
  await consumer.disconnect();
  await bus.close();
});
