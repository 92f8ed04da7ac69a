import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CaseInput } from '../../src/coordination/kind.ts';
import { certificate } from '../../src/coordination/kinds/certificate.ts';
import { answer, anApplication, changed, cityA, cityB, dueAt, Play, told } from './decider.ts';
import { shippedKeys } from '../kit/key-rules.ts';

const birth = '99027002012000';
const order = anApplication('order-1', birth, cityB, { marks: { 'asked-in': cityA, 'registered-in': cityB } });

const opened = () => {
  const play = new Play(certificate);
  play.tell(told(order, 'submitted', { status: 'SUBMITTED' }), order);
  return play;
};

describe('a certificate that another city issues', () => {
  test('is one case of its application, and only where another city is competent', () => {
    const { event } = told(order, 'submitted') as Extract<CaseInput, { kind: 'event' }>;
    expect(certificate.correlate(event, order, shippedKeys)).toBe('order-1');
    expect(certificate.correlate(event, { ...order, marks: { 'asked-in': cityB, 'registered-in': cityB } }, shippedKeys)).toBeNull();
    expect(certificate.correlate(event, { ...order, marks: {} }, shippedKeys)).toBeNull();
    expect(certificate.correlate(event, null, shippedKeys)).toBeNull();
  });

  test('given nothing, when it is submitted, then it is handed over to the city of the register', () => {
    const play = opened();
    expect(play.log).toEqual([
      { type: 'case.opened', of: cityA, to: [cityB], facts: { kind: 'certificate', from: cityA, service: birth, application: 'order-1' } },
      {
        type: 'certificate.handed-over',
        of: cityA,
        to: [cityB],
        facts: { from: cityA, service: birth, application: 'order-1', dueAt: dueAt.toISOString() },
      },
    ]);
    expect(play.waiting()).toEqual([
      { step: 'deliver', city: cityB, by: 'office', code: 'DELIVER', choices: [], application: 'order-1', dueAt },
    ]);
  });

  test.each([
    ['GRANTED', 'ISSUED'],
    ['PARTLY_GRANTED', 'ISSUED_IN_PART'],
    ['REFUSED', 'REFUSED'],
    ['CLOSED', 'ENDED'],
    ['DISCARDED', 'DISCARDED'],
  ])('given it is delivered, when it is %s, then the city where it was asked for is told %s', (status, outcome) => {
    const play = opened();
    play.tell(told(order, 'delivered', { status: 'DELIVERED' }), order);
    expect(play.steps()).toEqual(['decide']);
    play.tell(changed(order, 'IN_REVIEW'), order);
    play.tell(changed(order, status), order);
    expect(play.log.at(-1)).toEqual({ type: 'case.closed', of: cityB, to: [cityA], facts: { outcome } });
    expect(play.waiting()).toEqual([]);
  });

  test('given it was never sent, when the citizen withdraws it, then it ends without having been in the other city', () => {
    const play = opened();
    play.tell(told(order, 'withdrawn', { status: 'WITHDRAWN' }), order);
    expect(play.types()).toEqual(['case.opened', 'certificate.handed-over', 'case.closed']);
    expect(play.outcomes()).toEqual(['WITHDRAWN']);
  });

  test('given nobody decides, when it is due, then it is overdue, a clerk there gets a task, and either way out is open', () => {
    const overdue = () => {
      const play = opened();
      play.tell(told(order, 'delivered', { status: 'DELIVERED' }), order);
      play.tell({ kind: 'due', step: 'decide' });
      play.tellAgain({ kind: 'due', step: 'decide' });
      return play;
    };
    const settled = overdue();
    expect(settled.log.at(-1)).toMatchObject({ type: 'case.overdue', to: [cityA], facts: { step: 'decide' } });
    expect(settled.waiting().find(({ by }) => by === 'clerk')).toMatchObject({ city: cityB, step: 'overdue', choices: ['SETTLED'] });
    settled.tellAgain(answer('overdue', cityA, 'SETTLED'));
    settled.tell(answer('overdue', cityB, 'SETTLED'));
    expect(settled.outcomes()).toEqual(['SETTLED_ELSEWHERE']);
    const decided = overdue();
    decided.tell(changed(order, 'GRANTED'), order);
    expect(decided.outcomes()).toEqual(['ISSUED']);
  });

  test('whatever is repeated, late or out of turn, it ends once and stays ended', () => {
    const status = fc.constantFrom(
      'RECEIVED',
      'IN_REVIEW',
      'ACTION_REQUIRED',
      'GRANTED',
      'PARTLY_GRANTED',
      'REFUSED',
      'WITHDRAWN',
      'CLOSED',
      'DISCARDED',
    );
    const input = fc.oneof(
      status.map((one) => changed(order, one)),
      fc
        .constantFrom(
          ['submitted', 'SUBMITTED'],
          ['delivered', 'DELIVERED'],
          ['parked', 'PARKED'],
          ['released', 'SUBMITTED'],
          ['released', 'DISCARDED'],
          ['withdrawn', 'WITHDRAWN'],
        )
        .map(([type = '', status = '']) => told(order, type, { status })),
      fc.constantFrom('deliver', 'decide', 'overdue').map((step) => ({ kind: 'due', step }) as const),
      fc.constantFrom(cityA, cityB).map((by) => answer('overdue', by, 'SETTLED')),
    );
    fc.assert(
      fc.property(fc.array(input, { maxLength: 20 }), (inputs) => {
        const play = new Play(certificate);
        for (const one of [...inputs, changed(order, 'GRANTED')]) {
          play.tell(one, order);
          play.expectSound();
          play.tellAgain(one, order);
        }
        expect(play.outcomes()).toHaveLength(1);
        expect(play.types().filter((type) => type === 'certificate.handed-over')).toHaveLength(1);
        expect(play.waiting()).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});
