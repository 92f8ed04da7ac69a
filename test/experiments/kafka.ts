import { parseArgs } from 'node:util';
import { startCluster, type KafkaCluster } from '../kit/kafka-cluster.ts';
import { consumersDie } from './kafka-consumers.ts';
import { leadersMove } from './kafka-leaders.ts';
import { brokersGone } from './kafka-outage.ts';
import { percentile, stallsAfterKills } from './kafka-stalls.ts';

/*
 * What becomes of events when Kafka breaks, on a real cluster of three brokers that is started and ended here (Java 17, and
 * Maven for the first time):
 *
 *   node test/experiments/kafka.ts [--only leaders|outage|consumers|stalls] [--rate 100] [--small] [--default-brokers]
 *
 * --rate <number>    submissions a second while every broker is gone, where the machine cannot do a hundred
 * --small            minutes instead of half an hour
 * --default-brokers  the brokers' own time-outs instead of the short ones of docs/reference/kafka.md: longer stalls
 *
 * Consumers and the hub use PostgreSQL where TEST_POSTGRES_URL names a server, else SQLite. RESULTS.md keeps what was found.
 */

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rate: { type: 'string' },
    small: { type: 'boolean', default: false },
    'default-brokers': { type: 'boolean', default: false },
  },
});
const small = values.small;
const say = (text: string) => console.log(text);
const wants = (name: string) => values.only === undefined || values.only === name;

/** As docs/reference/kafka.md recommends. */
const shortTimeouts = [
  'broker.session.timeout.ms=2000',
  'broker.heartbeat.interval.ms=500',
  'controller.quorum.election.timeout.ms=500',
  'controller.quorum.fetch.timeout.ms=1000',
];

let failed = false;
const must = (holds: boolean) => {
  failed ||= !holds;
};

async function leaders(cluster: KafkaCluster): Promise<void> {
  const plan = small ? { events: 20_000, rate: 500, freezeMs: 10_000 } : { events: 100_000, rate: 700, freezeMs: 20_000 };
  say(`Leaders move while ${plan.events} events are published`);
  const { outcomes, kills, freezes } = await leadersMove(cluster, plan);
  say(`  ${kills} × kill -9, ${freezes} × SIGSTOP for ${plan.freezeMs / 1000} s`);
  for (const { way, acknowledged, lost, outOfOrder, duplicates } of outcomes)
    say(`  ${way}: ${acknowledged} acknowledged, ${lost} lost, ${outOfOrder} out of order, ${duplicates} twice in the log`);
  const [rule] = outcomes;
  must(rule !== undefined && rule.acknowledged >= plan.events && rule.lost === 0 && rule.outOfOrder === 0);
}

async function outage(cluster: KafkaCluster): Promise<void> {
  const [seconds, rate] = small ? [15, Number(values.rate ?? 50)] : [60, Number(values.rate ?? 100)];
  say(`Every broker is gone for ${seconds} s, ${rate} submissions a second`);
  const seen = await brokersGone(cluster, seconds, rate);
  const rejected = [...seen.rejected.values()].reduce((sum, count) => sum + count, 0);
  const reasons = rejected === 0 ? '' : ` (${[...seen.rejected].map(([why, count]) => `${count} × ${why}`).join(', ')})`;
  say(
    `  ${seen.submitted} submitted at ${seen.perSecond.toFixed(0)}/s (p99 ${seen.p99Ms.toFixed(0)} ms), ${rejected} rejected${reasons}; ${seen.events} events, ${seen.lost} lost, ${seen.outOfOrder} out of order, ${seen.duplicates} twice; drained ${(seen.drainedMs / 1000).toFixed(1)} s after the brokers' return`,
  );
  must(rejected === 0 && seen.lost === 0 && seen.outOfOrder === 0 && seen.drainedMs <= 30_000);
}

async function consumers(cluster: KafkaCluster): Promise<void> {
  const count = small ? 4 : 20;
  say(`${count} × kill -9 of a consumer, ${count} × the group shared out anew`);
  const seen = await consumersDie(cluster, count, count, say);
  say(
    `  ${seen.published} events on ${seen.store}, ${seen.repeated} deliveries beyond the first; ${seen.effects} effects, ${seen.missing} missing, ${seen.twice} twice, ${seen.outOfOrder} out of order`,
  );
  must(seen.missing === 0 && seen.twice === 0 && seen.outOfOrder === 0);
}

async function stalls(cluster: KafkaCluster): Promise<void> {
  const kills = small ? 3 : 20;
  say(`${kills} × kill -9 of a broker: how long each key waits`);
  const seen = await stallsAfterKills(cluster, kills, 'requestTimeoutMs=3000&sessionTimeoutMs=6000', say);
  const row = (waits: readonly number[]) =>
    [0.5, 0.9, 0.99, 1].map((share) => `${(percentile(waits, share) / 1000).toFixed(1)} s`).join(', ');
  say(`  p50, p90, p99, longest until acknowledged: ${row(seen.published)}; until read: ${row(seen.read)}`);
  say(`  ${seen.acknowledged} acknowledged, ${seen.lost} lost, ${seen.outOfOrder} out of order, ${seen.duplicates} twice in the log`);
  must(seen.lost === 0 && seen.outOfOrder === 0);
  if (!values['default-brokers']) must(percentile(seen.published, 0.99) <= 5000);
}

const properties = values['default-brokers'] ? [] : shortTimeouts;
const { cluster, stop } = await startCluster({ brokers: 3, properties });
// Who interrupts it leaves no brokers behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop().finally(() => process.exit(130)));
try {
  for (const [name, experiment] of Object.entries({ leaders, outage, consumers, stalls })) {
    if (!wants(name)) continue;
    const began = Date.now();
    await experiment(cluster);
    say(`  ${((Date.now() - began) / 1000).toFixed(0)} s`);
  }
} finally {
  await stop();
}
say(failed ? 'NOT as it must be' : 'As it must be');
process.exit(failed ? 1 : 0);
