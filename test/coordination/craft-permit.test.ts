import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RegionalKey, ServiceKey } from '#contract';
import type { CaseInput, World } from '../../src/coordination/kind.ts';
import { craftPermit } from '../../src/coordination/kinds/craft-permit.ts';
import { answer, anApplication, aWorld, changed, cityA, cityB, cityC, dueAt, Play, told } from './decider.ts';
import { shippedKeys } from '../kit/key-rules.ts';

const leika = '99108003001001' as ServiceKey;
const munich = '99108010000000' as ServiceKey;
const permit = anApplication('permit-1', leika, cityA, { marks: { 'valid-from': '2026-12-01', 'valid-months': '12' } });
const endsAt = '2027-12-01T00:00:00.000Z';

/** B files it under the same key, C under another. */
const treaty = (more: Partial<World> = {}): World =>
  aWorld({
    partners: () => [
      { city: cityB, service: leika },
      { city: cityC, service: munich },
    ],
    ...more,
  });

const granted = (world = treaty()) => {
  const play = new Play(craftPermit);
  play.tell(changed(permit, 'GRANTED'), permit, world);
  return play;
};

describe('a craftsmen’s parking permit', () => {
  test('is a case from its grant on, whichever of its keys the city uses', () => {
    const seen = (application = permit, status = 'GRANTED') => {
      const input = changed(application, status) as Extract<CaseInput, { kind: 'event' }>;
      return craftPermit.correlate(input.event, application, shippedKeys);
    };
    expect(seen()).toBe('permit-1');
    expect(seen({ ...permit, service: munich })).toBe('permit-1');
    expect(seen(permit, 'IN_REVIEW')).toBeNull();
    expect(seen(anApplication('other', '99108001001000', cityA))).toBeNull();
  });

  test('given a treaty, when it is granted, then every partner is told under its own key until when it holds', () => {
    const play = granted();
    const facts = { from: cityA, endsAt, dueAt: dueAt.toISOString() };
    expect(play.log).toEqual([
      {
        type: 'case.opened',
        of: cityA,
        to: [cityB, cityC],
        facts: { kind: 'craft-permit', from: cityA, service: leika, application: 'permit-1' },
      },
      { type: 'permit.recognised', of: cityA, to: [cityB], facts: { ...facts, service: leika } },
      { type: 'permit.recognised', of: cityA, to: [cityC], facts: { ...facts, service: munich } },
    ]);
    expect(play.waiting()).toMatchObject([
      { step: `recognise-${cityB}`, city: cityB, by: 'city', choices: ['APPLIED'], dueAt },
      { step: `recognise-${cityC}`, city: cityC, by: 'city', choices: ['APPLIED'], dueAt },
      { step: 'revoke', city: cityA, by: 'city', choices: ['WITHDRAW'], dueAt: null },
      { step: 'expire', city: cityA, by: 'time', dueAt: new Date(endsAt) },
    ]);
  });

  test('without a treaty, or when its last day is over already, nothing is recognised', () => {
    expect(granted(aWorld()).log).toEqual([]);
    expect(granted(treaty({ now: new Date('2028-01-01T00:00:00Z') })).log).toEqual([]);
  });

  test.each([
    ['2026-12-01', '12', '2027-12-01T00:00:00.000Z'],
    ['2027-01-31', '1', '2027-02-28T00:00:00.000Z'],
    ['2027-11-30', '3', '2028-02-29T00:00:00.000Z'],
    ['2026-12-01', 'twelve', null],
    ['tomorrow', '12', null],
  ])('valid from %s for %s months it ends at %s', (from, months, end) => {
    const own = { ...permit, marks: { 'valid-from': from, 'valid-months': months } };
    const play = new Play(craftPermit);
    play.tell(changed(own, 'GRANTED'), own, treaty());
    expect(play.state.endsAt).toBe(end);
  });

  test.each([
    ['the back office takes it back', () => changed(permit, 'REFUSED')],
    ['the back office withdraws it', () => told(permit, 'withdrawn', { status: 'WITHDRAWN' })],
    ['the city answers so', () => answer('revoke', cityA, 'WITHDRAW')],
  ])('given it is recognised, when %s, then it is revoked in every partner city, and closed when all have taken that over', (_, input) => {
    const play = granted();
    play.tell(answer(`recognise-${cityB}`, cityB, 'APPLIED'), permit, treaty());
    play.tell(input(), permit, treaty());
    expect(play.log.filter(({ type }) => type === 'permit.revoked')).toMatchObject([
      { of: cityA, to: [cityB], facts: { service: leika } },
      { of: cityA, to: [cityC], facts: { service: munich } },
    ]);
    expect(play.steps(), 'a partner that was away is not asked any more to recognise it').toEqual([
      `take-back-${cityB}`,
      `take-back-${cityC}`,
    ]);
    play.tellAgain(answer(`recognise-${cityC}`, cityC, 'APPLIED'), permit, treaty());
    play.tell(answer(`take-back-${cityC}`, cityC, 'APPLIED'), permit, treaty());
    play.tellAgain(answer(`take-back-${cityB}`, cityC, 'APPLIED'), permit, treaty());
    expect(play.outcomes()).toEqual([]);
    play.tell(answer(`take-back-${cityB}`, cityB, 'APPLIED'), permit, treaty());
    expect(play.outcomes()).toEqual(['REVOKED']);
    expect(play.waiting()).toEqual([]);
  });

  test('a back office that closes what is done revokes nothing', () => {
    const play = granted();
    play.tell(changed(permit, 'CLOSED'), permit, treaty());
    expect(play.types()).not.toContain('permit.revoked');
  });

  test('a partner that does not confirm in time is overdue once, and may still confirm', () => {
    const play = granted();
    play.tell({ kind: 'due', step: `recognise-${cityB}` }, permit, treaty());
    expect(play.log.at(-1)).toEqual({
      type: 'case.overdue',
      of: cityA,
      to: [cityB],
      facts: { step: `recognise-${cityB}`, dueAt: dueAt.toISOString() },
    });
    play.tellAgain({ kind: 'due', step: `recognise-${cityB}` }, permit, treaty());
    play.tell(answer(`recognise-${cityB}`, cityB, 'APPLIED'), permit, treaty());
    expect(play.state.partners[0]).toMatchObject({ city: cityB, stage: 'RECOGNISED' });
  });

  test('when its last day is over, then it ends everywhere and nobody has to confirm', () => {
    const play = granted();
    play.tellAgain({ kind: 'due', step: 'expire' }, permit, treaty());
    play.tell({ kind: 'due', step: 'expire' }, permit, treaty({ now: new Date(endsAt) }));
    expect(play.types().slice(3)).toEqual(['permit.ended', 'permit.ended', 'case.closed']);
    expect(play.outcomes()).toEqual(['EXPIRED']);
  });

  test('whatever comes in whatever order, repeated or late: once revoked, every partner is told once, and it ends when all have confirmed', () => {
    const cities = [cityB, cityC];
    const input = fc.oneof(
      fc.constantFrom('GRANTED', 'CLOSED', 'REFUSED', 'WITHDRAWN', 'IN_REVIEW').map((status) => changed(permit, status)),
      fc
        .tuple(fc.constantFrom('recognise', 'take-back'), fc.constantFrom(...cities), fc.constantFrom(...cities))
        .map(([step, of, by]) => answer(`${step}-${of}`, by, 'APPLIED')),
      fc.constantFrom<RegionalKey>(cityA, cityB).map((by) => answer('revoke', by, 'WITHDRAW')),
      fc
        .constantFrom('expire', ...cities.flatMap((city) => [`recognise-${city}`, `take-back-${city}`]))
        .map((step) => ({ kind: 'due', step }) as const),
    );
    fc.assert(
      fc.property(fc.array(input, { maxLength: 25 }), (inputs) => {
        const play = new Play(craftPermit);
        const last = [
          changed(permit, 'GRANTED'),
          changed(permit, 'REFUSED'),
          ...cities.map((city) => answer(`take-back-${city}`, city, 'APPLIED')),
        ];
        for (const one of [...inputs, ...last]) {
          play.tell(one, permit, treaty());
          play.expectSound();
          play.tellAgain(one, permit, treaty());
        }
        expect(play.outcomes()).toEqual(['REVOKED']);
        expect(play.state.partners.map(({ stage }) => stage)).toEqual(['ENDED', 'ENDED']);
        for (const city of cities) {
          const toCity = play.log.filter(({ to, type }) => type.startsWith('permit.') && to?.includes(city)).map(({ type }) => type);
          expect(toCity).toEqual(['permit.recognised', 'permit.revoked']);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
