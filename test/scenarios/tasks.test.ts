import { expect, test } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { ars, duesseldorf, neuss, startTestHub } from '../kit/hub.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { createStack } from '../kit/stack.ts';

const keep = createStack();
const patience = { timeout: 60_000, interval: 50 };

interface Tasks {
  readonly tasks: {
    readonly totalCount: number;
    readonly nodes: readonly { readonly __typename: string; readonly kind: string; readonly [field: string]: unknown }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

const query = `query ($kinds: [TaskKind!], $first: Int, $after: String) { tasks(kinds: $kinds, first: $first, after: $after) {
  totalCount pageInfo { hasNextPage endCursor }
  nodes { __typename kind since
    ... on ApplicationTask { reason refusal { message } application { id } }
    ... on CaseStepTask { step { step code text choices { code } } }
    ... on EventTask { delivery { eventId type why: reason } }
    ... on RecordTask { adapter record problem: reason lastMetAt }
  } } }`;

/** What else may wait for a person in a city, as the features leave it in the store. */
async function plant({ db }: Store, city: { id: string; ars: string }): Promise<void> {
  const id = `01900000-0000-7000-8000-${city.ars}`;
  await db
    .insertInto('case_file')
    .values({
      id,
      kind: 'moving',
      correlation: id,
      state: '{}',
      ars: city.ars,
      service_key: '99115005104000',
      application_id: id,
      outcome: null,
      opened_at: 1,
      changed_at: 2,
      closed_at: null,
      version: 1,
    })
    .execute();
  await db.insertInto('case_participant').values({ case_id: id, ars: city.ars }).execute();
  for (const [step, by] of [
    ['correct', 'clerk'],
    ['evaluate', 'city'],
  ] as const)
    await db
      .insertInto('case_waiting')
      .values({
        case_id: id,
        step,
        city: city.ars,
        by,
        code: 'CORRECT',
        choices: '["SENT"]',
        fields: '[]',
        application_id: null,
        due_at: null,
      })
      .execute();
  for (const [seq, state] of [
    [1, 'parked'],
    [2, 'parked'],
    [3, 'delivered'],
  ] as const)
    await db
      .insertInto('event_delivery')
      .values({
        city: city.id,
        event_id: `event-${seq}`,
        seq,
        type: 'move.registered',
        aggregatetype: 'case',
        aggregateid: `${city.id}-${seq}`,
        state,
        attempts: 1,
        failed_at: null,
        not_before: 0,
        lease_until: null,
        fence: 1,
        last_error: null,
        reason: state === 'parked' ? 'REJECTED' : null,
        replays: 0,
        queued_at: 1,
        updated_at: 2,
      })
      .execute();
  for (const [record, first_at] of [
    ['a b', 1],
    ['', 1],
    ['later', 9],
  ] as const)
    await db
      .insertInto('set_aside_record')
      .values({ city: city.id, adapter: 'cases', record, reason: 'updated is no moment', first_at, last_at: Date.now() })
      .execute();
}

describeOnEachStore('what waits for a person of a city', (kit) => {
  test('is one list of every kind, page by page, for that city alone', async () => {
    const backoffice = keep(await startRedmineSimulator());
    const settings = { baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey };
    const STORE_URL = await kit.freshUrl();
    const hub = keep(
      await startTestHub({
        cities: { duesseldorf: duesseldorf({ ...settings, project: 'nowhere' }), neuss: neuss({ baseUrl: backoffice.url, secret: 'x' }) },
        env: { STORE_URL },
      }),
    );
    const first = await hub.submit(ars.duesseldorf, 'first');
    const second = await hub.submit(ars.duesseldorf, 'second');
    for (const { id } of [first, second]) await expect.poll(async () => (await hub.find(id))?.status, patience).toBe('PARKED');
    await plant(await kit.open(STORE_URL), { id: 'duesseldorf', ars: ars.duesseldorf });

    const ask = async (variables: object, persona = 'clerk-duesseldorf') => {
      const answer = await hub.ask<Tasks>(query, variables, persona);
      return answer.data?.tasks ?? answer.errors?.[0]?.extensions?.code;
    };
    const whole = (await ask({ first: 100 })) as Tasks['tasks'];
    expect(whole.nodes.map(({ __typename, kind, since: _since, lastMetAt: _met, ...node }) => ({ __typename, kind, ...node }))).toEqual([
      ...[first, second].map(({ id }) => ({
        __typename: 'ApplicationTask',
        kind: 'APPLICATION',
        reason: 'REJECTED',
        refusal: { message: expect.stringMatching(/./) as string },
        application: { id },
      })),
      {
        __typename: 'CaseStepTask',
        kind: 'CASE_STEP',
        step: { step: 'correct', code: 'CORRECT', text: expect.any(String) as string, choices: [{ code: 'SENT' }] },
      },
      ...['event-1', 'event-2'].map((eventId) => ({
        __typename: 'EventTask',
        kind: 'EVENT',
        delivery: { eventId, type: 'move.registered', why: 'REJECTED' },
      })),
      ...[null, 'a b', 'later'].map((record) => ({
        __typename: 'RecordTask',
        kind: 'RECORD',
        adapter: 'cases',
        record,
        problem: 'updated is no moment',
      })),
    ]);
    expect(whole).toMatchObject({ totalCount: 8, pageInfo: { hasNextPage: false } });

    for (const size of [1, 2, 3, 5]) {
      const seen: unknown[] = [];
      let after: string | null = null;
      for (;;) {
        const page = (await ask({ first: size, after })) as Tasks['tasks'];
        expect(page.totalCount).toBe(8);
        expect(page.nodes.length, 'only the last page may be shorter').toBe(page.pageInfo.hasNextPage ? size : page.nodes.length);
        seen.push(...page.nodes);
        if (!page.pageInfo.hasNextPage) break;
        after = page.pageInfo.endCursor;
      }
      expect(seen, `pages of ${size}`).toEqual(whole.nodes);
    }

    expect(await ask({ kinds: ['RECORD', 'CASE_STEP'] })).toMatchObject({
      totalCount: 4,
      nodes: [{ kind: 'CASE_STEP' }, { kind: 'RECORD' }, { kind: 'RECORD' }, { kind: 'RECORD' }],
    });
    expect(await ask({}, 'clerk-neuss')).toMatchObject({ totalCount: 0, nodes: [] });
    for (const persona of ['citizen', 'operator']) expect(await ask({}, persona)).toBe('FORBIDDEN');
    expect(await ask({ after: 'nowhere' })).toBe('INVALID_INPUT');
  });
});
