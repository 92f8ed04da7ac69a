import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { sql } from 'kysely';
import type { RegionalKey } from '#contract';
import { applicationKey } from '../src/gateway/ids.ts';
import { openStore } from '../src/infra/store/open-store.ts';
import { newPostgresDatabase, newSqliteDatabase, type OwnDatabase } from '../test/kit/databases.ts';
import { ask } from '../test/kit/samples.ts';
import { startChild, type Child } from './child.ts';
import type { StatementTimes } from './growth-hub.ts';
import type { Changing, Offices } from './growth-offices.ts';
import { createCopying, readAll, writeCase } from './growth-rows.ts';
import { away, clients, idle, polled, settle, sides, takes, underWay, works, type Grown } from './growth-works.ts';
import { describeMachine } from './machine.ts';
import { renderRun, writeResults, type Table } from './results.ts';
import { measure, type Contender, type Plan } from './rounds.ts';
import { bodyFor } from './submission.ts';

/*
 * What becomes of the hub when its store grows: the same work on an empty store and on ones that hold finished applications,
 * side by side, as ratios to the empty one:
 *
 *   node bench/growth.ts [--sizes 0,250000,1000000] [--only sqlite|postgres] [--works <words>] [--rounds <number>] [--statements] [--quick]
 *
 * --works       those alone whose names contain one of the words, separated by commas; nothing is written
 * --statements  says after each work what each statement of the hubs took; nothing is written
 *
 * On SQLite, and on PostgreSQL too if TEST_POSTGRES_URL names a server. Fails if a ratio is below 0.9 and the CPU time says so too: on a
 * busy machine, rates alone also tell who was given the processor. What was measured on one
 * database replaces what was written of it before.
 */
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '0,250000,1000000' },
    only: { type: 'string' },
    works: { type: 'string' },
    rounds: { type: 'string', default: '15' },
    statements: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
});
const sizes = values.quick ? [0, 5000] : values.sizes.split(',').map(Number);
const plan: Plan = values.quick
  ? { rounds: 1, seconds: 2, warmUpSeconds: 1, sideBySide: true }
  : { rounds: Number(values.rounds), seconds: 3, warmUpSeconds: 2, sideBySide: true };
const wanted = values.works?.split(',');
const bar = 0.9;
const say = (text: string) => console.log(text);

await using begun = new AsyncDisposableStack();
const startHub = (offices: Child<Offices>, storeUrl: string) =>
  startChild<string>('growth-hub.ts', {
    ...offices.ready,
    ...(values.statements ? { BENCH_STATEMENTS: 'yes' } : {}),
    STORE_URL: storeUrl,
    PORT: '0',
    CACHE_URL: 'memory:',
    BUS_URL: 'embedded:',
  });

/** A store with so many finished applications, and a hub that has started on it. */
async function grow({ url }: OwnDatabase, size: number): Promise<Grown> {
  const offices = begun.adopt(await startChild<Offices>('growth-offices.ts'), (one) => one.stop());
  const tokensOf = (persona: string) => Promise.all(Array.from({ length: clients }, () => offices.ask<string>('token', persona)));
  const tokens = {
    citizen: await tokensOf('citizen'),
    portal: await tokensOf('portal'),
    'clerk-duesseldorf': await tokensOf('clerk-duesseldorf'),
  };
  const store = begun.adopt(await openStore(url), (one) => one.close());
  const first = await startHub(offices, url);
  const application = await submitOne(first.ready, tokens.citizen[0] ?? '');
  await submitOne(first.ready, tokens.portal[0] ?? '');
  await idle(store, takes.city);
  await sleep(1500); // for the first look at its changes
  await first.stop();

  await store.db.updateTable('application').set({ status: 'GRANTED' }).where('ars', '=', takes.ars).execute();
  const { owner } = await store.db.selectFrom('application').select('owner').where('id', '=', application).executeTakeFirstOrThrow();
  const copying = await createCopying(store, application, { portal: owner.replace(/citizen$/, 'portal'), sides });
  await copying.finished(size, say);
  const openIn = async (city: Changing['city'], adapter: string, ars: RegionalKey, status: string) => {
    const firstCase = await offices.ask<number>('open', { city, count: underWay[city], status });
    await copying.open(underWay[city], { id: city, adapter, ars, firstCase });
    const rows = await store.db.selectFrom('application').select('id').where('ars', '=', ars).where('status', '=', 'RECEIVED').execute();
    return { first: firstCase, count: underWay[city], ids: rows.map(({ id }) => id) };
  };
  const open = {
    duesseldorf: await openIn('duesseldorf', 'cases', takes.ars, 'New'),
    krefeld: await openIn('krefeld', polled.adapter, polled.ars, 'open'),
  };
  const dueAt = new Date(Date.now() + 72 * 3_600_000);
  const cases = await Promise.all(open.duesseldorf.ids.slice(0, 20).map((one) => writeCase(store, { application: one, sides, dueAt })));
  await readAll(store);

  const hub = begun.adopt(await startHub(offices, url), (one) => one.stop());
  const bodies = new Map<string, string>();
  for (const { ars } of [takes, away]) bodies.set(ars, await bodyFor(hub.ready, ars));
  const grown = { size, store, offices, hub, bodies, tokens, open, caseId: cases[0] ?? '' };
  await settle(grown);
  return grown;
}

/** A first application for the city that takes them; its id in the store. */
async function submitOne(hub: string, token: string): Promise<string> {
  const { query, variables } = JSON.parse(await bodyFor(hub, takes.ars)) as { query: string; variables: { input: object } };
  const input = { ...variables.input, idempotencyKey: 'first' };
  const answer = await ask<{ submitApplication: { application?: { id: string } } }>(hub, query, { input }, token);
  const id = applicationKey(answer.data?.submitApplication.application?.id ?? '');
  if (!id) throw new Error(`the hub did not take the first application: ${JSON.stringify(answer)}`);
  return id;
}

/** What the hubs' statements took since they were asked last: the costliest, and how their time grew. */
async function tellStatements(all: readonly Grown[]): Promise<void> {
  const times = await Promise.all(all.map(async ({ hub }) => new Map(await hub.ask<StatementTimes>('statements'))));
  const texts = [...new Set(times.flatMap((one) => [...one.keys()]))];
  const msOf = (text: string) => Math.max(...times.map((one) => one.get(text)?.ms ?? 0));
  for (const text of texts.toSorted((a, b) => msOf(b) - msOf(a)).slice(0, 25)) {
    const each = times.map((one) => {
      const { calls, ms } = one.get(text) ?? { calls: 0, ms: 0 };
      return `${calls} × ${calls === 0 ? '–' : Math.round((ms / calls) * 1000)} µs`;
    });
    say(`    ${each.join(' | ')}  ${text.replaceAll(/\s+/g, ' ').slice(0, 200)}`);
  }
}

/** CPU time of a work: the hub's, and that of the sessions of its database where PostgreSQL runs on this machine. */
function cpuOf({ hub, store }: Grown): () => Promise<number> {
  const seen = new Map<number, number>();
  let sessions = 0;
  return async () => {
    const own = await hub.cpu();
    if (store.dialect === 'sqlite') return own;
    const { rows } = await sql<{
      pid: number;
    }>`select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'`.execute(store.db);
    for (const { pid } of rows) {
      const now = cpuOfProcess(pid);
      // A session that is new here has worked since the last look; one that has ended meanwhile is lost from then on.
      sessions += Math.max(0, now - (seen.get(pid) ?? 0));
      seen.set(pid, now);
    }
    return own + sessions;
  };
}

/** CPU time of a process of this machine in microseconds; 0 if it is none. */
function cpuOfProcess(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return 0;
  }
}

const machine = describeMachine(new Date());
const below: string[] = [];

async function bench(name: string, create: () => Promise<OwnDatabase>): Promise<Table[]> {
  const grown: Grown[] = [];
  const tables: Table[] = [];
  for (const size of sizes) {
    say(`${name}: a store with ${size.toLocaleString('en')} finished applications`);
    const database = begun.adopt(await create(), (one) => one.remove());
    grown.push(await grow(database, size));
  }
  for (const [title, work] of works.filter(([one]) => wanted?.some((word) => one.includes(word)) ?? true)) {
    say(`${name}: ${title}`);
    if (values.statements) await Promise.all(grown.map(({ hub }) => hub.ask('statements')));
    const contenders = grown.map((one): Contender => ({
      name: `${one.size.toLocaleString('en')} finished`,
      run: (seconds) => work(one, seconds),
      cpu: cpuOf(one),
      settle: () => settle(one),
    }));
    const measured = await measure(contenders, plan, say).catch((error: unknown) => {
      below.push(`${title}, on ${name}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    });
    tables.push({ title: `${title}, on ${name}`, measured });
    for (const { name: of, ratio, cpuRatio } of measured)
      if (ratio < bar && cpuRatio > 1 / bar) below.push(`${title}, on ${name}, ${of}: ${ratio.toFixed(2)}, CPU ${cpuRatio.toFixed(2)}`);
    say(`  ${measured.map(({ name: of, ratio, cpuRatio }) => `${of}: ${ratio.toFixed(2)}, CPU ${cpuRatio.toFixed(2)}`).join('; ')}`);
    if (values.statements) await tellStatements(grown);
  }
  return tables;
}

const server = process.env['TEST_POSTGRES_URL'];
const kinds = [
  { id: 'sqlite', name: 'SQLite', create: async () => newSqliteDatabase() },
  ...(server ? [{ id: 'postgres', name: 'PostgreSQL', create: () => newPostgresDatabase(server) }] : []),
];
if (!server) say('PostgreSQL is left out: TEST_POSTGRES_URL names no server');
for (const { id, name, create } of kinds.filter((one) => values.only === undefined || values.only === one.id)) {
  const text = renderRun(machine, plan, await bench(name, create));
  say(`\n${text}`);
  const marks = { begin: `<!-- generated by bench/growth.ts: ${id} begin -->`, end: `<!-- generated by bench/growth.ts: ${id} end -->` };
  if (!values.quick && !values.statements && !wanted) writeResults(new URL('GROWTH.md', import.meta.url), text, marks);
}
if (below.length > 0 && !values.quick) {
  say(`\nBelow ${bar} of the empty store, or not measured:\n${below.join('\n')}`);
  process.exitCode = 1;
}
