import { Partitioners, type Message, type PartitionMetadata, type Producer } from 'kafkajs';
import { HubError, type LoggedEvent } from '#contract';
import { pause, pauseAfter } from '../backoff.ts';
import type { Log } from '../log.ts';
import { toRecord } from './cloudevents.ts';
import { createKafkaClient } from './kafka-client.ts';
import type { KafkaTopics } from './kafka-topics.ts';
import type { KafkaSettings } from './kafka-url.ts';

/*
 * The send rule: one partition per `send`, and never two sends under way to the same partition, retries included.
 *
 * kafkajs 2.2.4 loses acknowledged messages where it is broken, silently. (1) With several partitions in one send, a
 * retry leaves out brokers that have answered already; where one of them is the new leader of a partition that failed, its
 * messages are never sent. (2) With two sends under way to one partition, a time-out of the first gives its sequence number
 * to the second; the broker takes the second for a repetition and acknowledges it unwritten.
 *
 * So each partition has a queue, computed here with Kafka's own hash of the key. While a send is under way, what comes waits and
 * then goes as one batch, in log order: the slower the brokers, the larger the batches. A send waits for as long as the brokers are away. Where kafkajs gives up (the producer's state at the broker is
 * lost: unknown producer id, sequence out of order), the batch goes again with a new producer: at least once, in order,
 * never lost. The old producer is left to finish what other partitions have under way, then closed.
 */

interface OpenProducer {
  readonly producer: Producer;
  sends: number;
  retired: boolean;
  end(): void;
}

/** Sends events to their topics by the send rule. */
export interface KafkaPublisher {
  /**
   * Resolves once every event is on all in-sync copies of its topic's partition. Calls of one stream keep their order; a topic
   * that cannot be made holds up its own stream alone.
   * @throws HubError CLOSED
   */
  publish(stream: string, events: readonly LoggedEvent[], topicOf: (event: LoggedEvent) => string): Promise<void>;
  /** For how long the brokers have not taken what waits longest for them, in milliseconds; 0 where nothing waits. */
  stalledMs(): number;
  close(): Promise<void>;
}

/** Events of one `publish` for one partition. */
interface Part {
  readonly topic: string;
  readonly partition: number;
  readonly messages: Message[];
  bytes: number;
  readonly done: PromiseWithResolvers<void>;
}

type Partitions = ReadonlyMap<string, PartitionMetadata[]>;

interface Queue {
  readonly topic: string;
  readonly waiting: Part[];
  sending: Promise<void> | null;
}

const backoff = { firstMs: 200, mostMs: 5000 };
/** Bytes of one send, well under Kafka's default of 1 MiB for a batch. */
const MOST_BYTES = 512 * 1024;
/** Of a record beside its value, at most. */
const HEADER_BYTES = 500;

/** The publisher of a cluster. */
export function createKafkaPublisher(settings: KafkaSettings, topics: KafkaTopics, source: string, log: Log): KafkaPublisher {
  const closed = new AbortController();
  const partitionOf = Partitioners.DefaultPartitioner();
  const queues = new Map<string, Queue>();
  const turns = new Map<string, Promise<Partitions>>();
  let current: Promise<OpenProducer> | null = null;
  /** When each thing that was asked of the brokers, and that they have not done yet, began: by a clock that is never set. */
  const asked = new Map<object, number>();

  async function watched<T>(work: () => Promise<T>): Promise<T> {
    asked.set(work, performance.now());
    try {
      return await work();
    } finally {
      asked.delete(work);
    }
  }

  async function open(): Promise<OpenProducer> {
    // Unlimited, as kafkajs asks for with an idempotent producer; `shut` ends them.
    const client = createKafkaClient(settings, log, Number.MAX_SAFE_INTEGER);
    const producer = client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    const end = () => {
      closed.signal.removeEventListener('abort', end);
      client.shut();
      producer.disconnect().catch(() => {});
    };
    closed.signal.addEventListener('abort', end, { once: true });
    await producer.connect();
    return { producer, sends: 0, retired: false, end };
  }

  function retire(used: OpenProducer): void {
    if (used.retired) return;
    used.retired = true;
    current = null;
  }

  async function sendOnce(topic: string, messages: Message[]): Promise<void> {
    current ??= open();
    const opening = current;
    const used = await opening.catch((error: unknown) => {
      if (current === opening) current = null;
      throw error;
    });
    used.sends += 1;
    try {
      await used.producer.send({ topic, acks: -1, timeout: settings.requestTimeoutMs, messages });
    } catch (error) {
      retire(used);
      throw error;
    } finally {
      used.sends -= 1;
      if (used.retired && used.sends === 0) used.end();
    }
  }

  async function sendUntilDone(topic: string, messages: Message[]): Promise<void> {
    for (let attempt = 1; !closed.signal.aborted; attempt += 1) {
      try {
        await sendOnce(topic, messages);
        return;
      } catch (error) {
        if (closed.signal.aborted) break;
        log.warn({ topic, events: messages.length, attempt, err: error }, 'Kafka refused events; a new producer sends them again');
        await pause(pauseAfter(backoff, attempt), closed.signal);
      }
    }
    throw new HubError('CLOSED', 'The bus was closed.', { retryable: true });
  }

  /** Sends what waits until nothing does. Fails only where the bus is closed; then what waits fails as well. */
  async function drain(queue: Queue): Promise<void> {
    while (queue.waiting.length > 0) {
      const parts = [queue.waiting.shift() as Part];
      for (let bytes = parts[0]!.bytes; queue.waiting[0] && bytes + queue.waiting[0].bytes <= MOST_BYTES; bytes += parts.at(-1)!.bytes)
        parts.push(queue.waiting.shift() as Part);
      try {
        const messages = parts.flatMap((part) => part.messages);
        await watched(() => sendUntilDone(queue.topic, messages));
        for (const { done } of parts) done.resolve();
      } catch (error) {
        for (const { done } of [...parts, ...queue.waiting.splice(0)]) done.reject(error);
      }
    }
    queue.sending = null;
  }

  async function findPartitions(names: ReadonlySet<string>): Promise<Partitions> {
    const found = new Map<string, PartitionMetadata[]>();
    for (const topic of names) found.set(topic, metadataOf(await topics.ensure(topic)));
    return found;
  }

  function enqueue(part: Part): void {
    const { topic } = part;
    const name = `${topic}/${part.partition}`;
    let queue = queues.get(name);
    if (!queue) queues.set(name, (queue = { topic, waiting: [], sending: null }));
    queue.waiting.push(part);
    queue.sending ??= drain(queue);
  }

  return {
    async publish(stream, events, topicOf) {
      // Calls take turns until their partitions are known, and wait for nothing from there to the queues: none overtakes another.
      const before = turns.get(stream) ?? Promise.resolve();
      const turn = before.then(() => watched(() => findPartitions(new Set(events.map(topicOf)))));
      turns.set(stream, turn);
      const partitionsOf = await turn;
      const last = new Map<string, Part>();
      const parts: Part[] = [];
      for (const event of events) {
        const topic = topicOf(event);
        const record = toRecord(event, source);
        const partition = partitionOf({ topic, partitionMetadata: partitionsOf.get(topic) ?? [], message: record });
        const name = `${topic}/${partition}`;
        let part = last.get(name);
        if (!part || part.bytes > MOST_BYTES / 2) {
          part = { topic, partition, messages: [], bytes: 0, done: Promise.withResolvers<void>() };
          last.set(name, part);
          parts.push(part);
        }
        part.messages.push({ ...record, partition });
        part.bytes += Buffer.byteLength(record.value) + HEADER_BYTES;
      }
      for (const part of parts) enqueue(part);
      await Promise.all(parts.map(({ done }) => done.promise));
    },
    stalledMs: () => performance.now() - Math.min(performance.now(), ...asked.values()),
    async close() {
      closed.abort();
      await Promise.allSettled([...queues.values()].map(({ sending }) => sending ?? Promise.resolve()));
    },
  };
}

/** What the partitioner of kafkajs wants to know; it asks for the leader only where a record has no key. */
const metadataOf = (partitions: number): PartitionMetadata[] =>
  Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, leader: 0, partitionErrorCode: 0, replicas: [], isr: [] }));
