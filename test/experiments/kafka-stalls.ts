import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggedEvent } from '#contract';
import { topicOf } from '../../src/infra/bus/cloudevents.ts';
import { openKafkaBus } from '../../src/infra/bus/kafka.ts';
import { createLog } from '../../src/infra/log.ts';
import { inStep, type KafkaCluster } from '../kit/kafka-cluster.ts';
import { eventsOf, verdict, type Verdict } from '../kit/kafka-verdict.ts';

/*
 * How long the stream of each key stalls when a broker dies (kill -9). Every key gets an event each 50 ms; after a kill, the
 * wait of a key is the time until the next event given to the bus is acknowledged, and until a reader has it.
 */

const KEYS = 12;

/** Waits in milliseconds, one for each key and kill. */
export interface Stalls extends Verdict {
  readonly acknowledged: number;
  readonly published: readonly number[];
  readonly read: readonly number[];
}

export async function stallsAfterKills(
  cluster: KafkaCluster,
  kills: number,
  settings: string,
  say: (text: string) => void,
): Promise<Stalls> {
  const type = `stall${randomUUID().slice(0, 6)}`;
  const bus = openKafkaBus(`kafka://${cluster.brokers}?${settings}`, { log: createLog('silent') });
  const [acknowledged, published, read]: [LoggedEvent[], number[], number[]] = [[], [], []];
  /** Since the last kill: when, and by key the waits so far. */
  let kill = { at: Number.POSITIVE_INFINITY, published: new Map<string, number>(), read: new Map<string, number>() };
  const given = new Map<string, number>();
  const note = (waits: 'published' | 'read', { id, aggregate }: LoggedEvent) => {
    const at = given.get(id) ?? 0;
    if (at >= kill.at && !kill[waits].has(aggregate.id)) kill[waits].set(aggregate.id, performance.now() - kill.at);
  };
  const subscription = await bus.subscribe({ group: type, aggregateTypes: [type], handle: async (event) => note('read', event) });

  let sending = true;
  async function send(): Promise<void> {
    const under: Promise<unknown>[] = [];
    for (let from = 0; sending; from += KEYS) {
      for (const event of eventsOf(type, from, KEYS, KEYS)) {
        given.set(event.id, performance.now());
        const sent = bus.publish([event]).then(() => {
          acknowledged.push(event);
          note('published', event);
        });
        under.push(sent);
      }
      await sleep(50);
    }
    await Promise.all(under);
  }

  const sent = send();
  await sleep(5000);
  for (let count = 0; count < kills; count += 1) {
    const id = cluster.ids[count % cluster.ids.length]!;
    await cluster.kill(id);
    kill = { at: performance.now(), published: new Map(), read: new Map() };
    const waited = () => (performance.now() - kill.at) / 1000;
    while ((kill.published.size < KEYS || kill.read.size < KEYS) && waited() < 60) await sleep(20);
    published.push(...kill.published.values());
    read.push(...kill.read.values());
    say(`  ${count + 1}/${kills} broker ${id}: acknowledged after ${ms(kill.published)}, read after ${ms(kill.read)}`);
    kill = { ...kill, at: Number.POSITIVE_INFINITY };
    await cluster.revive(id);
    await inStep(cluster);
  }
  sending = false;
  await sent;
  await subscription.stop();
  await bus.close();
  return { acknowledged: acknowledged.length, published, read, ...verdict(acknowledged, await cluster.readBack(topicOf(type))) };
}

const ms = (waits: ReadonlyMap<string, number>): string => `${Math.round(Math.max(...waits.values()))} ms`;

/** The value that a share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
