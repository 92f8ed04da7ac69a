import kafkajs, { type Admin } from 'kafkajs';
import type { KafkaSettings } from './kafka-url.ts';

/*
 * What the hub demands of a topic, and in which words it complains. Where the cluster refuses, nothing is published and events
 * wait in the log; where a topic that is there promises less than the settings, events flow and the log says what is at risk.
 */

/** What a topic promises; null if the account may not ask. */
export interface TopicPromises {
  /** Of the partition with the fewest. */
  readonly copies: number;
  readonly minInsyncReplicas: number | null;
  readonly uncleanElection: boolean | null;
  /** For how long it keeps events, in milliseconds; -1 for ever. */
  readonly retentionMs: number | null;
  readonly compacted: boolean | null;
}

export const DAY_MS = 86_400_000;

/** One sentence for each promise that is below the settings. */
export function weaknesses(
  { copies, minInsyncReplicas, uncleanElection, retentionMs, compacted }: TopicPromises,
  settings: Pick<KafkaSettings, 'replicationFactor' | 'minInsyncReplicas' | 'retentionDays'>,
): string[] {
  const found: string[] = [];
  if (copies < settings.replicationFactor)
    found.push(
      `A topic has fewer copies (${copies}) than BUS_URL asks for (${settings.replicationFactor}): raise them with kafka-reassign-partitions`,
    );
  if (minInsyncReplicas !== null && minInsyncReplicas < settings.minInsyncReplicas)
    found.push(
      `A topic takes an event for published with ${minInsyncReplicas} of its copies, BUS_URL asks for ${settings.minInsyncReplicas}: set min.insync.replicas with kafka-configs`,
    );
  if (uncleanElection)
    found.push('A topic may elect a leader that lacks published events: set unclean.leader.election.enable=false with kafka-configs');
  if (retentionMs !== null && retentionMs >= 0 && retentionMs < settings.retentionDays * DAY_MS)
    found.push(
      `A topic keeps events for ${Math.floor(retentionMs / DAY_MS)} days, BUS_URL asks for ${settings.retentionDays}: set retention.ms with kafka-configs, or readers that come later lack events`,
    );
  if (compacted) found.push('A topic keeps only the last event of each application or case: set cleanup.policy=delete with kafka-configs');
  return found;
}

const numberOf = (text: string | undefined): number | null => (text === undefined || Number.isNaN(Number(text)) ? null : Number(text));

/** The promises that stand in a topic's configuration. */
export async function configOf(admin: Admin, topic: string): Promise<Omit<TopicPromises, 'copies'>> {
  const configNames = ['min.insync.replicas', 'unclean.leader.election.enable', 'retention.ms', 'cleanup.policy'];
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames }],
    });
    const value = (name: string) => resources[0]?.configEntries.find((entry) => entry.configName === name)?.configValue;
    const unclean = value('unclean.leader.election.enable');
    return {
      minInsyncReplicas: numberOf(value('min.insync.replicas')),
      uncleanElection: unclean === undefined ? null : unclean === 'true',
      retentionMs: numberOf(value('retention.ms')),
      compacted: value('cleanup.policy')?.includes('compact') ?? null,
    };
  } catch {
    // DescribeConfigs is a right that the hub can do without.
    return { minInsyncReplicas: null, uncleanElection: null, retentionMs: null, compacted: null };
  }
}

const remedies: Readonly<Record<string, string>> = {
  INVALID_REPLICATION_FACTOR:
    'The Kafka cluster has fewer brokers than BUS_URL asks copies of each topic: start more brokers, or set replicationFactor and minInsyncReplicas in BUS_URL; until then events wait in the log',
  TOPIC_AUTHORIZATION_FAILED:
    "The hub's Kafka account may not make, see or write a topic: make the topic, or allow the account to (docs/reference/kafka.md); until then events wait in the log",
  CLUSTER_AUTHORIZATION_FAILED:
    "The hub's Kafka account may not make topics: make them, or allow Create on the prefix staedtebund. (docs/reference/kafka.md); until then events wait in the log",
  SASL_AUTHENTICATION_FAILED:
    'Kafka refused user and password of BUS_URL: check both, and mechanism (plain, scram-sha-256, scram-sha-512); until then events wait in the log',
  POLICY_VIOLATION:
    'A policy of the Kafka cluster forbids a topic as BUS_URL asks for it: change partitions, replicationFactor or minInsyncReplicas, or make the topic yourself; until then events wait in the log',
};

/** What a person must do about an error, in one sentence; null if time may repair it. */
export function remedyOf(error: unknown): string | null {
  for (const one of partsOf(error)) {
    const remedy = remedies[one];
    if (remedy) return remedy;
  }
  return null;
}

/** Types of protocol errors in an error of kafkajs, which wraps them: in its cause, or in a list where a call had several parts. */
function partsOf(error: unknown, depth = 0): readonly string[] {
  if (!(error instanceof Error) || depth > 4) return [];
  const own = 'type' in error && typeof error.type === 'string' ? [error.type] : [];
  const inner: unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  // A wrong password comes as a class of its own, without a type.
  if (error.name === 'KafkaJSSASLAuthenticationError') own.push('SASL_AUTHENTICATION_FAILED');
  return [...own, ...[error.cause, ...inner].flatMap((one) => partsOf(one, depth + 1))];
}
