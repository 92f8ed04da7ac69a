import { setTimeout as sleep } from 'node:timers/promises';
import { HubError, type LoggedEvent } from '#contract';
import { pause, type Backoff } from '../backoff.ts';
import type { Log } from '../log.ts';
import type { Bus, BusSubscription, GroupLag, SubscribeOptions } from './bus.ts';
import { defaultSource, inboxTopicOf, topicOf } from './cloudevents.ts';
import { createKafkaPublisher } from './kafka-publisher.ts';
import { subscribeToKafka } from './kafka-subscriber.ts';
import { createKafkaTopics, type KafkaTopics } from './kafka-topics.ts';
import { parseKafkaUrl } from './kafka-url.ts';

/** What the Kafka bus needs beyond its URL. */
export interface KafkaBusOptions {
  readonly log: Log;
  /** `source` of published events (CloudEvents), a URI. @default urn:staedtebund:hub */
  readonly source?: string;
  /** Between attempts at an event that fails. @default 200 ms to 30 s */
  readonly backoff?: Backoff;
}

/** How long `subscribe` waits to fix the end of a topic where brokers do not answer. */
const END_MS = 10_000;
/** How long events may wait for brokers that answer before somebody should look, in milliseconds. */
const STALLED_MS = 10_000;

const stalled = (ms: number, copies: number): string =>
  `Kafka answers, and has taken no event of a partition for ${Math.round(ms / 1000)} seconds: fewer than ${copies} of its copies are there, or it has no leader; start the brokers that are away; until then events wait in the log`;

/** How long the brokers may take to say how far a group has come. */
const LAG_MS = 2000;

/**
 * A bus on Apache Kafka, for a URL as in kafka-url.ts. Returns at once, even if no broker answers: publishing waits and
 * subscriptions join when there is one.
 * @throws HubError CONFIG_INVALID
 */
export function openKafkaBus(
  url: string,
  { log, source = defaultSource, backoff = { firstMs: 200, mostMs: 30_000 } }: KafkaBusOptions,
): Bus {
  const settings = parseKafkaUrl(url);
  const topics = createKafkaTopics(settings, log);
  const publisher = createKafkaPublisher(settings, topics, source, log);
  const subscriptions = new Map<BusSubscription, SubscribeOptions>();
  const ownTopic = (event: LoggedEvent) => topicOf(event.aggregate.type);
  return {
    kind: 'kafka',
    publish: (events) => publisher.publish('log', events, ownTopic),
    inboxes: {
      ensure: async (city) => void (await topics.ensure(inboxTopicOf(city))),
      publish: (city, events) => publisher.publish(city, events, () => inboxTopicOf(city)),
    },
    lag: () => Promise.all([...subscriptions.values()].map((request) => lagOf(topics, request))),
    async subscribe(asked) {
      const request = { ...asked, group: `${settings.groupPrefix}${asked.group}` };
      const names = request.aggregateTypes.map(topicOf);
      const atEnd = async () => {
        for (const name of names) await topics.ensure(name);
        await topics.startAtEnd(request.group, names);
      };
      // The end at this moment, where the brokers answer; otherwise the end when they do.
      if (request.from === 'end') await Promise.race([atEnd().catch(() => {}), pause(END_MS)]);
      const running = subscribeToKafka({ settings, topics, log, backoff }, request);
      const subscription: BusSubscription = {
        async stop() {
          subscriptions.delete(subscription);
          await running.stop();
        },
      };
      subscriptions.set(subscription, request);
      return subscription;
    },
    check: () => topics.reachable(),
    trouble() {
      const stalledMs = publisher.stalledMs();
      // A new leader is found sooner than that.
      const isStalled = stalledMs > Math.max(STALLED_MS, 3 * settings.requestTimeoutMs);
      return topics.trouble() ?? (isStalled ? stalled(stalledMs, settings.minInsyncReplicas) : null);
    },
    async close() {
      const stopping = [...subscriptions.keys()].map((subscription) => subscription.stop());
      await Promise.all([...stopping, publisher.close(), topics.close()]);
    },
  };
}

async function lagOf(topics: KafkaTopics, { group, aggregateTypes }: SubscribeOptions): Promise<GroupLag> {
  async function ask(): Promise<number> {
    const partitions = await Promise.all(
      aggregateTypes.map(topicOf).map(async (topic) => {
        const count = await topics.ensure(topic);
        return [topic, Array.from({ length: count }, (_, partition) => partition)] as const;
      }),
    );
    return topics.lag(group, Object.fromEntries(partitions));
  }
  const answer = ask();
  // Where it comes too late, its failure is nobody's.
  answer.catch(() => {});
  const events = await Promise.race([answer, sleep(LAG_MS, null, { ref: false })]);
  if (events === null) throw new HubError('BUS_UNAVAILABLE', `Kafka did not say how far the group ${group} has come.`, { retryable: true });
  return { group, events };
}
