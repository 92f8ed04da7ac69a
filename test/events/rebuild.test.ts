import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApplicationStatus, HubEvent, Json, RegionalKey } from '#contract';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { restSimulatedSecret, startRestSimulator } from '../../adapters/rest/simulator.ts';
import { applicationStanding, standingAfter, type Standing } from '../../src/applications/project.ts';
import { lockApplication, updateApplication } from '../../src/applications/records.ts';
import { runRebuild } from '../../src/cli/rebuild.ts';
import type { CaseKind } from '../../src/coordination/kind.ts';
import { findKind } from '../../src/coordination/kinds.ts';
import { caseProjection } from '../../src/coordination/rebuild.ts';
import { createEventLog, type EventLog } from '../../src/infra/store/eventlog.ts';
import { rebuild, type Projection } from '../../src/infra/store/projection.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { applicationEvent, insertApplication } from '../coordination/rows.ts';
import { ars, duesseldorf, neuss, startTestHub, type TestHub } from '../kit/hub.ts';
import { applicant, parkingFormIn, parkingPermit, submitMutation } from '../kit/samples.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { registration, registrationForm } from '../scenarios/moving.ts';

/*
 * What the store keeps of the event log can be made again from it, to the same bytes: after a busy history of a real hub with
 * two back offices, one of which loses replies and honours no keys, so that deliveries wait for persons.
 */

const projections: readonly Projection[] = [applicationStanding, caseProjection(findKind)];
const tables = ['application', 'case_file', 'case_participant', 'case_application', 'case_waiting', 'case_answer', 'application_mark'];
const patience = { timeout: 25_000, interval: 50 };

/** Every row of the tables, byte for byte. */
async function dump(store: Store): Promise<string> {
  const parts: string[] = [];
  for (const table of tables) {
    const { rows } = await sql<object>`select * from ${sql.table(table)}`.execute(store.db);
    parts.push(table, ...rows.map((row) => JSON.stringify(row)).toSorted());
  }
  return parts.join('\n');
}

/** Things that happen; `pick` chooses among what there is. */
type Happening =
  | { readonly do: 'apply' | 'move'; readonly town: 'duesseldorf' | 'neuss' }
  | { readonly do: 'decide'; readonly pick: number; readonly status: number }
  | { readonly do: 'withdraw' | 'answer'; readonly pick: number }
  | { readonly do: 'release'; readonly pick: number; readonly how: 'retry' | 'discard' }
  | { readonly do: 'lose'; readonly share: number };

const town = fc.constantFrom('duesseldorf' as const, 'neuss' as const);
const pick = fc.nat({ max: 1000 });
const happenings: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ do: fc.constantFrom('apply' as const, 'move' as const), town }),
  fc.record({ do: fc.constant('decide' as const), pick, status: fc.nat({ max: 2 }) }),
  fc.record({ do: fc.constantFrom('withdraw' as const, 'answer' as const), pick }),
  fc.record({ do: fc.constant('release' as const), pick, how: fc.constantFrom('retry' as const, 'discard' as const) }),
  fc.record({ do: fc.constant('lose' as const), share: fc.constantFrom(0, 0, 0.5, 1) }),
);

const one = <T>(from: readonly T[], pick: number): T | undefined => from[pick % Math.max(1, from.length)];

/** A hub of two cities that lives through happenings. */
async function startLife(storeUrl: string) {
  const redmine = await startRedmineSimulator();
  const rest = await startRestSimulator({ dialect: 'vorgaenge' });
  const hub: TestHub = await startTestHub({
    env: { STORE_URL: storeUrl },
    // A clerk may decide what was just withdrawn; then a person is asked, well within the patience below.
    applications: { retry: { confirmWithinMs: 2000 } },
    coordination: { timing: { pollMs: 50 } },
    cities: {
      duesseldorf: duesseldorf({ baseUrl: redmine.url, apiKey: redmineSimulated.apiKey }),
      neuss: neuss({ baseUrl: rest.url, secret: restSimulatedSecret, idempotency: 'none' }),
    },
  });
  const applications: string[] = [];
  const must = async (query: string, variables: object, persona: string) => {
    const answer = await hub.ask<Record<string, never>>(query, variables, persona);
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return answer.data ?? {};
  };

  async function apply(service: string, place: string, formData: object) {
    const offer = await must(
      'query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { form { revision } } } }',
      { ars: place, service },
      'citizen-eid',
    );
    const { revision } = (offer as { municipality?: { offer: { form: { revision: string } } } }).municipality!.offer.form;
    const input = { service, place: { ars: place }, formRevision: revision, applicant, formData, idempotencyKey: randomUUID() };
    const answer = await must(submitMutation, { input }, 'citizen-eid');
    applications.push((answer as { submitApplication?: { application: { id: string } } }).submitApplication!.application.id);
  }

  async function answerOne(pick: number) {
    const found = await must('{ cases { nodes { id waiting { step municipality { ars } choices { code } } } } }', {}, 'citizen-eid');
    type Seen = { id: string; waiting: { step: string; municipality: { ars: string }; choices: { code: string }[] }[] };
    const nodes = (found as { cases?: { nodes: Seen[] } }).cases!.nodes;
    const open = nodes.flatMap(({ id, waiting }) => waiting.filter(({ choices }) => choices.length > 0).map((step) => ({ id, ...step })));
    const asked = one(open, pick);
    if (!asked) return;
    const clerk = asked.municipality.ars === ars.neuss ? 'clerk-neuss' : 'clerk-duesseldorf';
    const input = { id: asked.id, step: asked.step, choice: one(asked.choices, pick)!.code };
    await must('mutation ($input: AnswerCaseInput!) { answerCase(input: $input) { __typename } }', { input }, clerk);
  }

  return {
    hub,
    async live(happening: Happening): Promise<void> {
      switch (happening.do) {
        case 'apply':
          return apply(parkingPermit, ars[happening.town], parkingFormIn(ars[happening.town]));
        case 'move':
          return apply(registration, ars.duesseldorf, registrationForm());
        case 'decide': {
          const found = one([...redmine.cases.list(), ...rest.cases.list()], happening.pick);
          if (found && redmine.cases.list().includes(found))
            redmine.cases.setStatus(found.id, ['In Progress', 'Resolved', 'Resolved'][happening.status]!);
          else if (found) rest.cases.setStatus(found.id, ['in Prüfung', 'genehmigt', 'genehmigt'][happening.status]!);
          return;
        }
        case 'withdraw': {
          const input = { id: one(applications, happening.pick), reason: '' };
          if (input.id === undefined) return;
          const mutation = 'mutation ($input: WithdrawApplicationInput!) { withdrawApplication(input: $input) { __typename } }';
          return void (await must(mutation, { input }, 'citizen-eid'));
        }
        case 'release': {
          const input = { id: one(applications, happening.pick), decision: { [happening.how]: true } };
          if (input.id === undefined) return;
          const mutation = 'mutation ($input: ReleaseApplicationInput!) { releaseApplication(input: $input) { __typename } }';
          for (const clerk of ['clerk-neuss', 'clerk-duesseldorf']) await must(mutation, { input }, clerk);
          return;
        }
        case 'answer':
          return answerOne(happening.pick);
        case 'lose':
          rest.setFaults({ dropReplies: happening.share });
      }
    },
    async close() {
      await hub.close();
      await redmine.close();
      await rest.close();
    },
  };
}

describeOnEachStore('rebuilding what is made of the log', (kit, dialect) => {
  let life: Awaited<ReturnType<typeof startLife>>;
  let store: Store;
  let url: string;
  const compare = (projection: Projection) => rebuild(store, createEventLog(store), projection, { check: true });
  const types = async () => new Set((await store.db.selectFrom('event_log').select('type').distinct().execute()).map(({ type }) => type));
  /** Nothing is under way any more but what waits for a person: a withdrawal goes out once the parked submission is decided. */
  const rest = async () => {
    const underway = async () => {
      const jobs = await store.db.selectFrom('delivery_job').selectAll().execute();
      const parked = new Set(jobs.filter(({ state }) => state === 'parked').map((job) => job.application_id));
      return jobs.filter((job) => ['queued', 'leased'].includes(job.state) && !parked.has(job.application_id));
    };
    await expect.poll(underway, patience).toEqual([]);
  };

  beforeAll(async () => {
    url = await kit.freshUrl();
    life = await startLife(url);
    store = await kit.open(url);
  });
  afterAll(() => life?.close());

  test('while the hub lives through anything, both are what the log says', { timeout: 120_000 }, async () => {
    // One of each first, so that nothing depends on luck.
    await life.live({ do: 'lose', share: 1 });
    await life.live({ do: 'apply', town: 'neuss' });
    await expect.poll(async () => (await types()).has('application.parked'), patience).toBe(true);
    await life.live({ do: 'lose', share: 0 });
    await life.live({ do: 'release', pick: 0, how: 'retry' });
    await life.live({ do: 'move', town: 'duesseldorf' });
    await rest();
    for (const pick of [0, 1, 2]) await life.live({ do: 'decide', pick, status: 1 });
    await expect.poll(async () => (await types()).has('case.opened'), patience).toBe(true);
    await life.live({ do: 'answer', pick: 0 });
    await fc.assert(
      fc.asyncProperty(fc.array(happenings, { minLength: 10, maxLength: 25 }), async (history) => {
        for (const happening of history) await life.live(happening);
        for (const projection of projections) expect(await compare(projection)).toMatchObject({ differing: 0 });
      }),
      { numRuns: 4, endOnFailure: true },
    );
    await life.live({ do: 'lose', share: 0 });
    await rest();
    expect([...(await types())]).toEqual(
      expect.arrayContaining(['application.parked', 'application.released', 'application.status-changed', 'case.step-taken']),
    );
  });

  test('emptied and made again, they are the same bytes', async () => {
    await life.hub.close();
    const before = await dump(store);
    const rows = before.split('\n').length - tables.length;
    expect(rows).toBeGreaterThan(20);

    await store.transaction(async (tx) => {
      await tx.updateTable('application').set({ status: '', status_since: 0, parked_reason: null }).execute();
      for (const table of ['case_waiting', 'case_application', 'case_participant', 'case_file'] as const)
        await tx.deleteFrom(table).execute();
    });
    expect(await dump(store)).not.toBe(before);
    for (const projection of projections) {
      const { differing, rows: made, events } = await rebuild(store, createEventLog(store), projection);
      expect(differing).toBe(made);
      expect(events).toBeGreaterThan(made > 0 ? 1 : 0);
    }
    expect(await dump(store)).toBe(before);
  });

  test('what differs is found, by whom it is asked, and put right', async () => {
    const before = await dump(store);
    await store.transaction(async (tx) => {
      const [application] = await tx.selectFrom('application').select(['id', 'status']).where('status', '<>', 'CLOSED').execute();
      await tx.updateTable('application').set({ status: 'CLOSED' }).where('id', '=', application!.id).execute();
      const [link] = await tx.selectFrom('case_participant').selectAll().execute();
      await tx.deleteFrom('case_participant').where('case_id', '=', link!.case_id).where('ars', '=', link!.ars).execute();
      await tx.insertInto('case_participant').values({ case_id: link!.case_id, ars: '000000000000' }).execute();
    });
    const broken = await dump(store);
    const lines: string[] = [];
    const ports = { store, eventLog: createEventLog(store) };
    const run = (options: { check?: boolean; projection?: string; json?: boolean }) => {
      lines.length = 0;
      const say = (line: string) => void lines.push(line);
      return runRebuild(ports, projections, { language: 'EN', ...options }, { out: say, note: say });
    };
    expect(await run({ check: true })).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/^applications: \d+ rows from \d+ events; 1 differ\. To put them right: staedtebund rebuild applications$/),
      expect.stringMatching(/^cases: .*; 2 differ\./),
    ]);
    expect(await dump(store), 'a comparison changes nothing').toBe(broken);

    expect(await run({ projection: 'applications', json: true })).toBe(0);
    expect(JSON.parse(lines[0]!)).toMatchObject({ projection: 'applications', differing: 1, changed: true });
    expect(await run({})).toBe(0);
    expect(lines).toEqual([expect.stringMatching(/none differs/), expect.stringMatching(/2 differed and are put right/)]);
    expect(await dump(store)).toBe(before);
    expect(await run({ projection: 'offers' })).toBe(2);
    expect(lines).toEqual(['There is no projection “offers”. There are: applications, cases.']);
  });

  test('the command does it beside the hub', { timeout: 60_000 }, async () => {
    const env = { ...process.env, ...life.hub.env, STORE_URL: url, CITIES_DIR: join(life.hub.folder, 'cities'), NODE_ENV: 'development' };
    const cli = join(import.meta.dirname, '../../src/cli.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [cli, '--language', 'DE', 'rebuild', '--check'], { env });
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^applications: \d+ Zeilen aus \d+ Ereignissen, keine weicht ab\.$/),
      expect.stringMatching(/^cases: \d+ Zeilen/),
    ]);
    expect(dialect).toBe(url.startsWith('sqlite') ? 'sqlite' : 'postgres');
  });
});

describeOnEachStore('a rebuild beside a hub', (kit) => {
  const many = 1200;
  const place = { ars: ars.duesseldorf, service: parkingPermit };

  /** As the hub takes an application: row and event in one transaction. */
  const take = (store: Store, log: EventLog, id: string) =>
    store.transaction(async (tx) => {
      const at = new Date(1_000_000);
      await insertApplication(tx, { id, ...place, status: 'SUBMITTED' });
      await tx.updateTable('application').set({ status_since: at.getTime() }).where('id', '=', id).execute();
      await log.append(tx, [applicationEvent({ id, ...place }, 'application.submitted', {}, at)]);
    });

  /** As the hub grants one: the row is held first. */
  const grant = (store: Store, log: EventLog, id: string, at: Date) =>
    store.transaction(async (tx) => {
      const row = await lockApplication(store, tx, id);
      await updateApplication(tx, row!, { status: 'GRANTED', status_since: at.getTime() });
      await log.append(tx, [applicationEvent({ id, ...place }, 'application.status-changed', { status: 'GRANTED' }, at)]);
    });

  /** Many applications of which the store says another thing than the log. */
  async function openSpoilt(): Promise<{ store: Store; log: EventLog; ids: readonly string[] }> {
    const store = await kit.openFresh();
    const log = createEventLog(store);
    const ids = Array.from({ length: many }, () => randomUUID());
    await store.transaction(async (tx) => {
      for (const id of ids) await insertApplication(tx, { id, ...place, status: 'CLOSED' });
      await log.append(
        tx,
        ids.map((id) => applicationEvent({ id, ...place }, 'application.submitted', {}, new Date(1_000_000))),
      );
    });
    return { store, log, ids };
  }

  test('lets submissions and changes of the same rows through, and ends as the log says', { timeout: 120_000 }, async () => {
    const { store, log, ids } = await openSpoilt();
    let over = false;
    const rebuilding = rebuild(store, log, applicationStanding).finally(() => (over = true));
    let through = 0;
    // From the last, so that both meet.
    for (let index = many - 1; !over && index >= 0; index -= 1) {
      await take(store, log, randomUUID());
      await grant(store, log, ids[index]!, new Date(2_000_000 + index));
      if (!over) through += 1;
    }
    expect(await rebuilding).toMatchObject({ differing: expect.any(Number) as number });
    expect(through).toBeGreaterThan(3);
    expect(await rebuild(store, log, applicationStanding, { check: true })).toMatchObject({ differing: 0 });
    const { granted } = await store.db
      .selectFrom('application')
      .select((e) => e.fn.countAll<number>().as('granted'))
      .where('status', '=', 'GRANTED')
      .executeTakeFirstOrThrow();
    expect(granted, 'no change of the hub is undone').toBeGreaterThanOrEqual(through);
  });

  test('that dies in the middle leaves each row as it was or as the log says', { timeout: 120_000 }, async () => {
    const { store, log } = await openSpoilt();
    let left = 4;
    const dying: Store = {
      ...store,
      transaction: (work) =>
        store.transaction(async (tx) => {
          const result = await work(tx);
          if ((left -= 1) === 0) throw new Error('killed');
          return result;
        }),
    };
    await expect(rebuild(dying, log, applicationStanding)).rejects.toThrow('killed');
    const rows = await store.db.selectFrom('application').select(['status', 'status_since']).execute();
    const found = new Set(rows.map(({ status, status_since }) => `${status} ${status_since}`));
    expect([...found].toSorted()).toEqual(['CLOSED 0', 'SUBMITTED 1000000']);
    const before = rows.filter(({ status }) => status === 'CLOSED').length;
    expect(await rebuild(store, log, applicationStanding)).toMatchObject({ rows: many, differing: before });
    expect(await rebuild(store, log, applicationStanding, { check: true })).toMatchObject({ differing: 0 });
  });

  test('puts cases right that stand in the way of each other, takes away what no event tells, and leaves unknown kinds alone', async () => {
    const store = await kit.openFresh();
    const log = createEventLog(store);
    const kind = { id: 'known', initial: {}, evolve: (state: Json) => state, waiting: () => [] } as unknown as CaseKind;
    const cases = caseProjection((id) => (id === 'known' ? kind : null));
    const open = (id: string, of: string): HubEvent => ({
      id: randomUUID(),
      type: 'case.opened',
      aggregate: { type: 'case', id },
      occurredAt: new Date(1_000_000),
      municipality: ars.duesseldorf as RegionalKey,
      facts: { kind: of, correlation: `of ${id}`, service: parkingPermit, application: `application ${id}` },
    });
    await store.transaction((tx) => log.append(tx, [open('a', 'known'), open('b', 'known'), open('c', 'known'), open('later', 'unknown')]));
    expect(await rebuild(store, log, cases)).toMatchObject({ events: 4, rows: 9, differing: 9 });
    const good = await dump(store);
    await store.transaction(async (tx) => {
      // In a circle: each has the place of the next.
      const give = (id: string, correlation: string) => tx.updateTable('case_file').set({ correlation }).where('id', '=', id).execute();
      for (const [id, correlation] of [
        ['a', ''],
        ['c', 'of a'],
        ['b', 'of c'],
        ['a', 'of b'],
      ] as const)
        await give(id, correlation);
      await tx.insertInto('case_participant').values({ case_id: 'gone', ars: '000000000000' }).execute();
    });
    expect(await rebuild(store, log, cases)).toMatchObject({ differing: 4 });
    expect(await dump(store)).toBe(good);
    const { id, ...file } = await store.db.selectFrom('case_file').selectAll().where('id', '=', 'a').executeTakeFirstOrThrow();
    await store.db
      .insertInto('case_file')
      .values({ ...file, id: 'later', kind: 'unknown', correlation: 'of later' })
      .execute();
    expect(await rebuild(store, log, cases)).toMatchObject({ differing: 0 });
    expect(await store.db.selectFrom('case_file').select('id').where('id', 'in', [id, 'later']).execute()).toHaveLength(2);
  });
});

describe('how an application stands after its events', () => {
  const at = (second: number) => new Date(second * 1000);
  const stands = (...events: readonly (readonly [type: string, facts?: object])[]): Standing | null =>
    events.reduce<Standing | null>(
      (before, [type, facts = {}], index) =>
        standingAfter(before, { type: `application.${type}`, occurredAt: at(index), facts: facts as { status: ApplicationStatus } }),
      null,
    );

  test.each([
    [stands(['submitted']), { status: 'SUBMITTED', since: 0, parkedReason: null }],
    [
      stands(['submitted'], ['parked', { delivery: 'submit', reason: 'REJECTED' }]),
      { status: 'PARKED', since: 1000, parkedReason: 'REJECTED' },
    ],
    [
      stands(['submitted'], ['delivered'], ['withdrawal-requested'], ['parked', { delivery: 'withdraw', reason: 'TIMED_OUT' }]),
      { status: 'DELIVERED', since: 1000, parkedReason: 'TIMED_OUT' },
    ],
    [
      stands(
        ['submitted'],
        ['delivered'],
        ['parked', { delivery: 'withdraw', reason: 'TIMED_OUT' }],
        ['status-changed', { status: 'GRANTED' }],
      ),
      { status: 'GRANTED', since: 3000, parkedReason: 'TIMED_OUT' },
    ],
    [
      stands(['submitted'], ['parked', { delivery: 'submit', reason: 'REJECTED' }], ['released', { status: 'SUBMITTED', action: 'retry' }]),
      { status: 'SUBMITTED', since: 2000, parkedReason: null },
    ],
    [stands(['withdrawal-requested']), null],
  ])('%o', (standing, expected) => {
    expect(standing).toEqual(expected);
  });
});
