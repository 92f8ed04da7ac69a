import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { openKafkaBus } from '../../src/infra/bus/kafka.ts';
import { createLog } from '../../src/infra/log.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { newPostgresDatabase, newSqliteDatabase } from '../kit/databases.ts';
import type { KafkaCluster } from '../kit/kafka-cluster.ts';
import { eventsOf } from '../kit/kafka-verdict.ts';

/*
 * Two members share a group while events flow. One after the other is killed (kill -9) and started again; a third joins and
 * leaves, so that the group is shared out anew each time. In the end every event must have had its effect exactly once, each
 * aggregate's in order, however often it came.
 */

export interface ConsumerOutcome {
  readonly store: Store['dialect'];
  readonly published: number;
  /** How often events came beyond their first time: what the inbox kept from having an effect again. */
  readonly repeated: number;
  readonly effects: number;
  readonly missing: number;
  readonly twice: number;
  readonly outOfOrder: number;
}

export async function consumersDie(
  cluster: KafkaCluster,
  kills: number,
  rebalances: number,
  say: (text: string) => void,
): Promise<ConsumerOutcome> {
  const server = process.env['TEST_POSTGRES_URL'];
  const database = server ? await newPostgresDatabase(server) : newSqliteDatabase();
  const store = await openStore(database.url);
  const serial = store.dialect === 'postgres' ? 'bigserial primary key' : 'integer primary key autoincrement';
  await sql
    .raw(`create table effect (place ${serial}, event_id text not null, aggregate text not null, seq bigint not null)`)
    .execute(store.db);
  await sql`create table arrival (event_id text not null)`.execute(store.db);

  const type = `member${randomUUID().slice(0, 6)}`;
  const url = `kafka://${cluster.brokers}?sessionTimeoutMs=4000`;
  const env = { ...process.env, BUS_URL: url, STORE_URL: database.url, GROUP: type, TYPE: type };
  const begin = () => spawn(process.execPath, ['test/experiments/kafka-member.ts'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const end = async (member: ChildProcess, signal: NodeJS.Signals) => {
    const gone = new Promise((resolve) => member.once('exit', resolve));
    member.kill(signal);
    await gone;
  };

  const bus = openKafkaBus(url, { log: createLog('silent') });
  let [sending, published] = [true, 0];
  async function send(): Promise<void> {
    for (; sending; published += 10) {
      await bus.publish(eventsOf(type, published, 10));
      await sleep(50);
    }
  }
  const sent = send();
  const members = [begin(), begin()];
  await sleep(5000);
  for (let turn = 0; turn < Math.max(kills, rebalances); turn += 1) {
    if (turn < kills) {
      await end(members[turn % 2]!, 'SIGKILL');
      members[turn % 2] = begin();
      await sleep(1000 + Math.random() * 3000);
    }
    if (turn < rebalances) {
      const third = begin();
      await sleep(1500 + Math.random() * 1500);
      await end(third, 'SIGTERM');
      await sleep(Math.random() * 1500);
    }
    say(`  ${turn + 1} of ${Math.max(kills, rebalances)} turns, ${published} events published`);
  }
  sending = false;
  await sent;
  const count = async (what: string) => {
    const { rows } = await sql.raw<{ n: number }>(`select count(*) as n from ${what}`).execute(store.db);
    return rows[0]?.n ?? 0;
  };
  const distinct = '(select distinct event_id from effect) x';
  for (let waited = 0; (await count(distinct)) < published && waited < 120; waited += 1) await sleep(500);
  for (const member of members) await end(member, 'SIGTERM');
  const effects = await count('effect');
  const outcome = {
    store: store.dialect,
    published,
    repeated: (await count('arrival')) - (await count('(select distinct event_id from arrival) x')),
    effects,
    missing: published - (await count(distinct)),
    twice: effects - (await count(distinct)),
    outOfOrder: await count(
      'effect a where exists (select 1 from effect b where b.aggregate = a.aggregate and b.place < a.place and b.seq > a.seq)',
    ),
  };
  await bus.close();
  await store.close();
  await database.remove();
  return outcome;
}
