import { describe, expect, test } from 'vitest';
import type { Json, RegionalKey, ServiceKey } from '#contract';
import type { CaseApplication, CaseEvent, CaseInput, Decision, World } from '../../src/coordination/kind.ts';
import { moving } from '../../src/coordination/kinds/moving.ts';
import { shippedKeys } from '../kit/key-rules.ts';

/* The rules of a move, given what happened, when something comes, then what follows. */

const now = new Date('2026-11-24T10:00:00Z');
const dueAt = '2026-11-27T10:00:00.000Z';
const arrival = '051110000000' as RegionalKey;
const departure = '053150000000' as RegionalKey;
const registration = '99115005104000' as ServiceKey;
const permit = '99108001001000' as ServiceKey;

const world = (over: Partial<World> = {}): World => ({
  now,
  isConnected: () => true,
  keys: shippedKeys,
  offers: () => true,
  partners: () => [],
  answerDue: () => new Date(dueAt),
  sameApplicant: [],
  ...over,
});

const application = (over: Partial<CaseApplication> = {}): CaseApplication => ({
  id: 'app-1',
  service: registration,
  asked: over.service ?? registration,
  ars: arrival,
  status: 'GRANTED',
  canWithdraw: true,
  marks: { departure },
  ...over,
});

const permitIn = (id: string, over: Partial<CaseApplication> = {}): CaseApplication =>
  application({ id, service: permit, ars: departure, marks: {}, ...over });

const happened = (type: string, facts: { readonly [name: string]: Json }, id = 'app-1'): CaseInput => ({
  kind: 'event',
  event: { id: 'event', type, aggregate: { type: 'application', id }, municipality: arrival, facts },
});
const granted = happened('application.status-changed', { status: 'GRANTED', previousStatus: 'RECEIVED' });
const answer = (step: string, choice: string, by = departure, fields: string[] = []): CaseInput => ({
  kind: 'answer',
  step,
  by,
  choice,
  fields,
});

/** The state and what was decided, after inputs one after the other. */
function after(inputs: readonly CaseInput[], over: Partial<World> = {}, about: CaseApplication = application()) {
  let state = moving.initial;
  let last: Decision = { events: [] };
  for (const input of inputs) {
    last = moving.decide(state, input, world(over), about);
    state = last.events.reduce((one: typeof state, event: CaseEvent) => moving.evolve(one, event), state);
  }
  return { state, last, types: last.events.map(({ type }) => type), steps: moving.waiting(state).map(({ step }) => step) };
}

describe('a registration that is granted', () => {
  test('tells the municipality that was left, with the facts that it needs and nothing else', () => {
    const { last, steps } = after([granted]);
    expect(last.events).toEqual([
      {
        type: 'case.opened',
        of: arrival,
        to: [departure],
        facts: { kind: 'moving', from: arrival, service: registration, application: 'app-1', departure },
      },
      {
        type: 'move.registered',
        of: arrival,
        to: [departure],
        facts: { from: arrival, arrival, departure, round: 1, step: 'evaluate', dueAt },
      },
    ]);
    expect(steps).toEqual(['evaluate']);
  });

  test.each([
    ['from nowhere that is known', { marks: {} }],
    ['from the same municipality', { marks: { departure: arrival } }],
    ['that keeps the previous dwelling', { marks: { departure, 'keeps-previous': true } }],
    ['of another service', { service: permit }],
  ])('%s begins nothing', (_, over) => {
    expect(after([granted], {}, application(over)).types).toEqual([]);
    expect(granted.kind === 'event' && moving.correlate(granted.event, application(over), shippedKeys)).toBeNull();
  });

  test('from a municipality that is not connected ends visibly, and says what is to be done', () => {
    const { types, last, steps } = after([granted], { isConnected: () => false });
    expect(types).toEqual(['case.opened', 'case.closed']);
    expect(last.events[1]?.facts).toEqual({ outcome: 'NOT_CONNECTED' });
    expect(steps).toEqual([]);
    expect(moving.texts['NOT_CONNECTED']?.de).toMatch(/XMeld/);
  });

  test('before it is granted, or after it was, is nothing', () => {
    expect(after([happened('application.status-changed', { status: 'IN_REVIEW' })]).types).toEqual([]);
    expect(after([granted, granted]).types).toEqual([]);
  });
});

describe('a city that files under an object key', () => {
  const filed = { service: '99115005000000' as ServiceKey, ars: '091620000000' as RegionalKey };

  test('is told of as any other: what counts is what was asked for', () => {
    expect(after([granted], {}, application({ ...filed, asked: registration })).types).toEqual(['case.opened', 'move.registered']);
    expect(after([granted], {}, application({ ...filed, asked: filed.service })).types).toEqual(['case.opened', 'move.registered']);
    const detail = '99115005104002' as ServiceKey;
    expect(after([granted], {}, application({ service: detail, asked: detail })).types).toEqual(['case.opened', 'move.registered']);
  });

  test('and not where it was asked for something else that it files there', () => {
    const deregistration = '99115005070000' as ServiceKey;
    expect(after([granted], {}, application({ ...filed, asked: deregistration })).types).toEqual([]);
  });

  test.each([
    ['filed under the object key', '99108001000000', '99108001001000'],
    ['asked for under the object key', '99108001000000', '99108001000000'],
    ['renewed', '99108001020000', '99108001020000'],
  ])('a permit that was %s ends as well', (_, service, asked) => {
    const held = permitIn('permit-1', { service: service as ServiceKey, asked: asked as ServiceKey });
    const { types, last } = after([granted, answer('evaluate', 'ACCEPTED'), answer('deregister', 'DONE')], { sameApplicant: [held] });
    expect(types).toContain('permit.end-requested');
    expect(types).not.toContain('case.closed');
    expect(last.commands).toMatchObject([{ do: { application: 'permit-1' } }]);
  });

  test('a permit of another kind stays', () => {
    const other = permitIn('permit-1', { service: '99108003001001' as ServiceKey });
    const { last } = after([granted, answer('evaluate', 'ACCEPTED'), answer('deregister', 'DONE')], { sameApplicant: [other] });
    expect(last.events.at(-1)?.facts).toEqual({ outcome: 'COMPLETED' });
  });
});

describe('a municipality that has another key than before', () => {
  const [before, since] = ['064350014014', '064150000000'] as [RegionalKey, RegionalKey];

  test('answers under either, and its permits end', () => {
    const held = permitIn('permit-1', { ars: before });
    const { types } = after(
      [granted, answer('evaluate', 'ACCEPTED', since), answer('deregister', 'DONE', before)],
      { sameApplicant: [held] },
      application({ marks: { departure: since } }),
    );
    expect(types).toContain('permit.end-requested');
  });

  test('is not left by who moves within it', () => {
    expect(after([granted], {}, application({ ars: before, marks: { departure: since } })).types).toEqual([]);
  });
});

describe('the municipality that was left', () => {
  test('takes the notice over, deregisters, and there is no permit: done', () => {
    const { types, steps } = after([granted, answer('evaluate', 'ACCEPTED'), answer('deregister', 'DONE')]);
    expect(types).toEqual(['case.step-taken', 'move.deregistered', 'case.closed']);
    expect(steps).toEqual([]);
  });

  test('names the fields that differ, each once', () => {
    const { last } = after([granted, answer('evaluate', 'DEVIATIONS', departure, ['nationality', 'dateOfBirth', 'nationality'])]);
    expect(last.events[1]).toMatchObject({
      type: 'move.evaluated',
      of: departure,
      to: [arrival],
      facts: { result: 'DEVIATIONS', fields: ['dateOfBirth', 'nationality'] },
    });
  });

  test('finds it implausible: a clerk where the person arrived sends it again, as another step', () => {
    const first = after([granted, answer('evaluate', 'IMPLAUSIBLE')]);
    expect(first.steps).toEqual(['clarify-1']);
    const again = after([granted, answer('evaluate', 'IMPLAUSIBLE'), answer('clarify-1', 'SEND_AGAIN', arrival)]);
    expect(again.types).toEqual(['case.step-taken', 'move.registered']);
    expect(again.steps).toEqual(['evaluate-2']);
  });

  test('or gives up: the registration holds, and both are told', () => {
    const { last, steps } = after([granted, answer('evaluate', 'IMPLAUSIBLE'), answer('clarify-1', 'GIVE_UP', arrival)]);
    expect(last.events.at(-1)).toEqual({ type: 'case.closed', of: arrival, to: [departure], facts: { outcome: 'UNRESOLVED' } });
    expect(steps).toEqual([]);
  });

  test.each([
    ['somebody else', answer('evaluate', 'ACCEPTED', arrival)],
    ['a step to come', answer('deregister', 'DONE')],
    ['a choice that is none', answer('evaluate', 'MAYBE')],
  ])('an answer of %s decides nothing', (_, input) => {
    expect(after([granted, input]).types).toEqual([]);
  });
});

describe('a municipality that is silent', () => {
  const late = { now: new Date('2026-11-28T00:00:00Z') };
  const due = (step: string): CaseInput => ({ kind: 'due', step });

  test('is overdue once, before all eyes; clerks on both sides can act', () => {
    const { types, state } = after([granted, due('evaluate')], late);
    expect(types).toEqual(['case.overdue']);
    expect(moving.waiting(state).map(({ step, by, city, dueAt }) => ({ step, by, city, dueAt }))).toEqual([
      { step: 'evaluate', by: 'clerk', city: departure, dueAt: null },
      { step: 'no-answer-1', by: 'clerk', city: arrival, dueAt: null },
    ]);
    expect(after([granted, due('evaluate'), due('evaluate')], late).types).toEqual([]);
  });

  test('before its time is over, nothing', () => {
    expect(after([granted, due('evaluate')]).types).toEqual([]);
  });

  test('may still answer, also the first notice after it was sent again', () => {
    const { types, steps } = after(
      [granted, due('evaluate'), answer('no-answer-1', 'SEND_AGAIN', arrival), answer('evaluate', 'ACCEPTED')],
      late,
    );
    expect(types).toEqual(['case.step-taken', 'move.evaluated']);
    expect(steps).toEqual(['deregister']);
  });
});

describe('parking permits of the same applicant', () => {
  const way = [granted, answer('evaluate', 'ACCEPTED'), answer('deregister', 'DONE')];
  const withdrawn = (id: string) => happened('application.withdrawn', { status: 'WITHDRAWN' }, id);

  test('are ended by their back office, the service is suggested where the person is now', () => {
    const { last, types } = after(way, { sameApplicant: [permitIn('p-1')] });
    expect(types).toEqual(['case.step-taken', 'move.deregistered', 'permit.end-requested', 'offer.suggested']);
    expect(last.commands).toEqual([
      { step: 'end-permit-p-1', do: { type: 'withdraw-application', application: 'p-1', reason: 'MOVED_AWAY' } },
    ]);
    const done = after([...way, withdrawn('p-1')], { sameApplicant: [permitIn('p-1')] });
    expect(done.types).toEqual(['permit.ended', 'case.closed']);
    expect(done.last.events[0]).toMatchObject({ of: departure, to: [departure], facts: { application: 'p-1', reason: 'MOVED_AWAY' } });
  });

  test('elsewhere, of other services or ended before are left alone', () => {
    const sameApplicant = [
      permitIn('in-arrival', { ars: arrival }),
      permitIn('refused', { status: 'REFUSED' }),
      permitIn('other', { service: registration }),
    ];
    expect(after(way, { sameApplicant }).types).toEqual(['case.step-taken', 'move.deregistered', 'case.closed']);
  });

  test.each([
    ['whose back office cannot be told', { canWithdraw: false }],
    ['whose case is closed, as many systems do with what was granted,', { status: 'CLOSED' as const }],
  ])('%s are ended by a clerk there', (_, over) => {
    const sameApplicant = [permitIn('p-1', over)];
    const { last, state } = after(way, { sameApplicant });
    expect(last.commands).toEqual([]);
    expect(moving.waiting(state)).toMatchObject([{ step: 'end-permit-p-1-by-hand', city: departure, by: 'clerk', choices: ['ENDED'] }]);
    const done = after([...way, answer('end-permit-p-1-by-hand', 'ENDED')], { sameApplicant });
    expect(done.types).toEqual(['case.step-taken', 'permit.ended', 'case.closed']);
    expect(done.last.commands).toMatchObject([{ do: { application: 'p-1', byHand: true } }]);
  });

  test.each<[string, CaseInput, Partial<World>]>([
    ['a person gave up', happened('application.released', { status: 'GRANTED', action: 'discard' }, 'p-1'), {}],
    ['that is too slow', { kind: 'due', step: 'end-permit-p-1' }, { now: new Date('2026-12-01T00:00:00Z') }],
  ])('a delivery %s becomes a task, and ends once, whoever is first', (_, input, over) => {
    const sameApplicant = [permitIn('p-1')];
    const { types, steps } = after([...way, input], { sameApplicant, ...over });
    expect(types).toContain('permit.end-requested');
    expect(steps).toEqual(['end-permit-p-1-by-hand']);
    const both = after([...way, input, withdrawn('p-1'), answer('end-permit-p-1-by-hand', 'ENDED')], { sameApplicant, ...over });
    expect(both.types).toEqual([]);
  });

  test('that nobody can tell to be the person’s are looked for by a clerk there', () => {
    const { steps, types } = after(way, { sameApplicant: null });
    expect(types).toEqual(['case.step-taken', 'move.deregistered', 'permit.end-requested']);
    expect(steps).toEqual(['end-permits-by-hand']);
    const none = after([...way, answer('end-permits-by-hand', 'NONE')], { sameApplicant: null });
    expect(none.types).toEqual(['case.step-taken', 'case.closed']);
    const ended = after([...way, answer('end-permits-by-hand', 'ENDED')], { sameApplicant: null });
    expect(ended.types).toEqual(['case.step-taken', 'permit.ended', 'case.closed']);
    expect(ended.last.commands ?? []).toEqual([]);
    expect(after(way, { sameApplicant: null, offers: () => false }).types, 'a city without permits has none').toContain('case.closed');
  });

  test('the case is done with the last of them', () => {
    const sameApplicant = [permitIn('p-1'), permitIn('p-2')];
    expect(after([...way, withdrawn('p-2')], { sameApplicant }).types).toEqual(['permit.ended']);
    expect(after([...way, withdrawn('p-2'), withdrawn('p-1')], { sameApplicant }).types).toEqual(['permit.ended', 'case.closed']);
  });
});

test('every code has a text in both languages', () => {
  const codes = ['EVALUATE', 'DEREGISTER', 'CLARIFY', 'NO_ANSWER', 'END_PERMIT', 'END_PERMIT_BY_HAND', 'CHECK_PERMITS'];
  const choices = ['ACCEPTED', 'DEVIATIONS', 'IMPLAUSIBLE', 'SEND_AGAIN', 'GIVE_UP', 'DONE', 'ENDED', 'NONE'];
  for (const code of [...codes, ...choices, 'COMPLETED', 'NOT_CONNECTED', 'UNRESOLVED'])
    expect([code, moving.texts[code]?.de, moving.texts[code]?.en]).toEqual([code, expect.any(String), expect.any(String)]);
});
