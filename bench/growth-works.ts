import { setTimeout as sleep } from 'node:timers/promises';
import type { RegionalKey } from '#contract';
import { toGlobalId } from '../src/gateway/ids.ts';
import type { Store } from '../src/infra/store/store.ts';
import { parkingPermit } from '../test/kit/samples.ts';
import type { Child } from './child.ts';
import type { Changing } from './growth-offices.ts';
import { writeCase, type Sides } from './growth-rows.ts';
import { load, type Seen } from './load.ts';

/** A store of some size with a hub on it, and what that hub is asked. */
export interface Grown {
  readonly size: number;
  readonly store: Store;
  readonly offices: Child<Record<string, string>>;
  readonly hub: Child<string>;
  /** Submissions, by where. */
  readonly bodies: ReadonlyMap<string, string>;
  /** Access tokens by persona, one for each client. */
  readonly tokens: Readonly<Record<'citizen' | 'portal' | 'clerk-duesseldorf', readonly string[]>>;
  /** Applications whose cases are under way, by city. */
  readonly open: Readonly<Record<Changing['city'], { readonly first: number; readonly count: number; readonly ids: readonly string[] }>>;
  /** The case between cities of the first of them in Düsseldorf. */
  readonly caseId: string;
}

/** What is measured: one round of it. */
export type Work = (grown: Grown, seconds: number) => Promise<Seen>;

export const clients = 16;
export const takes = { city: 'duesseldorf', ars: '051110000000' as RegionalKey } as const;
export const polled = { city: 'krefeld', adapter: 'reports', ars: '051140000000' as RegionalKey } as const;
export const away = { city: 'neuss', ars: '051620024024' as RegionalKey } as const;
export const sides: Sides = { arrival: takes.ars, departure: away.ars };
/** Cases under way: several pages of the one city, several batches of the other. */
export const underWay = { duesseldorf: 600, krefeld: 1600 } as const;
/** Deadlines of one round. */
const deadlines = 150;

type Persona = keyof Grown['tokens'];

const asking =
  (persona: Persona | null, query: string, expected: string, variables: (grown: Grown) => object = () => ({})): Work =>
  (grown, seconds) =>
    load({
      url: grown.hub.ready,
      clients,
      seconds,
      requests: [{ path: '/graphql', body: JSON.stringify({ query, variables: variables(grown) }) }],
      expected,
      ...(persona === null ? {} : { tokens: grown.tokens[persona] }),
    });

const submitting =
  (ars: string, { by = clients, least = 1 } = {}): Work =>
  ({ hub, bodies, tokens }, seconds) =>
    load({
      url: hub.ready,
      clients: by,
      least,
      seconds,
      requests: [{ path: '/graphql', body: bodies.get(ars) ?? '' }],
      tokens: tokens.portal,
      expected: '"__typename":"SubmitApplicationSuccess"',
    });

const nowhere = Number.NaN;

/** Looks until so many are as they should be. @throws where that takes minutes */
export async function until(what: string, reached: () => Promise<boolean>, everyMs = 10): Promise<void> {
  for (const began = performance.now(); !(await reached());) {
    if (performance.now() - began > 300_000) throw new Error(`waited 5 minutes for this: ${what}`);
    await sleep(everyMs);
  }
}

async function count({ db }: Store, ars: RegionalKey, status: string): Promise<number> {
  const row = await db
    .selectFrom('application')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('ars', '=', ars)
    .where('status', '=', status)
    .executeTakeFirstOrThrow();
  return row.count;
}

/** Waits until the city has all that was taken for it. */
export const idle = (store: Store, city: string): Promise<void> =>
  until(
    `deliveries to ${city}`,
    async () => {
      const { open } = await store.db
        .selectFrom('delivery_job')
        .select((select) => select.fn.countAll<number>().as('open'))
        .where('state', 'in', ['queued', 'leased'])
        .where('city', '=', city)
        .executeTakeFirstOrThrow();
      return open === 0;
    },
    20,
  );

/** Waits until nothing is left to do of what a round began. */
export async function settle({ store }: Grown): Promise<void> {
  await idle(store, takes.city);
  const { head } = await store.db
    .selectFrom('event_log')
    .select((select) => select.fn.max('seq').as('head'))
    .executeTakeFirstOrThrow();
  await until('readers of the log', async () => {
    const { least } = await store.db
      .selectFrom('reader_cursor')
      .select((select) => select.fn.min('seq').as('least'))
      .where('reader', 'in', ['relay', 'group:coordination'])
      .executeTakeFirstOrThrow();
    return least >= head;
  });
}

/** Submissions until the back office has all of them. */
const delivering: Work = async (grown, seconds) => {
  const began = performance.now();
  const seen = await submitting(takes.ars)(grown, seconds);
  await idle(grown.store, takes.city);
  return { ...seen, seconds: (performance.now() - began) / 1000 };
};

/** All cases under way change in the back office; from the first that the hub has noticed to the last. */
const changing = (city: Changing['city'], ars: RegionalKey, statuses: readonly (readonly [native: string, own: string])[]): Work => {
  const rounds = new WeakMap<Grown, number>();
  return async (grown) => {
    const { first, count: all } = grown.open[city];
    const round = (rounds.get(grown) ?? 0) + 1;
    rounds.set(grown, round);
    const [native, status] = statuses[round % statuses.length]!;
    await grown.offices.ask('change', { city, first, count: all, status: native } satisfies Changing);
    const has = () => count(grown.store, ars, status);
    let noticed = 0;
    await until(`the first change of ${city}`, async () => (noticed = await has()) > 0, 2);
    const began = performance.now();
    let now = noticed;
    await until(`all changes of ${city}`, async () => (now = await has()) >= all, 2);
    if (now === noticed) throw new Error('all changes were there at once: there must be more of them');
    return { count: all - noticed, seconds: (performance.now() - began) / 1000, p50: nowhere, p99: nowhere };
  };
};

/** Cases between cities whose answer is overdue: until their clerks have been told. */
const overdue: Work = async ({ store, open }) => {
  const dueAt = new Date(Date.now() - 1000);
  const cases: string[] = [];
  for (const application of open.duesseldorf.ids.slice(0, deadlines))
    cases.push(await writeCase(store, { application, sides, dueAt, unseen: true }));
  const began = performance.now();
  await store.db.updateTable('case_waiting').set({ due_at: dueAt.getTime() }).where('case_id', 'in', cases).execute();
  const now = Date.now();
  await until('deadlines', async () => {
    const row = await store.db.selectFrom('case_waiting').select('case_id').where('due_at', '<=', now).limit(1).executeTakeFirst();
    return row === undefined;
  });
  return { count: cases.length, seconds: (performance.now() - began) / 1000, p50: nowhere, p99: nowhere };
};

const competence = asking(
  null,
  'query ($k: ServiceKey!) { competence(service: $k, place: { postalCode: "40213" }) { __typename } }',
  '"Competence"',
  () => ({ k: parkingPermit }),
);

const list = (argument: string) =>
  `query ($first: Int = 20) { viewer { applications(first: $first${argument}) { totalCount nodes { id status receipt { reference } } } } }`;
const nodes = '"nodes":[{';

/** Everything that is measured, and its name. What only reads comes first: the empty store is empty then. */
export const works: readonly (readonly [title: string, work: Work])[] = [
  ['catalogue: who is competent', competence],
  ['catalogue: a search', asking(null, '{ services(search: "parken", first: 5) { totalCount nodes { key name } } }', nodes)],
  ['the clerk’s list', asking('clerk-duesseldorf', list(''), nodes)],
  ['the clerk’s list of one status', asking('clerk-duesseldorf', list(', status: GRANTED'), nodes)],
  ['the clerk’s list of what is parked', asking('clerk-duesseldorf', list(', status: PARKED'), '"totalCount":0')],
  ['the list of a portal that many go through', asking('portal', list(''), nodes)],
  ['the citizen’s list', asking('citizen', list(''), nodes)],
  [
    'an application with its history and its case',
    asking(
      'clerk-duesseldorf',
      'query ($id: ID!) { application(id: $id) { status history { totalCount nodes { type } } case { id } } }',
      '"totalCount":5',
      ({ open }) => ({ id: toGlobalId('Application', open.duesseldorf.ids[0] ?? '') }),
    ),
  ],
  [
    'a city’s open cases and tasks',
    asking(
      'clerk-duesseldorf',
      '{ cases(open: true, first: 5) { totalCount nodes { id } } clerkTasks { totalCount } tasks { totalCount } }',
      nodes,
    ),
  ],
  ['all cases of a city', asking('clerk-duesseldorf', '{ cases(first: 5) { totalCount nodes { id } } }', nodes)],
  ['the cases of a portal', asking('portal', '{ cases(first: 20) { totalCount } }', '"totalCount":')],
  [
    'one case of a city',
    asking('clerk-duesseldorf', 'query ($id: ID!) { case(id: $id) { id waiting { step } } }', '"waiting":[{', ({ caseId }) => ({
      id: toGlobalId('CaseFile', caseId),
    })),
  ],
  [
    'polling: changes that a city’s back office tells',
    changing('duesseldorf', takes.ars, [
      ['In Progress', 'IN_REVIEW'],
      ['Feedback', 'ACTION_REQUIRED'],
    ]),
  ],
  [
    'polling: a city that is asked for its open cases',
    changing('krefeld', polled.ars, [
      ['in_progress', 'IN_REVIEW'],
      ['waiting', 'ACTION_REQUIRED'],
    ]),
  ],
  ['deadlines', overdue],
  [
    'catalogue: who is competent, asked while others submit',
    async (grown, seconds) => {
      const [asked] = await Promise.all([competence(grown, seconds), submitting(away.ars, { by: 4, least: 0 })(grown, seconds)]);
      return asked;
    },
  ],
  ['submissions until they are delivered', delivering],
  ['submissions, back office away', submitting(away.ars)],
];
