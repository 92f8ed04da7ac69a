import { parseArgs } from 'node:util';
import { newSqliteDatabase } from '../test/kit/databases.ts';
import { startChild, type Child } from './child.ts';
import { liveQuery, writeCities, type BenchCity } from './live/cities.ts';
import { load } from './load.ts';
import { describeMachine } from './machine.ts';
import { renderTables, writeResults } from './results.ts';
import { measure, type Plan } from './rounds.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * What it costs that many cities are connected: the same question, which touches three of them, asked of a hub with 10 and of one
 * with 396 (every city of the country has a server of its own here). The 99th percentile may grow by a tenth.
 *
 *   node bench/rows.ts [--quick]
 */
const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const plan: Plan = values.quick ? { rounds: 1, seconds: 2, warmUpSeconds: 2 } : { rounds: 9, seconds: 3, warmUpSeconds: 10 };
const say = (text: string) => console.log(text);
const [few, many] = [10, 396] as const;

await using begun = new AsyncDisposableStack();
const child = async <Ready>(file: string, env: Readonly<Record<string, string>> = {}): Promise<Child<Ready>> =>
  begun.adopt(await startChild<Ready>(file, env), (one) => one.stop());

const machine = describeMachine(new Date());
const surroundings = await child<Surroundings>('surroundings.ts');
const { ready: cities } = await child<readonly BenchCity[]>('live/offices.ts', { BENCH_OFFICES: String(many) });
const hubWith = async (connected: readonly BenchCity[]) => {
  const { folder } = begun.adopt(writeCities(connected), (one) => one.remove());
  const store = begun.adopt(newSqliteDatabase(), (one) => one.remove());
  return child<string>('hub.ts', {
    ...surroundings.ready,
    CITIES_DIR: folder,
    STORE_URL: store.url,
    PORT: '0',
    CACHE_URL: 'memory:',
    BUS_URL: 'embedded:',
  });
};

const query = liveQuery(cities.slice(0, 3).map(({ ars }) => ars));
const question = (age: number) => ({ path: '/graphql', body: JSON.stringify({ query, variables: { age } }) });
const contender = (name: string, hub: Child<string>) => ({
  name,
  // Four clients: with more, the waiting for each other is what the tail shows.
  run: (seconds: number) =>
    load({
      url: hub.ready,
      clients: 4,
      seconds,
      requests: [question(1)],
      requestsOf: (client) => Array.from({ length: 500 }, (_, at) => question(client * 1000 + at)),
      expected: '{"data":{',
    }),
  cpu: () => hub.cpu(),
});
const measured = await measure(
  [contender(`${few} cities connected`, await hubWith(cities.slice(0, few))), contender(`${many} cities connected`, await hubWith(cities))],
  plan,
  say,
);
const [a, b] = measured;
const growth = a && b ? b.p99 / a.p99 - 1 : Number.NaN;
const note = `p99 with ${many} cities against ${few}: ${growth >= 0 ? '+' : ''}${Math.round(growth * 100)} % (at most +10 % is promised).`;
const text = [
  ...machine.map((line) => `- ${line}`),
  `- Rounds: ${plan.rounds} of ${plan.seconds} s each after ${plan.warmUpSeconds} s of warm-up`,
  '',
  renderTables([{ title: 'a question that touches three cities', measured, note }]),
].join('\n');
say(`\n${text}`);
if (!values.quick) writeResults(new URL('ROWS.md', import.meta.url), text);
