import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { createComposer, type Part } from '../src/federation/compose.ts';
import { createHubPart } from '../src/gateway/hub-part.ts';
import { createSchema } from '../src/gateway/schema.ts';
import { newSqliteDatabase, type OwnDatabase } from '../test/kit/databases.ts';
import { ask } from '../test/kit/samples.ts';
import { startChild, type Child } from './child.ts';
import { load } from './load.ts';
import { describeMachine } from './machine.ts';
import { renderTables, writeResults, type Table } from './results.ts';
import { measure, median, type Plan } from './rounds.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * What federation by type costs:
 *
 *   node bench/federation.ts [--quick]
 *
 * A query that needs no subgraph, with none plugged in and with one. A query over the hub and one city: by the hub's engine; by
 * @graphql-tools/federation in its place, everything else the same; by Hive Gateway's runtime with its planner in Rust in front of
 * the hub and the city. Swaps under load; a city that hangs; forty subgraphs composed while a thread goes on.
 *
 * Hive Gateway is no dependency of the hub: it is installed into bench/peers at the first run.
 */
const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const plan: Plan = values.quick ? { rounds: 2, seconds: 3, warmUpSeconds: 5 } : { rounds: 5, seconds: 3, warmUpSeconds: 4 };
const say = (text: string) => console.log(text);

const machine = describeMachine(new Date());
await using begun = new AsyncDisposableStack();
const child = async <Ready>(file: string, env: Readonly<Record<string, string>> = {}): Promise<Child<Ready>> =>
  begun.adopt(await startChild<Ready>(file, env), (one) => one.stop());
const keep = (store: OwnDatabase): OwnDatabase => begun.adopt(store, (one) => one.remove());

const surroundings = await child<Surroundings>('surroundings.ts');
// Known callers: what anonymous ones ask would be answered from what was kept.
const tokens = await Promise.all(Array.from({ length: 16 }, () => surroundings.ask<string>('token', 'citizen')));
const city = await child<string>('subgraph.ts');
const hubWith = (env: Readonly<Record<string, string>>) =>
  child<string>('federation-hub.ts', {
    ...surroundings.ready,
    NEUSS_URL: 'http://127.0.0.1:9',
    STORE_URL: keep(newSqliteDatabase()).url,
    PORT: '0',
    CACHE_URL: 'memory:',
    BUS_URL: 'embedded:',
    ...env,
  });
const peers = new URL('peers/', import.meta.url).pathname;
if (!existsSync(`${peers}node_modules`)) {
  say('Installing Hive Gateway into bench/peers …');
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], { cwd: peers, stdio: 'inherit' });
}
const alone = await hubWith({});
const planned = await hubWith({ BENCH_SUBGRAPH: city.ready });
const stitched = await hubWith({ BENCH_SUBGRAPH: city.ready, BENCH_ENGINE: 'stitched' });

const composer = begun.adopt(createComposer(), (one) => one.close());
const hubSdl = createHubPart(createSchema()).sdl;
const none = { overrides: [], entities: [] };
const { data: asked } = await ask<{ _service: { sdl: string } }>(city.ready.replace(/\/graphql$/, ''), '{ _service { sdl } }');
const { supergraphSdl } = await composer.compose(hubSdl, [
  { name: 'bench', url: city.ready, sdl: asked?._service.sdl ?? '', grants: none },
]);
const hive = await child<string>('peers/hive.mjs', {
  BENCH_SUPERGRAPH: supergraphSdl.replaceAll('http://hub.invalid/', `${alone.ready}/graphql`),
});

const page = (more: string) =>
  `{ services(offeredIn: "091620000000", first: 20) { nodes { key name offers(in: ["091620000000"], first: 3) { nodes { name municipality { ars name ${more} } fees { cents currency } } } } } ${more && 'benchEvents { id title }'} }`;
const local = page('');
const crossing = page('benchHours benchWaitingMinutes');

const contender = (name: string, hub: Child<string>, query: string, expected: string) => ({
  name,
  run: (seconds: number) =>
    load({ url: hub.ready, clients: 16, seconds, tokens, expected, requests: [{ path: '/graphql', body: JSON.stringify({ query }) }] }),
  cpu: () => hub.cpu(),
});

const [first, ...others] = await Promise.all([planned, stitched, hive].map((hub) => ask<object>(hub.ready, crossing)));
for (const other of others)
  if (!first?.data || !isDeepStrictEqual(other.data, first.data))
    throw new Error(`the engines do not answer alike: ${JSON.stringify(other).slice(0, 500)}`);

const tables: Table[] = [
  {
    title: 'a page of services, which needs no subgraph',
    measured: await measure(
      [contender('no subgraphs', alone, local, '"fees"'), contender('one subgraph plugged in', planned, local, '"fees"')],
      plan,
      say,
    ),
  },
  {
    title: 'the same with two fields and a list of a city, over HTTP',
    measured: await measure(
      [
        contender('Hive Gateway, planner in Rust', hive, crossing, '"benchHours":"Mo'),
        contender('@graphql-tools/federation in the hub', stitched, crossing, '"benchHours":"Mo'),
        contender('the hub', planned, crossing, '"benchHours":"Mo'),
      ],
      plan,
      say,
    ),
  },
];

const swaps = values.quick ? 20 : 100;
const swapping = load({
  url: planned.ready,
  clients: 8,
  seconds: values.quick ? 10 : 40,
  tokens,
  expected: '"fees"',
  requests: [{ path: '/graphql', body: JSON.stringify({ query: local }) }],
});
const took: number[] = [];
for (let n = 0; n < swaps; n += 1) {
  const since = performance.now();
  await planned.ask('swap');
  took.push((performance.now() - since) / 2);
}
const { count } = await swapping;
const swapped = `${swaps * 2} swaps under load: ${count} local requests, none failed; ${Math.round(median(took))} ms a swap in the middle.`;

await city.ask('freeze', true);
const waits: number[] = [];
for (let n = 0; n < 8; n += 1) {
  const since = performance.now();
  const answer = await ask<{ services: object }>(planned.ready, crossing);
  if (!answer.errors || (answer.data && !('services' in answer.data)))
    throw new Error(`a frozen city must leave the hub's part: ${JSON.stringify(answer).slice(0, 300)}`);
  waits.push(Math.round(performance.now() - since));
}
const frozen = `A city that hangs (deadline 2000 ms, breaker after 5): answers after ${waits.join(', ')} ms.`;

const own = (name: string): Part => {
  const type = `C${name.slice(1)}`;
  const sdl = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]) scalar RegionalKey type Query { ${name}Fairs: [${type}Fair!] } type ${type}Fair @key(fields: "id") { id: ID! at: Municipality! } type Municipality @key(fields: "ars") { ars: RegionalKey! ${name}Hours: String }`;
  return { name, url: `http://${name}.invalid/`, sdl, grants: none };
};
const forty = Array.from({ length: 40 }, (_, at) => own(`c${String(at).padStart(2, '0')}x`));
const fresh = begun.adopt(createComposer(), (one) => one.close());
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const since = performance.now();
const { refused } = await fresh.compose(hubSdl, forty);
const coldMs = Math.round(performance.now() - since);
delay.disable();
if (refused.length > 0) throw new Error(`refused: ${JSON.stringify(refused).slice(0, 500)}`);
const composed = `Forty subgraphs composed in ${coldMs} ms by a thread that had seen none of them; the thread that serves was held up for ${(delay.max / 1e6).toFixed(1)} ms at most.`;

const text = [
  ...machine.map((line) => `- ${line}`),
  `- Rounds: ${plan.rounds} of ${plan.seconds} s each after ${plan.warmUpSeconds} s of warm-up`,
  '',
  renderTables(tables),
  '',
  swapped,
  '',
  frozen,
  '',
  composed,
].join('\n');
say(`\n${text}`);
if (!values.quick) writeResults(new URL('FEDERATION.md', import.meta.url), text);
