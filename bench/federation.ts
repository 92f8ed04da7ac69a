import { parseArgs } from 'node:util';
import { newSqliteDatabase, type OwnDatabase } from '../test/kit/databases.ts';
import { ask } from '../test/kit/samples.ts';
import { startChild, type Child } from './child.ts';
import { load } from './load.ts';
import { describeMachine } from './machine.ts';
import { renderTables, type Table } from './results.ts';
import { measure, median, type Plan } from './rounds.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * What federation by type costs:
 *
 *   node bench/federation.ts [--quick]
 *
 * A query that needs no subgraph, with none plugged in and with one; a query over the hub and one city, by the planner and by
 * @graphql-tools/federation in its place (everything else the same: the strongest peer that npm has for this platform beside Hive
 * Gateway, which cannot share the hub's process); swaps under load; a city that hangs.
 */
const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const plan: Plan = values.quick ? { rounds: 2, seconds: 3, warmUpSeconds: 5 } : { rounds: 5, seconds: 3, warmUpSeconds: 4 };
const say = (text: string) => console.log(text);

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
const alone = await hubWith({});
const planned = await hubWith({ BENCH_SUBGRAPH: city.ready });
const stitched = await hubWith({ BENCH_SUBGRAPH: city.ready, BENCH_ENGINE: 'stitched' });

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

const answers = await Promise.all([planned, stitched].map((hub) => ask<object>(hub.ready, crossing)));
if (JSON.stringify(answers[0]?.data) !== JSON.stringify(answers[1]?.data)) throw new Error('the engines do not answer alike');

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
        contender('@graphql-tools/federation, hub in process', stitched, crossing, '"benchHours":"Mo'),
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

say(`\n${[...describeMachine(new Date()).map((line) => `- ${line}`), '', renderTables(tables), swapped, frozen].join('\n')}`);
