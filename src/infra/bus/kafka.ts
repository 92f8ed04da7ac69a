import { pause, type Backoff } from '../backoff.ts';
import type { Log } from '../log.ts';
import type { Bus, BusSubscription } from './bus.ts';
import { defaultSource, topicOf } from './cloudevents.ts';
import { createKafkaPublisher } from './kafka-publisher.ts';
import { subscribeToKafka } from './kafka-subscriber.ts';
import { createKafkaTopics } from './kafka-topics.ts';
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

/**
 * A bus on Apache Kafka, for a URL as in kafka-url.ts. Returns at once, also where no broker answers: publishing waits and
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
  const subscriptions = new Set<BusSubscription>();
  return {
    kind: 'kafka',
    publish: (events) => publisher.publish(events),
    async subscribe(request) {
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
      subscriptions.add(subscription);
      return subscription;
    },
    check: () => topics.reachable(),
    async close() {
      const stopping = [...subscriptions].map((subscription) => subscription.stop());
      await Promise.all([...stopping, publisher.close(), topics.close()]);
    },
  };
}
