import { isDeepStrictEqual, parseArgs } from 'node:util';
import { newSqliteDatabase } from '../test/kit/databases.ts';
import { ask } from '../test/kit/samples.ts';
import { startChild, type Child } from './child.ts';
import { liveQuery, pageQuery, writeCities, type BenchCity } from './live/cities.ts';
import { load } from './load.ts';
import { describeMachine } from './machine.ts';
import { renderRun, writeResults, type Table } from './results.ts';
import { measure, type Plan } from './rounds.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * Questions over three back offices: the hub against a handler written by hand for these questions and against Mercurius
 * (compiled, with loaders), all over the same back offices.
 *
 * A page of the catalogue: the hub has imported it and keeps its answers, the others ask the back offices for it each time.
 * Rows of contract fields: asked of the back offices each time by everybody.
 *
 *   node bench/live.ts [--quick] [--profile <folder>] [--rounds <n>]
 */
const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, profile: { type: 'string' }, rounds: { type: 'string', default: '7' } },
});
const plan: Plan = values.quick
  ? { rounds: 2, seconds: 2, warmUpSeconds: 4 }
  : { rounds: Number(values.rounds), seconds: 2, warmUpSeconds: 3 };
const say = (text: string) => console.log(text);

await using begun = new AsyncDisposableStack();
const child = async <Ready>(
  file: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<Child<Ready>> => begun.adopt(await startChild<Ready>(file, env, args), (one) => one.stop());

const machine = describeMachine(new Date());
const surroundings = await child<Surroundings>('surroundings.ts');
const offices = await child<readonly BenchCity[]>('live/offices.ts', { BENCH_OFFICES: '3' });
const cities = offices.ready;
const { folder } = begun.adopt(writeCities(cities), (one) => one.remove());
const store = begun.adopt(newSqliteDatabase(), (one) => one.remove());
const known = { BENCH_CITIES: JSON.stringify(cities) };
const hub = await child<string>(
  'hub.ts',
  { ...surroundings.ready, CITIES_DIR: folder, STORE_URL: store.url, PORT: '0', CACHE_URL: 'memory:', BUS_URL: 'embedded:' },
  values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : [],
);
const bare = await child<string>('live/bare.ts', known);
const mercurius = await child<string>('live/mercurius.ts', known);

const query = liveQuery(cities.map(({ ars }) => ars));
const contenders = [
  { name: 'a handler written by hand', child: bare },
  { name: 'Mercurius, jit and loaders', child: mercurius },
  { name: 'the hub', child: hub },
];
const page = pageQuery(cities.map(({ ars }) => ars));
const question = (age: number) => ({ path: '/graphql', body: JSON.stringify({ query, variables: { age } }) });
/** `seen` is in no answer: it makes the question one that the hub has not answered before. */
const pageQuestion = (seen: number) => ({ path: '/graphql', body: JSON.stringify({ query: page, variables: { first: 20, seen } }) });
for (const [asked, variables] of [
  [query, { age: 1 }],
  [page, { first: 20 }],
] as const) {
  const whole = await Promise.all(contenders.map(({ child: one }) => ask<object>(one.ready, asked, variables)));
  for (const [at, { data }] of whole.entries())
    if (!data || !isDeepStrictEqual(data, whole[0]?.data))
      throw new Error(`${contenders[at]?.name} answers something else: ${JSON.stringify(whole[at]).slice(0, 500)}`);
}

const workloads = [
  {
    title: 'a page of the catalogue of three cities, 20 services with 60 offers, municipalities and fees',
    requestsOf: () => [pageQuestion(0)],
  },
  {
    title: 'the same page, but never the same question, so that no answer of the hub is kept',
    requestsOf: (client: number) => Array.from({ length: 2000 }, (_, at) => pageQuestion(client * 2000 + at)),
  },
  {
    title: 'three live back offices, 20 rows, every client asks something else',
    requestsOf: (client: number) => Array.from({ length: 500 }, (_, at) => question(client * 1000 + at)),
  },
  {
    title: 'the same, all clients ask the same: what is under way in the hub is asked of a city once',
    requestsOf: () => [question(1)],
  },
];
const tables: Table[] = [];
for (const { title, requestsOf } of workloads) {
  say(title);
  const measured = await measure(
    contenders.map(({ name, child: one }) => ({
      name,
      run: (seconds: number) => load({ url: one.ready, clients: 16, seconds, requests: [question(1)], requestsOf, expected: '{"data":{' }),
      cpu: () => one.cpu(),
    })),
    plan,
    say,
  );
  tables.push({ title, measured });
}
const text = renderRun(machine, plan, tables);
say(`\n${text}`);
if (!values.quick && !values.profile) writeResults(new URL('LIVE.md', import.meta.url), text);
