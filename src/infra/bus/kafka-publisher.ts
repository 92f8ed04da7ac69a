import { Partitioners, type Message, type Producer } from 'kafkajs';
import { HubError, type LoggedEvent } from '#contract';
import { pause, pauseAfter } from '../backoff.ts';
import type { Log } from '../log.ts';
import { toRecord, topicOf } from './cloudevents.ts';
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
 * So each partition has a queue, computed here with Kafka's own hash of the key, and sends what waits as one batch, in log
 * order. A send waits for as long as the brokers are away. Where kafkajs gives up (the producer's state at the broker is
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
  /** Resolves once every event is on all in-sync copies. @throws HubError CLOSED */
  publish(events: readonly LoggedEvent[]): Promise<void>;
  close(): Promise<void>;
}

const backoff = { firstMs: 200, mostMs: 5000 };
/** Bytes of one send, well under Kafka's default of 1 MiB for a batch. */
const MOST_BYTES = 512 * 1024;

/** The publisher of a cluster. */
export function createKafkaPublisher(settings: KafkaSettings, topics: KafkaTopics, source: string, log: Log): KafkaPublisher {
  const closed = new AbortController();
  const partitionOf = Partitioners.DefaultPartitioner();
  const queues = new Map<string, Promise<void>>();
  let current: Promise<OpenProducer> | null = null;

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

  /** Behind whatever the partition has under way. A failure means that the bus is closed: what comes behind fails as well. */
  function enqueue(topic: string, partition: number, messages: Message[]): Promise<void> {
    const name = `${topic}/${partition}`;
    const before = queues.get(name) ?? Promise.resolve();
    const sent = before.then(() => sendUntilDone(topic, messages));
    queues.set(name, sent);
    sent.catch(() => {});
    return sent;
  }

  return {
    async publish(events) {
      const batches = new Map<string, { topic: string; partition: number; messages: Message[]; bytes: number }>();
      const sends: Promise<void>[] = [];
      // Every partition count first: from here on nothing waits, so that two calls cannot overtake each other.
      const counts = new Map<string, number>();
      for (const topic of new Set(events.map((event) => topicOf(event.aggregate.type)))) counts.set(topic, await topics.ensure(topic));
      for (const event of events) {
        const topic = topicOf(event.aggregate.type);
        const record = toRecord(event, source);
        const partitionMetadata = Array.from({ length: counts.get(topic) ?? 1 }, (_, partitionId) => ({
          partitionId,
          leader: 0,
          partitionErrorCode: 0,
          replicas: [],
          isr: [],
        }));
        const partition = partitionOf({ topic, partitionMetadata, message: record });
        const name = `${topic}/${partition}`;
        const batch = batches.get(name) ?? { topic, partition, messages: [], bytes: 0 };
        if (batch.bytes > MOST_BYTES) {
          sends.push(enqueue(topic, partition, batch.messages));
          batch.messages = [];
          batch.bytes = 0;
        }
        batch.messages.push({ ...record, partition });
        batch.bytes += Buffer.byteLength(record.value) + 500;
        batches.set(name, batch);
      }
      for (const { topic, partition, messages } of batches.values()) sends.push(enqueue(topic, partition, messages));
      await Promise.all(sends);
    },
    async close() {
      closed.abort();
      await Promise.allSettled(queues.values());
    },
  };
}
