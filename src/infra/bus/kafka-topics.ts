import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { HubError } from '#contract';
import { pause, pauseAfter } from '../backoff.ts';
import type { Log } from '../log.ts';
import { createKafkaClient } from './kafka-client.ts';
import { configOf, DAY_MS, remedyOf, weaknesses } from './kafka-topic-demands.ts';
import type { KafkaSettings } from './kafka-url.ts';

/** What the bus asks of the cluster itself. */
export interface KafkaTopics {
  /** Number of partitions of the topic, made where it is missing; waits for the brokers. @throws HubError CLOSED */
  ensure(topic: string): Promise<number>;
  /** Places of a group that has never read: at the end of the topics. Nothing for a group that has. */
  startAtEnd(group: string, topics: readonly string[]): Promise<void>;
  /** How many records of these partitions, by topic, the group has not finished. */
  lag(group: string, assigned: Readonly<Record<string, readonly number[]>>): Promise<number>;
  /** True if a broker answers within two seconds. */
  reachable(): Promise<boolean>;
  /** What a person must do before a topic takes events; null if all do. */
  trouble(): string | null;
  close(): Promise<void>;
}

const backoff = { firstMs: 200, mostMs: 5000 };
/** Attempts between two complaints about the same: some minutes. */
const REMIND_EVERY = 40;

/** Topics and groups of a cluster. */
export function createKafkaTopics(settings: KafkaSettings, log: Log): KafkaTopics {
  const client = createKafkaClient(settings, log, 3);
  const closed = new AbortController();
  const known = new Map<string, Promise<number>>();
  /** What a person must do before a topic takes events, by topic. */
  const troubles = new Map<string, string>();
  let connecting: Promise<Admin> | null = null;

  async function admin(): Promise<Admin> {
    connecting ??= (async () => {
      const opened = client.kafka.admin();
      await opened.connect();
      return opened;
    })();
    try {
      return await connecting;
    } catch (error) {
      connecting = null;
      throw error;
    }
  }

  async function make(topic: string): Promise<number> {
    const cluster = await admin();
    const { replicationFactor, minInsyncReplicas, partitions: numPartitions, retentionDays } = settings;
    const configEntries = [
      { name: 'min.insync.replicas', value: String(minInsyncReplicas) },
      // A broker that lags behind must not become leader: published events would be gone.
      { name: 'unclean.leader.election.enable', value: 'false' },
      // Stated, for the broker's own default is a week; and every event counts, not only the last of each application.
      { name: 'retention.ms', value: String(retentionDays * DAY_MS) },
      { name: 'cleanup.policy', value: 'delete' },
    ];
    const existing = await cluster.listTopics();
    if (!existing.includes(topic))
      await cluster.createTopics({ topics: [{ topic, numPartitions, replicationFactor, configEntries }], waitForLeaders: true });
    const metadata = await cluster.fetchTopicMetadata({ topics: [topic] });
    const partitions = metadata.topics[0]?.partitions ?? [];
    if (partitions.length === 0) throw new HubError('BUS_UNAVAILABLE', `The topic ${topic} has no partitions yet.`, { retryable: true });
    const copies = Math.min(...partitions.map((partition) => partition.replicas.length));
    for (const weakness of weaknesses({ copies, ...(await configOf(cluster, topic)) }, settings)) log.warn({ topic }, weakness);
    return partitions.length;
  }

  async function makeWhenPossible(topic: string): Promise<number> {
    for (let attempt = 1; !closed.signal.aborted; attempt += 1) {
      try {
        const partitions = await make(topic);
        troubles.delete(topic);
        return partitions;
      } catch (error) {
        const remedy = remedyOf(error);
        if (remedy) troubles.set(topic, remedy);
        if (!remedy) log.warn({ topic, attempt, err: error }, 'A topic cannot be reached yet');
        // Someone must act; to be reminded now and then is enough.
        else if (attempt % REMIND_EVERY === 1) log.error({ topic, attempt }, remedy);
        await pause(pauseAfter(backoff, attempt), closed.signal);
      }
    }
    throw new HubError('CLOSED', 'The bus was closed.', { retryable: true });
  }

  async function committed(group: string, topics: readonly string[]) {
    const cluster = await admin();
    const offsets = await cluster.fetchOffsets({ groupId: group, topics: [...topics] });
    return new Map(
      offsets.flatMap(({ topic, partitions }) => partitions.map((p) => [`${topic}/${p.partition}`, BigInt(p.offset)] as const)),
    );
  }

  return {
    ensure(topic) {
      let count = known.get(topic);
      if (!count) {
        count = makeWhenPossible(topic);
        known.set(topic, count);
        count.catch(() => known.delete(topic));
      }
      return count;
    },
    async startAtEnd(group, topics) {
      const places = await committed(group, topics);
      if ([...places.values()].some((offset) => offset >= 0n)) return;
      const cluster = await admin();
      for (const topic of topics) {
        const ends = await cluster.fetchTopicOffsets(topic);
        await cluster.setOffsets({ groupId: group, topic, partitions: ends.map(({ partition, high }) => ({ partition, offset: high })) });
      }
    },
    async lag(group, assigned) {
      const places = await committed(group, Object.keys(assigned));
      const cluster = await admin();
      let behind = 0n;
      for (const [topic, own] of Object.entries(assigned)) {
        for (const { partition, low, high } of await cluster.fetchTopicOffsets(topic)) {
          if (!own.includes(partition)) continue;
          const place = places.get(`${topic}/${partition}`) ?? -1n;
          behind += BigInt(high) - (place < 0n ? BigInt(low) : place);
        }
      }
      return Number(behind);
    },
    async reachable() {
      const answer = admin().then((cluster) => cluster.describeCluster());
      return Promise.race([
        answer.then(
          () => true,
          () => false,
        ),
        sleep(2000, false, { ref: false }),
      ]);
    },
    trouble: () => [...troubles.values()][0] ?? null,
    async close() {
      closed.abort();
      client.shut();
      const opened = await connecting?.catch(() => null);
      await opened?.disconnect();
    },
  };
}
