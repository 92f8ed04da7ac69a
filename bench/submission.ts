import { setTimeout as sleep } from 'node:timers/promises';
import type { ApplicationRow } from '../src/applications/records.ts';
import { applicationKey } from '../src/gateway/ids.ts';
import { openStore } from '../src/infra/store/open-store.ts';
import type { Store } from '../src/infra/store/store.ts';
import type { Json } from '#contract';
import { applicant, ask, parkingFormIn, parkingPermit, submitMutation } from '../test/kit/samples.ts';
import type { Child } from './child.ts';
import { load, type Seen } from './load.ts';
import { measure, type Contender, type Measured, type Plan } from './rounds.ts';

/** What the hub wrote for one real submission: the rows that the bare transaction writes too. */
export interface Template {
  readonly row: ApplicationRow;
  /** Of its event. */
  readonly type: string;
  readonly facts: Record<string, Json>;
  readonly requestHash: string;
}

/** One round of bare transactions. */
export type StoreRound = Seen;

/** Two cities with the same form: one takes its cases, the other's back office is away, so that its applications wait. */
const takes = { id: 'duesseldorf', ars: '051110000000' };
const away = { id: 'neuss', ars: '051620024024' };

const clients = 16;

/** Processes and the store that submissions are measured on. */
export interface SubmissionSubjects {
  readonly hub: Child<string>;
  readonly bare: Child<string>;
  readonly tokens: readonly string[];
  readonly storeUrl: string;
}

/** What came of the measurement. */
export interface SubmissionResult {
  readonly measured: readonly Measured[];
  /** Applications that reached the back office in a second, while the hub was loaded and after. */
  readonly deliveredPerSecond: number;
}

/**
 * Measures submissions against their bare transaction. A submission counts when its success was answered, which is after
 * the commit; in the end the store must hold every one.
 * @throws where the store holds fewer applications than were acknowledged
 */
export async function benchSubmission(
  { hub, bare, tokens, storeUrl }: SubmissionSubjects,
  plan: Plan,
  say: (text: string) => void,
): Promise<SubmissionResult> {
  const store = await openStore(storeUrl);
  try {
    const bodies = new Map<string, string>();
    for (const { ars } of [takes, away]) bodies.set(ars, await bodyFor(hub.ready, ars));
    await bare.ask('template', await templateFrom(store, hub.ready, bodies.get(away.ars) ?? '', tokens[0] ?? ''));

    const acknowledged = { [takes.ars]: 0, [away.ars]: 1 };
    const submitTo = async (ars: string, seconds: number) => {
      const requests = [{ path: '/graphql', body: bodies.get(ars) ?? '' }];
      const seen = await load({ url: hub.ready, clients, seconds, requests, tokens, expected: '"__typename":"SubmitApplicationSuccess"' });
      acknowledged[ars] = (acknowledged[ars] ?? 0) + seen.count;
      return seen;
    };
    let delivering = { since: 0, before: 0 };
    const rates: number[] = [];
    const contenders: Contender[] = [
      {
        name: 'the bare store transaction',
        run: (seconds) => bare.ask<StoreRound>('round', { clients, ms: seconds * 1000 }),
        cpu: () => bare.cpu(),
      },
      {
        name: 'a bare node:http handler with that transaction',
        run: (seconds) =>
          load({
            url: bare.ready,
            clients,
            seconds,
            requests: [{ path: '/', body: bodies.get(away.ars) ?? '' }],
            expected: 'SubmitApplicationSuccess',
          }),
        cpu: () => bare.cpu(),
      },
      { name: 'the hub, back office away', run: (seconds) => submitTo(away.ars, seconds), cpu: () => hub.cpu() },
      {
        name: 'the hub, delivering at the same time',
        async run(seconds) {
          delivering = { since: performance.now(), before: acknowledged[takes.ars] ?? 0 };
          return submitTo(takes.ars, seconds);
        },
        cpu: () => hub.cpu(),
        async settle() {
          await delivered(store);
          const seconds = (performance.now() - delivering.since) / 1000;
          rates.push(((acknowledged[takes.ars] ?? 0) - delivering.before) / seconds);
        },
      },
    ];
    const measured = await measure(contenders, plan, say);
    for (const city of [takes, away]) await checkDurable(store, city.id, acknowledged[city.ars] ?? 0);
    // The first is the warm-up's.
    const settled = rates.slice(1);
    return { measured, deliveredPerSecond: settled.reduce((sum, rate) => sum + rate, 0) / settled.length };
  } finally {
    await store.close();
  }
}

/** The submission of a parking permit in a city, without its key. */
export async function bodyFor(url: string, ars: string): Promise<string> {
  const { data } = await ask<{ municipality: { offer: { form: { revision: string } } } }>(
    url,
    `query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { form { revision } } } }`,
    { ars, service: parkingPermit },
  );
  const formRevision = data?.municipality.offer.form.revision;
  if (!formRevision) throw new Error(`${ars} has no form for ${parkingPermit}: the benchmark needs cities/offers with one`);
  const input = { service: parkingPermit, place: { ars }, formRevision, applicant, formData: parkingFormIn(ars), idempotencyKey: '[<id>]' };
  return JSON.stringify({ query: submitMutation, variables: { input } });
}

async function templateFrom(store: Store, url: string, body: string, token: string): Promise<Template> {
  const { query, variables } = JSON.parse(body) as { query: string; variables: { input: object } };
  const input = { ...variables.input, idempotencyKey: 'template' };
  const { data } = await ask<{ submitApplication: { application?: { id: string } } }>(url, query, { input }, token);
  const id = applicationKey(data?.submitApplication.application?.id ?? '');
  if (!id) throw new Error(`The hub did not take the first application: ${JSON.stringify(data)}`);
  const { db } = store;
  const row = await db.selectFrom('application').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const key = await db.selectFrom('submission_key').selectAll().where('application_id', '=', id).executeTakeFirstOrThrow();
  const event = await db.selectFrom('event_log').selectAll().where('aggregateid', '=', id).orderBy('seq').executeTakeFirstOrThrow();
  return { row, type: event.type, facts: JSON.parse(event.payload) as Record<string, Json>, requestHash: key.request_hash };
}

/**
 * Waits until the city that takes cases has all of its own.
 * @throws where it does not within two minutes
 */
async function delivered(store: Store): Promise<void> {
  for (const began = performance.now(); ;) {
    const { open } = await store.db
      .selectFrom('delivery_job')
      .select((select) => select.fn.countAll<number>().as('open'))
      .where('city', '=', takes.id)
      .where('state', 'in', ['queued', 'leased'])
      .executeTakeFirstOrThrow();
    if (open === 0) return;
    if (performance.now() - began > 120_000) throw new Error(`${open} applications still wait for ${takes.id} two minutes after the load`);
    await sleep(50);
  }
}

/** What was under way when a round ended may have been written without being counted, never the other way round. */
async function checkDurable(store: Store, city: string, acknowledged: number): Promise<void> {
  const { rows } = await store.db
    .selectFrom('application')
    .select((select) => select.fn.countAll<number>().as('rows'))
    .where('city', '=', city)
    .executeTakeFirstOrThrow();
  if (rows < acknowledged) throw new Error(`${city}: ${acknowledged} submissions were acknowledged, the store holds ${rows}`);
}
