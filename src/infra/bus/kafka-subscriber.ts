import { once } from 'node:events';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { LoggedEvent } from '#contract';
import { pause, pauseAfter, type Backoff } from '../backoff.ts';
import type { Log } from '../log.ts';
import type { BusSubscription, SubscribeOptions } from './bus.ts';
import { fromRecord, topicOf } from './cloudevents.ts';
import { createKafkaClient } from './kafka-client.ts';
import { createPlaces, type Places } from './kafka-places.ts';
import type { KafkaTopics } from './kafka-topics.ts';
import type { KafkaSettings } from './kafka-url.ts';
import { createLanes, createSlots } from './lanes.ts';
import { handleUntilDone } from './until-done.ts';

/*
 * A member of a consumer group, kept alive:
 *
 *   joining ──▶ reading ──crash, stalled──▶ pausing ──▶ joining with a new consumer
 *   any ──stop──▶ events in hand done and committed, group left
 *
 * The events of a batch run in lanes, one per aggregate. The batch is over when each is done: handled, or kept by
 * `onPoisoned`; until then its partition waits, with heartbeats, and the group keeps its members. How far it has come is noted on the
 * way, as the place up to which every event is done: whatever place this member resolves or commits, everything before it has had its
 * effect. That is why a batch of before a rebalance may finish behind it: it can repeat events, it cannot skip any.
 *
 * Places are committed in the background. A member that dies, or loses a partition in the middle of a batch, leaves the events of its last
 * moment to be repeated, not the batch.
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

/** True if a consumer handles nothing for so long that it is worth asking whether events wait for it. */
export const looksStalled = ({ inHand, quietMs, sessionTimeoutMs }: Liveness): boolean => inHand === 0 && quietMs >= 2 * sessionTimeoutMs;

const rejoin: Backoff = { firstMs: 500, mostMs: 10_000 };
/** Attempts of kafkajs within one consumer before a new one takes over. */
const RETRIES = 8;
/** How long leaving the group may take where brokers do not answer. */
const LEAVE_MS = 5000;
/** Events handled at a time, and events of a batch begun and not done. */
const SIDE_BY_SIDE = 16;
const MOST_UNFINISHED = 1000;
/** How often it is noted how far a batch has come. */
const KEEP_MS = 200;
/** How often it is looked whether events in hand are done. */
const IN_HAND_MS = 5;

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
  let places: Places;
  /** Of the consumer at work: over where it is to be replaced. */
  let turn = new AbortController();
  const inSlot = createSlots(SIDE_BY_SIDE);
  const inSlots = { ...request, handle: (event: LoggedEvent) => inSlot(() => request.handle(event)) };

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
    const { topic, partition, messages } = payload.batch;
    const leave = new AbortController();
    const signal = AbortSignal.any([stopped.signal, turn.signal, leave.signal]);
    let place = Number(messages[0]?.offset ?? 0) - 1;
    const lanes = createLanes(place, MOST_UNFINISHED, (event) => handleUntilDone(event, { request: inSlots, backoff, log, signal }));
    const keepPlace = () => {
      const done = lanes.doneUpTo();
      if (done === place) return;
      place = done;
      handledAt = Date.now();
      payload.resolveOffset(String(done));
      places.note(topic, partition, done + 1);
    };
    // Not only behind the last event of a batch: it may have thousands, and the group may be shared out anew before that.
    const keep = setInterval(keepPlace, KEEP_MS);
    // A heartbeat that fails says that the partition may not be ours any more.
    const beat = setInterval(() => void payload.heartbeat().catch(() => leave.abort()), settings.sessionTimeoutMs / 10);
    inHand += 1;
    try {
      for (const message of messages) {
        if (signal.aborted || !payload.isRunning() || payload.isStale()) break;
        const event = eventOf(topic, message);
        if (event) await lanes.add(event, Number(message.offset));
        else lanes.readUpTo(Number(message.offset));
      }
      await lanes.idle();
    } finally {
      clearInterval(keep);
      clearInterval(beat);
      inHand -= 1;
      keepPlace();
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

  /** Waits for the brokers; how many partitions there are. */
  async function findPlaces(): Promise<number> {
    let partitions = 0;
    for (const name of names) partitions += await topics.ensure(name);
    if (request.from === 'end') await topics.startAtEnd(group, names);
    return partitions;
  }

  /** Joins, reads until something is wrong or `stop`, leaves. */
  async function readOnce(): Promise<string | null> {
    const partitions = await Promise.race([findPlaces(), stopping]);
    if (stopped.signal.aborted || typeof partitions !== 'number') return null;
    const client = createKafkaClient(settings, log, RETRIES);
    const consumer = client.kafka.consumer({
      groupId: group,
      sessionTimeout: settings.sessionTimeoutMs,
      heartbeatInterval: Math.max(100, settings.sessionTimeoutMs / 10),
      rebalanceTimeout: 2 * settings.sessionTimeoutMs,
      maxBytesPerPartition: 1 << 20,
      maxBytes: 5 << 20,
      // An event ends the wait: this is how long a broker with none keeps the question, and `stop` waits for it.
      maxWaitTimeInMs: 500,
      readUncommitted: false,
    });
    assigned = {};
    turn = new AbortController();
    places = createPlaces(consumer);
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      assigned = payload.memberAssignment;
      places.begin(assigned);
    });
    const crash = Promise.withResolvers<string>();
    consumer.on(consumer.events.CRASH, ({ payload }) => crash.resolve(`crashed: ${payload.error.message}`));
    const leave = async () => {
      turn.abort();
      while (inHand > 0) await pause(IN_HAND_MS);
      await Promise.race([places.close().then(() => consumer.disconnect().catch(() => {})), pause(LEAVE_MS)]);
      client.shut();
    };
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: names, fromBeginning: true });
      handledAt = Date.now();
      // A worker for each: a partition that waits for a failing event must not take one from the others.
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: partitions, eachBatch });
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
