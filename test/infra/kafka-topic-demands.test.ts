import { describe, expect, test } from 'vitest';
import { remedyOf, weaknesses } from '../../src/infra/bus/kafka-topic-demands.ts';

const asked = { replicationFactor: 3, minInsyncReplicas: 2, retentionDays: 30 };
const day = 86_400_000;
const kept = { copies: 3, minInsyncReplicas: 2, uncleanElection: false, retentionMs: 30 * day, compacted: false };

describe('what a topic promises', () => {
  test.each([
    [kept, []],
    [{ ...kept, copies: 1 }, ['fewer copies (1) than BUS_URL asks for (3)']],
    [{ ...kept, minInsyncReplicas: 1 }, ['with 1 of its copies, BUS_URL asks for 2']],
    [{ ...kept, uncleanElection: true }, ['unclean.leader.election.enable=false']],
    [{ copies: 3, minInsyncReplicas: null, uncleanElection: null, retentionMs: null, compacted: null }, []],
    [{ ...kept, retentionMs: -1 }, []],
    [{ ...kept, retentionMs: 7 * day }, ['for 7 days, BUS_URL asks for 30']],
    [{ ...kept, compacted: true }, ['cleanup.policy=delete']],
    [{ ...kept, copies: 2, minInsyncReplicas: 1, uncleanElection: true }, ['(2)', 'with 1', 'unclean']],
  ])('%o: %j', (promises, parts) => {
    const found = weaknesses(promises, asked);
    expect(found.length).toBe(parts.length);
    for (const [i, part] of parts.entries()) expect(found[i]).toContain(part);
  });
});

describe('what a person must do about a refusal', () => {
  const typed = (type: string) => Object.assign(new Error('x'), { type });
  test.each([
    [typed('INVALID_REPLICATION_FACTOR'), 'start more brokers'],
    [Object.assign(new Error('several'), { errors: [typed('UNKNOWN'), typed('TOPIC_AUTHORIZATION_FAILED')] }), 'allow the account'],
    [new Error('gave up', { cause: typed('CLUSTER_AUTHORIZATION_FAILED') }), 'allow Create'],
    [Object.assign(new Error('refused'), { name: 'KafkaJSSASLAuthenticationError' }), 'user and password'],
  ])('%s', (error, part) => {
    expect(remedyOf(error)).toContain(part);
  });

  test('nothing about what time may repair, and a cause in a circle ends', () => {
    const circle = new Error('a');
    circle.cause = circle;
    for (const error of [new Error('ECONNREFUSED'), typed('REQUEST_TIMED_OUT'), circle, 'text', null]) expect(remedyOf(error)).toBeNull();
  });
});
