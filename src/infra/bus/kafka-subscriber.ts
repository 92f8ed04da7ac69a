import { once } from 'node:events';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { LoggedEvent } from '#contract';
import { pause, pauseAfter, type Backoff } from '../backoff.ts';
import type { Log } from '../log.ts';
import type { BusSubscription, SubscribeOptions } from './bus.ts';
import { fromRecord, topicOf } from './cloudevents.ts';
import { createKafkaClient } from './kafka-client.ts';
import type { KafkaTopics } from './kafka-topics.ts';
import type { KafkaSettings } from './kafka-url.ts';
import { handleUntilDone } from './until-done.ts';

/*
 * A member of a consumer group, kept alive:
 *
 *   joining ──▶ reading ──crash, stalled──▶ pausing ──▶ joining with a new consumer
 *   any ──stop──▶ event in hand done, group left
 *
 * An event is committed after its handler has resolved, never before. An event that fails is tried again in place, with
 * growing pauses and heartbeats between, so its partition waits for it and the group keeps its members; other partitions go
 * on. Where the group gives the partition to another member meanwhile, that member gets the event.
 *
 * kafkajs has been seen to stop fetching without an error. A watchdog asks every session time-out: where nothing was
 * handled for two of them although events wait, the consumer is replaced.
 */

/** What a subscription works with. */
export interface KafkaSubscriberParts {
  readonly settings: KafkaSettings;
  readonly topics: KafkaTopics;
  readonly log: Log;
  readonly backoff: Backoff;
}

/** What the watchdog looks at: events in hand, and since when none was handled, in milliseconds. */
export interface Liveness {
  readonly inHand: number;
  readonly quietMs: number;
  readonly sessionTimeoutMs: number;
}

/** True where a consumer handles nothing for so long that it is worth asking whether events wait for it. */
export const looksStalled = ({ inHand, quietMs, sessionTimeoutMs }: Liveness): boolean => inHand === 0 && quietMs >= 2 * sessionTimeoutMs;

const rejoin: Backoff = { firstMs: 500, mostMs: 10_000 };
/** Attempts of kafkajs within one consumer before a new one takes over. */
const RETRIES = 8;
/** How long leaving the group may take where brokers do not answer. */
const LEAVE_MS = 5000;

/** Starts reading for a group; goes on through every outage until it is stopped. */
export function subscribeToKafka({ settings, topics, log, backoff }: KafkaSubscriberParts, request: SubscribeOptions): BusSubscription {
  const { group } = request;
  const names = request.aggregateTypes.map(topicOf);
  const stopped = new AbortController();
  const stopping = once(stopped.signal, 'abort');
  let handledAt = Date.now();
  /** The partitions of this member: what waits in another's is not its to fetch. */
  let assigned: Readonly<Record<string, readonly number[]>> = {};
  let inHand = 0;

  /** One message, with heartbeats while it takes its time. Throws where the partition is not ours any more. */
  async function handle(event: LoggedEvent, payload: EachBatchPayload): Promise<boolean> {
    const leave = new AbortController();
    const signal = AbortSignal.any([stopped.signal, leave.signal]);
    const done = handleUntilDone(event, { group, handle: (given) => request.handle(given), backoff, log, signal });
    const beat = setInterval(() => void payload.heartbeat().catch(() => leave.abort()), settings.sessionTimeoutMs / 10);
    try {
      return await done;
    } finally {
      clearInterval(beat);
    }
  }

  function eventOf(topic: string, message: KafkaMessage): LoggedEvent | null {
    const event = fromRecord(topic, message);
    if (!event)
      log.error(
        { group, topic, offset: message.offset },
        'A record is no event of the hub and was passed over: find out who writes to the topic',
      );
    return event;
  }

  async function eachBatch(payload: EachBatchPayload): Promise<void> {
    inHand += 1;
    try {
      for (const message of payload.batch.messages) {
        if (stopped.signal.aborted || !payload.isRunning() || payload.isStale()) break;
        const event = eventOf(payload.batch.topic, message);
        if (event && !(await handle(event, payload))) break;
        payload.resolveOffset(message.offset);
        handledAt = Date.now();
        await payload.heartbeat();
      }
      await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets());
    } finally {
      inHand -= 1;
    }
  }

  /** Resolves with the reason why this consumer must be replaced, or null once stopped. */
  async function watch(consumer: Consumer, crashed: Promise<string>): Promise<string | null> {
    const over = new AbortController();
    const stop = AbortSignal.any([stopped.signal, over.signal]);
    async function stalled(): Promise<string | null> {
      for (;;) {
        await pause(settings.sessionTimeoutMs, stop);
        if (stop.aborted) return null;
        const quiet = () => looksStalled({ inHand, quietMs: Date.now() - handledAt, sessionTimeoutMs: settings.sessionTimeoutMs });
        if (!quiet()) continue;
        const behind = await topics.lag(group, assigned).catch(() => 0);
        // Asked again: an event may have come while the brokers answered.
        if (behind > 0 && quiet()) return `stalled with ${behind} events waiting`;
      }
    }
    const reason = await Promise.race([crashed, stalled()]);
    over.abort();
    return reason;
  }

  /** Waits for the brokers. */
  async function findPlaces(): Promise<void> {
    for (const name of names) await topics.ensure(name);
    if (request.from === 'end') await topics.startAtEnd(group, names);
  }

  /** Joins, reads until something is wrong or `stop`, leaves. */
  async function readOnce(): Promise<string | null> {
    await Promise.race([findPlaces(), stopping]);
    if (stopped.signal.aborted) return null;
    const client = createKafkaClient(settings, log, RETRIES);
    const consumer = client.kafka.consumer({
      groupId: group,
      sessionTimeout: settings.sessionTimeoutMs,
      heartbeatInterval: Math.max(100, settings.sessionTimeoutMs / 10),
      rebalanceTimeout: 2 * settings.sessionTimeoutMs,
      maxBytesPerPartition: 1 << 20,
      maxBytes: 5 << 20,
      maxWaitTimeInMs: 500,
      readUncommitted: false,
    });
    assigned = {};
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      assigned = payload.memberAssignment;
    });
    const crash = Promise.withResolvers<string>();
    consumer.on(consumer.events.CRASH, ({ payload }) => crash.resolve(`crashed: ${payload.error.message}`));
    const leave = () => Promise.race([consumer.disconnect().catch(() => {}), pause(LEAVE_MS)]).finally(() => client.shut());
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: names, fromBeginning: true });
      handledAt = Date.now();
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: 3, eachBatch });
      return await watch(consumer, crash.promise);
    } finally {
      await leave();
    }
  }

  async function live(): Promise<void> {
    for (let attempt = 1; !stopped.signal.aborted; attempt += 1) {
      const startedAt = Date.now();
      const reason = await readOnce().catch((error: unknown) => (error instanceof Error ? error.message : 'unknown'));
      if (stopped.signal.aborted) return;
      if (Date.now() - startedAt > 4 * settings.sessionTimeoutMs) attempt = 1;
      log.warn({ group, attempt, reason }, 'A consumer of Kafka is replaced; it goes on where it stopped');
      await pause(pauseAfter(rejoin, attempt), stopped.signal);
    }
  }

  const living = live();
  return {
    async stop() {
      stopped.abort();
      await living;
    },
  };
}
