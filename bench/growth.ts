import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openStore } from '../src/infra/store/open-store.ts';
import { newPostgresDatabase, newSqliteDatabase, type OwnDatabase } from '../test/kit/databases.ts';
import { ask } from '../test/kit/samples.ts';
import { startChild, type Child } from './child.ts';
import { growStore, readAll } from './growth-rows.ts';
import { load, type Seen } from './load.ts';
import { describeMachine } from './machine.ts';
import { renderRun, writeResults, type Table } from './results.ts';
import { measure, type Contender, type Plan } from './rounds.ts';
import { bodyFor } from './submission.ts';
import type { Surroundings } from './surroundings.ts';

/*
 * What becomes of the hub when its store grows: the same work on an empty store and on ones that hold finished applications,
 * in turns, as ratios to the empty one:
 *
 *   node bench/growth.ts [--sizes 0,250000,1000000] [--only sqlite|postgres] [--quick]
 *
 * On SQLite, and on PostgreSQL too if TEST_POSTGRES_URL names a server. Fails if a ratio is below 0.9.
 */
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '0,250000,1000000' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const sizes = values.quick ? [0, 5000] : values.sizes.split(',').map(Number);
const plan: Plan = values.quick ? { rounds: 1, seconds: 2, warmUpSeconds: 1 } : { rounds: 7, seconds: 2, warmUpSeconds: 2 };
const bar = 0.9;
const clients = 16;
const say = (text: string) => console.log(text);
const takes = { city: 'duesseldorf', ars: '051110000000' };
const away = { city: 'neuss', ars: '051620024024' };

await using begun = new AsyncDisposableStack();
const surroundings = begun.adopt(await startChild<Surroundings>('surroundings.ts'), (one) => one.stop());
const citizens = await Promise.all(Array.from({ length: clients }, () => surroundings.ask<string>('token', 'citizen')));
const clerks = await Promise.all(Array.from({ length: clients }, () => surroundings.ask<string>('token', `clerk-${takes.city}`)));
const startHub = (storeUrl: string) =>
  startChild<string>('hub.ts', {
    ...surroundings.ready,
    NEUSS_URL: 'http://127.0.0.1:9',
    STORE_URL: storeUrl,
    PORT: '0',
    CACHE_URL: 'memory:',
    BUS_URL: 'embedded:',
  });

interface Grown {
  readonly size: number;
  readonly url: string;
  readonly hub: Child<string>;
  readonly bodies: ReadonlyMap<string, string>;
}

/** A store with so many finished applications, and a hub that has started on it. */
async function grow(store: OwnDatabase, size: number): Promise<Grown> {
  const first = await startHub(store.url);
  const token = citizens[0] ?? '';
  const body = await bodyFor(first.ready, takes.ars);
  const { query, variables } = JSON.parse(body) as { query: string; variables: { input: object } };
  const { data } = await ask<{ submitApplication: { application?: { id: string } } }>(
    first.ready,
    query,
    { input: { ...variables.input, idempotencyKey: 'first' } },
    token,
  );
  const id =
    Buffer.from(data?.submitApplication.application?.id ?? '', 'base64url')
      .toString()
      .split(':')[1] ?? '';
  const opened = await openStore(store.url);
  try {
    await idle(opened, takes.city);
    await first.stop();
    await opened.db.updateTable('application').set({ status: 'GRANTED', native_version: '1' }).where('id', '=', id).execute();
    if (size > 0) await growStore(opened, id, size, say);
    await readAll(opened);
  } finally {
    await opened.close();
  }
  const hub = begun.adopt(await startHub(store.url), (one) => one.stop());
  const bodies = new Map([
    [takes.ars, await bodyFor(hub.ready, takes.ars)],
    [away.ars, await bodyFor(hub.ready, away.ars)],
  ]);
  return { size, url: store.url, hub, bodies };
}

/** Waits until the city has all that was taken for it. */
async function idle(store: Awaited<ReturnType<typeof openStore>>, city: string): Promise<void> {
  for (const began = performance.now(); ;) {
    const { open } = await store.db
      .selectFrom('delivery_job')
      .select((select) => select.fn.countAll<number>().as('open'))
      .where('state', 'in', ['queued', 'leased'])
      .where('city', '=', city)
      .executeTakeFirstOrThrow();
    if (open === 0) return;
    if (performance.now() - began > 180_000) throw new Error(`${open} applications still wait for ${city}`);
    await sleep(50);
  }
}

const query = (text: string, variables: object = {}) => [{ path: '/graphql', body: JSON.stringify({ query: text, variables }) }];

type Work = (grown: Grown, seconds: number) => Promise<Seen>;
const asking =
  (body: ReturnType<typeof query>, expected: string, tokens?: readonly string[]): Work =>
  ({ hub }, seconds) =>
    load({ url: hub.ready, clients, seconds, requests: body, expected, ...(tokens ? { tokens } : {}) });
const submitting =
  (ars: string): Work =>
  ({ hub, bodies }, seconds) =>
    load({
      url: hub.ready,
      clients,
      seconds,
      requests: [{ path: '/graphql', body: bodies.get(ars) ?? '' }],
      tokens: citizens,
      expected: '"__typename":"SubmitApplicationSuccess"',
    });

/** Submissions until the back office has all of them: its count is what counts. */
const delivering: Work = async (grown, seconds) => {
  const began = performance.now();
  const seen = await submitting(takes.ars)(grown, seconds);
  const store = await openStore(grown.url);
  try {
    await idle(store, takes.city);
  } finally {
    await store.close();
  }
  return { ...seen, seconds: (performance.now() - began) / 1000 };
};

const list = 'query ($first: Int) { viewer { applications(first: $first) { totalCount nodes { id status submittedAt } } } }';
const works: readonly (readonly [string, Work])[] = [
  ['submissions, back office away', submitting(away.ars)],
  ['submissions until they are delivered', delivering],
  ['the clerk’s list', asking(query(list, { first: 20 }), '"nodes":[{', clerks)],
  [
    'the clerk’s list of what is parked',
    asking(query('{ viewer { applications(status: PARKED) { totalCount } } }'), '"totalCount":', clerks),
  ],
  ['the citizen’s list', asking(query(list, { first: 20 }), '"nodes":[{', citizens)],
  ['open cases of a city', asking(query('{ cases(open: true) { totalCount } clerkTasks { totalCount } }'), '"totalCount":', clerks)],
  [
    'who is competent',
    asking(
      query('query ($k: ServiceKey!) { competence(service: $k, place: { postalCode: "40213" }) { __typename } }', { k: '99108001001000' }),
      '"Competence"',
    ),
  ],
];

const machine = describeMachine(new Date());
const tables: Table[] = [];
const below: string[] = [];
async function bench(name: string, create: () => Promise<OwnDatabase>): Promise<void> {
  const grown: Grown[] = [];
  for (const size of sizes) {
    say(`${name}: a store with ${size.toLocaleString('en')} finished applications`);
    grown.push(
      await grow(
        begun.adopt(await create(), (one) => one.remove()),
        size,
      ),
    );
  }
  for (const [title, work] of works) {
    say(`${name}: ${title}`);
    const contenders = grown.map((one): Contender => ({
      name: `${one.size.toLocaleString('en')} finished`,
      run: (seconds) => work(one, seconds),
      cpu: () => one.hub.cpu(),
    }));
    const measured = await measure(contenders, plan, say);
    tables.push({ title: `${title}, on ${name}`, measured });
    for (const { name: of, ratio } of measured) if (ratio < bar) below.push(`${title}, on ${name}, ${of}: ${ratio.toFixed(2)}`);
  }
  say(`${name}: at rest`);
  for (const { size, hub } of grown) {
    const before = await hub.cpu();
    await sleep(values.quick ? 500 : 10_000);
    say(
      `  ${size.toLocaleString('en')} finished: ${Math.round((((await hub.cpu()) - before) / 1000 / (values.quick ? 0.5 : 10)) * 10) / 10} ms CPU a second`,
    );
  }
}

const server = process.env['TEST_POSTGRES_URL'];
if (values.only !== 'postgres') await bench('SQLite', async () => newSqliteDatabase());
if (server && values.only !== 'sqlite') await bench('PostgreSQL', () => newPostgresDatabase(server));
else if (!server) say('PostgreSQL is left out: TEST_POSTGRES_URL names no server');

const text = renderRun(machine, plan, tables);
say(`\n${text}`);
if (!values.quick) writeResults(new URL('GROWTH.md', import.meta.url), text);
if (below.length > 0 && !values.quick) {
  say(`\nBelow ${bar} of the empty store:\n${below.join('\n')}`);
  process.exitCode = 1;
}
