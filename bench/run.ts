import { parseArgs } from 'node:util';
import { benchCatalogue } from './catalogue.ts';
import { startChild, type Child } from './child.ts';
import { newPostgresDatabase, newSqliteDatabase, type OwnDatabase } from '../test/kit/databases.ts';
import { describeMachine } from './machine.ts';
import { renderRun, writeResults, type Table } from './results.ts';
import type { Plan } from './rounds.ts';
import { benchSubmission } from './submission.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * How much the hub costs over the least that could do the same on this machine:
 *
 *   node bench/run.ts [--quick] [--only catalogue|submission] [--profile <folder>]
 *
 * --quick    one short round of each, nothing is written: shows that the benchmark works, not how fast the hub is
 * --profile  leaves CPU profiles of the hub in a folder, writes no results
 *
 * Submissions run on SQLite, and on PostgreSQL too where TEST_POSTGRES_URL names a server. RESULTS.md says how to read the
 * numbers.
 */
const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, profile: { type: 'string' } },
});
const plan: Plan = values.quick ? { rounds: 1, seconds: 0.5, warmUpSeconds: 0.5 } : { rounds: 5, seconds: 3, warmUpSeconds: 4 };
const execArgv = values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : [];
const server = process.env['TEST_POSTGRES_URL'];
const say = (text: string) => console.log(text);
const wants = (name: string) => values.only === undefined || values.only === name;

/** Stops and removes in the order opposite to how things were begun, whatever happens. */
await using begun = new AsyncDisposableStack();
const child = async <Ready>(
  file: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<Child<Ready>> => begun.adopt(await startChild<Ready>(file, env, args), (one) => one.stop());
const keep = (store: OwnDatabase): OwnDatabase => begun.adopt(store, (one) => one.remove());

const surroundings = await child<Surroundings>('surroundings.ts');
const tokens = await Promise.all(Array.from({ length: 16 }, () => surroundings.ask<string>('token', 'citizen')));
const hubOn = (storeUrl: string) =>
  child<string>(
    'hub.ts',
    // Neuss' back office is away, so that its applications wait.
    { ...surroundings.ready, NEUSS_URL: 'http://127.0.0.1:9', STORE_URL: storeUrl, PORT: '0', CACHE_URL: 'memory:', BUS_URL: 'embedded:' },
    execArgv,
  );

const machine = describeMachine(new Date());
const tables: Table[] = [];
const bench = async (name: string, hubStore: OwnDatabase, bareStore: OwnDatabase, catalogue: boolean) => {
  const hub = await hubOn(hubStore.url);
  if (catalogue) tables.push(...(await benchCatalogue(hub, await child<string>('bare-catalogue.ts'), plan, say)));
  if (!wants('submission')) return;
  say(`submissions on ${name}`);
  const bare = await child<string>('bare-store.ts', { STORE_URL: bareStore.url });
  const { measured, deliveredPerSecond } = await benchSubmission({ hub, bare, tokens, storeUrl: hubStore.url }, plan, say);
  const note = `While loaded like this and until nothing waited, ${Math.round(deliveredPerSecond)} applications a second reached the back office.`;
  tables.push({ title: `a submission, on ${name}`, measured, note });
};
await bench('SQLite', keep(newSqliteDatabase()), keep(newSqliteDatabase()), wants('catalogue'));
if (server && wants('submission'))
  await bench('PostgreSQL', keep(await newPostgresDatabase(server)), keep(await newPostgresDatabase(server)), false);
else if (wants('submission')) say('PostgreSQL is left out: TEST_POSTGRES_URL names no server');

const text = renderRun(machine, plan, tables);
say(`\n${text}`);
if (!values.quick && !values.profile && values.only === undefined) writeResults(new URL('RESULTS.md', import.meta.url), text);
