import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { Kafka, logLevel, type AclOperationTypes, type AclResourceTypes } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoggedEvent, RegionalKey } from '#contract';
import { inboxTopicOf, topicOf } from '../../src/infra/bus/cloudevents.ts';
import type { Bus } from '../../src/infra/bus/bus.ts';
import { openKafkaBus } from '../../src/infra/bus/kafka.ts';
import { createLog } from '../../src/infra/log.ts';
import { startCluster, type KafkaCluster } from '../kit/kafka-cluster.ts';
import { sampleEvent } from '../kit/sample-event.ts';
import { describeWithService } from '../kit/services.ts';

/*
 * A broker with KRaft's StandardAuthorizer and the ACLs of docs/how-to/kafka-accounts.md: the hub may write everything, a city's
 * account reads its own inbox with its own group, and nothing else.
 */

const passwords = { admin: 'admin-secret', hub: 'hub-secret', 'city-a': 'a-secret', 'city-b': 'b-secret', stranger: 'stranger-secret' };
type Account = keyof typeof passwords;
const saslOf = (account: Account) => ({ mechanism: 'scram-sha-512', username: account, password: passwords[account] }) as const;
const { AclOperationTypes: operation, AclPermissionTypes: permission, AclResourceTypes: resource, ResourcePatternTypes: pattern } = kafkajs;
const acl = {
  topic: resource.TOPIC,
  group: resource.GROUP,
  literal: pattern.LITERAL,
  prefixed: pattern.PREFIXED,
  allow: permission.ALLOW,
  create: operation.CREATE,
  describe: operation.DESCRIBE,
  describeConfigs: operation.DESCRIBE_CONFIGS,
  read: operation.READ,
  write: operation.WRITE,
} as const;
const [cityA, cityB] = ['051110000000', '053150000000'] as [RegionalKey, RegionalKey];
const patience = { timeout: 25_000, interval: 50 };

// The folder is not used, but where it is named there is a Java to start another broker with.
describeWithService('kafkaCluster', 'accounts on a broker that checks them', () => {
  let cluster: KafkaCluster;
  let stop: () => Promise<void>;
  let hub: Bus;
  const complaints: string[] = [];
  const urlOf = (account: Account) =>
    `kafka://${account}:${passwords[account]}@${cluster.brokers}?replicationFactor=1&minInsyncReplicas=1&partitions=2&sessionTimeoutMs=6000`;
  const log = createLog('error', { write: (line) => void complaints.push(line) });

  type Rule = readonly [Account, AclResourceTypes, string, 'literal' | 'prefixed', ...AclOperationTypes[]];
  const rules: readonly Rule[] = [
    ['hub', acl.topic, 'staedtebund.', 'prefixed', acl.create, acl.describe, acl.describeConfigs, acl.read, acl.write],
    ['hub', acl.group, '*', 'literal', acl.read, acl.describe],
    ['city-a', acl.topic, inboxTopicOf(cityA), 'literal', acl.read, acl.describe],
    ['city-a', acl.group, `${cityA}.`, 'prefixed', acl.read],
    ['city-b', acl.topic, inboxTopicOf(cityB), 'literal', acl.read, acl.describe],
    ['city-b', acl.group, `${cityB}.`, 'prefixed', acl.read],
  ];

  beforeAll(async () => {
    const users = Object.entries(passwords).map(([name, password]) => `${name}:${password}`);
    const started = await startCluster({ brokers: 1, users });
    ({ cluster, stop } = started);
    const admin = new Kafka({ brokers: cluster.brokers.split(','), sasl: saslOf('admin'), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createAcls({
      acl: rules.flatMap(([account, resourceType, resourceName, pattern, ...operations]) =>
        operations.map((operation) => ({
          principal: `User:${account}`,
          host: '*',
          permissionType: acl.allow,
          resourceType,
          resourceName,
          resourcePatternType: pattern === 'literal' ? acl.literal : acl.prefixed,
          operation,
        })),
      ),
    });
    await admin.disconnect();
    hub = openKafkaBus(urlOf('hub'), { log });
  }, 240_000);
  afterAll(async () => {
    await hub?.close();
    await stop?.();
  });

  const event = (id: string): LoggedEvent => ({ ...sampleEvent({ type: 'case.opened' }), seq: 1, aggregate: { type: 'case', id } });

  /** Reads as a city's own software would; the events' ids, or the type of Kafka's refusal. */
  async function read(account: Account, topic: string, groupId: string, count: number): Promise<string[] | string> {
    const kafka = new Kafka({
      brokers: cluster.brokers.split(','),
      sasl: saslOf(account),
      logLevel: logLevel.NOTHING,
      retry: { retries: 3 },
    });
    const consumer = kafka.consumer({ groupId, sessionTimeout: 6000, retry: { retries: 6, restartOnFailure: async () => false } });
    const crashed = new Promise<string>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(typeOf(payload.error)));
    });
    const seen: string[] = [];
    const reading = (async () => {
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.headers?.['ce_id'])) });
      while (seen.length < count) await sleep(20);
      return seen;
    })().catch(typeOf);
    const result = await Promise.race([reading, crashed]);
    await consumer.disconnect();
    // A broker that has just made its topic of groups: not a refusal.
    return result === 'GROUP_LOAD_IN_PROGRESS' ? read(account, topic, groupId, count) : result;
  }

  test('the hub makes and writes every topic; each city reads its own inbox', async () => {
    const [forA, forB, open] = [event('a'), event('b'), event('c')];
    await Promise.all([hub.inboxes!.publish(cityA, [forA]), hub.inboxes!.publish(cityB, [forB]), hub.publish([open])]);
    expect(await read('city-a', inboxTopicOf(cityA), `${cityA}.back-office`, 1)).toEqual([forA.id]);
    expect(await read('city-b', inboxTopicOf(cityB), `${cityB}.back-office`, 1)).toEqual([forB.id]);
    const seen: string[] = [];
    await hub.subscribe({ group: 'hub', aggregateTypes: ['case'], handle: async ({ id }) => void seen.push(id) });
    await expect.poll(() => seen, patience).toEqual([open.id]);
    expect(complaints).toEqual([]);
  });

  test.each([
    ['another city`s inbox', 'city-a', inboxTopicOf(cityB), `${cityA}.back-office`, /TOPIC_AUTHORIZATION_FAILED|UNKNOWN_TOPIC/],
    ['the topic of all cases', 'city-a', topicOf('case'), `${cityA}.back-office`, /TOPIC_AUTHORIZATION_FAILED|UNKNOWN_TOPIC/],
    [
      'its own inbox with another city`s group',
      'city-a',
      inboxTopicOf(cityA),
      `${cityB}.back-office`,
      /GROUP_AUTHORIZATION_FAILED|GroupCoordinatorNotFound/,
    ],
    ['anything, as a stranger', 'stranger', inboxTopicOf(cityA), `${cityA}.back-office`, /AUTHORIZATION_FAILED|UNKNOWN_TOPIC/],
  ] as const)('a city does not read %s', async (_what, account, topic, group, refusal) => {
    expect(await read(account, topic, group, 1)).toMatch(refusal);
  });

  test('a city writes nowhere, not even into its own inbox', async () => {
    const kafka = new Kafka({
      brokers: cluster.brokers.split(','),
      sasl: saslOf('city-a'),
      logLevel: logLevel.NOTHING,
      retry: { retries: 1 },
    });
    const producer = kafka.producer();
    await producer.connect();
    for (const topic of [inboxTopicOf(cityA), inboxTopicOf(cityB), topicOf('case')]) {
      const sent = await producer.send({ topic, messages: [{ value: 'x' }] }).then(() => 'sent', typeOf); // prettier-ignore
      expect(sent).toMatch(/TOPIC_AUTHORIZATION_FAILED|UNKNOWN_TOPIC/);
    }
    await producer.disconnect();
  });

  test.each([
    ['a wrong password', () => urlOf('hub').replace('hub-secret', 'wrong'), 'refused user and password'],
    ['an account that may make no topic', () => urlOf('stranger'), 'may not make'],
    ['more copies than brokers', () => urlOf('hub').replace('replicationFactor=1', 'replicationFactor=3'), 'start more brokers'],
  ])('%s is told apart, with the remedy, and publishing waits', async (_what, url, sentence) => {
    const lines: string[] = [];
    const bus = openKafkaBus(url(), { log: createLog('error', { write: (line) => void lines.push(line) }) });
    const fresh = { ...event('x'), aggregate: { type: `t${crypto.randomUUID().slice(0, 8)}`, id: 'x' } };
    const published = bus.publish([fresh]).then(
      () => 'published',
      () => 'closed',
    );
    await expect.poll(() => lines.join(), patience).toContain(sentence);
    expect(lines.join()).not.toMatch(/secret|wrong/);
    expect(await Promise.race([published, sleep(100, 'waits')])).toBe('waits');
    await bus.close();
    expect(await published).toBe('closed');
  });
});

/** The type of the protocol error in what kafkajs throws. */
function typeOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) if ('type' in one && typeof one.type === 'string') return one.type;
  return String(error);
}
