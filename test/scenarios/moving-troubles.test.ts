import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ars } from '../kit/hub.ts';
import { applicant } from '../kit/samples.ts';
import { createStack } from '../kit/stack.ts';
import { move, mover, registration, registrationForm, startTowns, type Towns } from './moving.ts';

/* What goes wrong when somebody moves, what is to be seen of it, and by whom. */

const keep = createStack();
const patience = { timeout: 30_000, interval: 50 };

interface Tasks {
  readonly clerkTasks: { readonly nodes: readonly { readonly step: string; readonly code: string; readonly text: string }[] };
}

const tasksOf = async (towns: Towns, persona: string) => {
  const { data } = await towns.hub.ask<Tasks>('{ clerkTasks { nodes { step code text } } }', {}, persona);
  return data?.clerkTasks.nodes ?? [];
};

const factsFor = (towns: Towns, id: string, persona?: string) =>
  towns.hub.ask<{ caseFacts: { __typename: string; code?: string; facts?: { values: object }[] } }>(
    'query ($id: ID!) { caseFacts(id: $id) { __typename ... on NotFound { code } ... on CaseFacts { facts { values } } } }',
    { id },
    persona,
  );

/** Rows of the hub's own file. */
const rowsOf = (towns: Towns, query: string) => {
  const database = new DatabaseSync(join(towns.hub.folder, 'hub.db'), { readOnly: true });
  try {
    return database.prepare(query).all();
  } finally {
    database.close();
  }
};

/** A registration in Düsseldorf, granted; the case that follows. */
async function register(towns: Towns, previous?: object) {
  const application = await towns.submit(registration, ars.duesseldorf, registrationForm(previous));
  await expect.poll(() => towns.statusOf(application), patience).toBe('RECEIVED');
  towns.grant('duesseldorf', application);
  await expect.poll(() => towns.caseOf(application), patience).not.toBeNull();
  const see = async (persona?: string) => (await towns.caseOf(application, persona))!;
  return { application, id: (await see()).id, see };
}

test('an implausible notice becomes a task of the clerk who can clarify it; sent again, it goes on', async () => {
  const towns = keep(await startTowns());
  const { id, see } = await register(towns);
  await towns.answer('answerCase', id, 'evaluate', 'IMPLAUSIBLE', 'clerk-neuss');
  expect(await tasksOf(towns, 'clerk-duesseldorf')).toEqual([
    { step: 'clarify-1', code: 'CLARIFY', text: expect.stringContaining('für nicht plausibel') },
  ]);
  expect(await tasksOf(towns, 'clerk-neuss'), 'nobody else gets it').toEqual([]);

  const resolve = (choice: string, persona = 'clerk-duesseldorf') => towns.answer('resolveClerkTask', id, 'clarify-1', choice, persona);
  expect(await resolve('PERHAPS')).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('SEND_AGAIN | GIVE_UP') });
  expect(await resolve('SEND_AGAIN', 'clerk-neuss')).toMatchObject({ code: 'NOT_AWAITED' });
  expect(await resolve('SEND_AGAIN')).toMatchObject({ replayed: false });
  expect((await see()).waiting.map(({ step }) => step)).toEqual(['evaluate-2']);
  expect(await tasksOf(towns, 'clerk-duesseldorf')).toEqual([]);
});

test('a municipality that is not connected: the case ends, and says what people must do', async () => {
  const towns = keep(await startTowns({ neuss: null }));
  // By its postal code, which is Neuss's alone.
  const { see } = await register(towns, { municipality: undefined });
  const { outcome, waiting, history } = await see();
  expect(outcome).toEqual({ code: 'NOT_CONNECTED', text: expect.stringMatching(/departure, Neuss, is not connected.*XMeld/) });
  expect(waiting).toEqual([]);
  expect(history.nodes.map(({ type }) => type)).toEqual(['case.opened', 'case.closed']);
  expect(history.nodes[0]?.facts).toMatchObject({ departure: ars.neuss });
  expect((await see('clerk-duesseldorf')).outcome?.code, 'its own city sees it').toBe('NOT_CONNECTED');
});

test('silence escalates, and keeps nobody waiting', async () => {
  let ahead = 0;
  const towns = keep(await startTowns({ now: () => new Date(Date.now() + ahead) }));
  const { id, see } = await register(towns);
  ahead = 80 * 3_600_000;
  await expect.poll(async () => (await see()).history.nodes.at(-1)?.type, patience).toBe('case.overdue');
  expect((await see()).history.nodes.at(-1)?.facts).toMatchObject({ step: 'evaluate', to: [ars.duesseldorf, ars.neuss] });
  expect(await tasksOf(towns, 'clerk-duesseldorf')).toMatchObject([{ step: 'no-answer-1' }]);
  expect(await tasksOf(towns, 'clerk-neuss')).toMatchObject([{ step: 'evaluate' }]);
  const metrics = await (await fetch(`${towns.hub.url}/metrics`)).text();
  expect(metrics).toContain('staedtebund_case_overdue_total{kind="moving"} 1');
  expect(metrics).toContain('staedtebund_clerk_tasks{city="neuss"} 1');
  // Late is better than never.
  expect(await towns.answer('resolveClerkTask', id, 'evaluate', 'ACCEPTED', 'clerk-neuss')).toMatchObject({ replayed: false });
  expect(await tasksOf(towns, 'clerk-duesseldorf')).toEqual([]);
});

test('a permit that no system can end is ended by a person there', async () => {
  const towns = keep(await startTowns({ withoutWithdrawal: true }));
  const { permit, id, see } = await move(towns);
  await towns.answer('answerCase', id, 'evaluate', 'ACCEPTED', 'clerk-neuss');
  await towns.answer('answerCase', id, 'deregister', 'DONE', 'clerk-neuss');
  const step = `end-permit-${permit}-by-hand`;
  expect(await tasksOf(towns, 'clerk-neuss')).toMatchObject([{ step, code: 'END_PERMIT_BY_HAND' }]);
  expect(await towns.statusOf(permit)).toBe('GRANTED');
  await towns.answer('resolveClerkTask', id, step, 'ENDED', 'clerk-neuss');
  expect((await see()).outcome?.code).toBe('COMPLETED');
  expect(await towns.statusOf(permit), 'the hub notes it too').toBe('WITHDRAWN');
});

describe('who sees what', () => {
  test('facts are for the city that was told, are written down when read, and end with the case; nobody else sees anything', async () => {
    const towns = keep(await startTowns());
    const { id, application, see } = await register(towns);

    const { data } = await factsFor(towns, id, 'clerk-neuss');
    expect(data?.caseFacts.facts?.[0]?.values).toMatchObject({
      '/persons': [mover],
      '/previousAddress': { street: 'Oberstraße' },
      '/moveInDate': '2026-11-20',
    });
    expect(JSON.stringify(data), 'what the form does not mark stays').not.toContain('Kanarienvogel');
    expect((await factsFor(towns, id, 'clerk-duesseldorf')).data?.caseFacts.code, 'it has them from the application').toBe('NOT_FOUND');
    expect((await factsFor(towns, id, 'citizen-eid')).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    expect((await factsFor(towns, id)).errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED');
    expect(rowsOf(towns, 'select city, by from case_facts_reading')).toEqual([
      { city: ars.neuss, by: expect.stringMatching(/\|clerk-neuss$/) },
    ]);

    for (const persona of ['citizen2', 'state', 'portal']) {
      expect([persona, await towns.caseOf(application, persona)]).toEqual([persona, null]);
      const { data: seen } = await towns.hub.ask<{ case: unknown }>('query ($id: ID!) { case(id: $id) { id } }', { id }, persona);
      expect([persona, seen?.case]).toEqual([persona, null]);
      const { errors } = await towns.hub.ask('{ clerkTasks { totalCount } }', {}, persona);
      expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    }
    expect(await towns.answer('answerCase', id, 'evaluate', 'ACCEPTED', 'clerk-duesseldorf'), 'its answer it is not').toMatchObject({
      code: 'NOT_AWAITED',
    });

    const canaries = [mover.familyName, mover.givenNames, mover.dateOfBirth, 'Oberstraße', 'Vermietung', applicant.name];
    const sealed = rowsOf(towns, 'select sealed from case_facts');
    expect(sealed).toHaveLength(1);
    await towns.answer('answerCase', id, 'evaluate', 'ACCEPTED', 'clerk-neuss');
    await towns.answer('answerCase', id, 'deregister', 'DONE', 'clerk-neuss');
    expect((await see()).outcome?.code).toBe('COMPLETED');
    expect(rowsOf(towns, 'select * from case_facts'), 'gone with the case').toEqual([]);
    expect((await factsFor(towns, id, 'clerk-neuss')).data?.caseFacts.code).toBe('NOT_FOUND');

    const tables = ['event_log', 'case_file', 'case_waiting', 'case_answer', 'application_mark', 'case_facts_reading', 'inbox'];
    const left = JSON.stringify([sealed, ...tables.map((table) => rowsOf(towns, `select * from ${table}`))]) + towns.hub.logged();
    for (const canary of canaries) expect(left.includes(canary), `“${canary}” is in a table or in the log`).toBe(false);
  });
});
