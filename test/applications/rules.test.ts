import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applicationStatuses, mappableStatuses, type ApplicationStatus } from '#contract';
import type { CallFailure } from '../../src/cities/cities.ts';
import {
  decideChange,
  decideFailure,
  decideWithdraw,
  evolveStatus,
  retryDefaults,
  type ApplicationState,
  type NativeChange,
} from '../../src/applications/rules.ts';

const delivered: ApplicationState = {
  status: 'DELIVERED',
  parkedReason: null,
  caseRef: '7',
  nativeStatus: null,
  nativeVersion: null,
  nativeUpdatedAt: null,
};
const now = new Date('2026-12-01T10:00:00Z');
const statusMap = new Map([
  ['New', 'received'],
  ['In Progress', 'in_review'],
  ['Resolved', 'granted'],
] as const);

describe('a change of the case', () => {
  const change = (nativeStatus: string, version: string, updatedAt: number): NativeChange => ({ nativeStatus, version, updatedAt });

  test('given a delivered application, when the back office says Resolved, then it is granted', () => {
    expect(decideChange(delivered, change('Resolved', 'v1', 10), statusMap, now)).toEqual({ do: 'change', status: 'GRANTED' });
  });
  test('given a newer state, when old news arrives, then it is ignored', () => {
    const state = { ...delivered, status: 'GRANTED' as const, nativeVersion: 'v2', nativeUpdatedAt: 20 };
    expect(decideChange(state, change('In Progress', 'v1', 10), statusMap, now)).toEqual({ do: 'ignore', because: 'old' });
  });
  test('given two changes of one moment, the newer first, then the smaller version is old, as a number', () => {
    const state = { ...delivered, status: 'GRANTED' as const, nativeVersion: '10', nativeUpdatedAt: 20 };
    expect(decideChange(state, change('In Progress', '9', 20), statusMap, now)).toEqual({ do: 'ignore', because: 'old' });
    expect(decideChange(state, change('In Progress', '11', 20), statusMap, now)).toEqual({ do: 'change', status: 'IN_REVIEW' });
    expect(decideChange(state, change('In Progress', '9', 21), statusMap, now)).toEqual({ do: 'change', status: 'IN_REVIEW' });
    expect(decideChange(state, change('In Progress', 'a', 20), statusMap, now)).toEqual({ do: 'change', status: 'IN_REVIEW' });
  });
  test('given a version seen before, when it arrives again, then it is ignored', () => {
    const state = { ...delivered, nativeVersion: 'v1', nativeUpdatedAt: 10 };
    expect(decideChange(state, change('Resolved', 'v1', 10), statusMap, now)).toEqual({ do: 'ignore', because: 'known' });
  });
  test('given a status without a mapping, then the change is held, never dropped', () => {
    expect(decideChange(delivered, change('Ruhend', 'v1', 10), statusMap, now)).toEqual({ do: 'hold' });
  });
  test('given a state that claims the year 9999, then no later status is ignored for it', () => {
    const state = { ...delivered, status: 'IN_REVIEW' as const, nativeVersion: 'v1', nativeUpdatedAt: Date.parse('9999-12-31') };
    expect(decideChange(state, change('Resolved', 'v2', now.getTime() - 1), statusMap, now)).toEqual({ do: 'change', status: 'GRANTED' });
  });
  test('given a state of a minute ago, when a status from the year 9999 comes, then it is taken', () => {
    const state = { ...delivered, status: 'IN_REVIEW' as const, nativeVersion: 'v1', nativeUpdatedAt: now.getTime() - 60_000 };
    expect(decideChange(state, change('Resolved', 'v2', Date.parse('9999-12-31')), statusMap, now).do).toBe('change');
  });
  test('given a clock that is some minutes ahead, then its moments count as they are', () => {
    const state = { ...delivered, status: 'GRANTED' as const, nativeVersion: 'v2', nativeUpdatedAt: now.getTime() + 240_000 };
    expect(decideChange(state, change('In Progress', 'v1', now.getTime() + 180_000), statusMap, now)).toEqual({
      do: 'ignore',
      because: 'old',
    });
  });
  test('given the same status for the citizen, then only the version is noted', () => {
    const state = { ...delivered, status: 'IN_REVIEW' as const, nativeVersion: 'v1', nativeUpdatedAt: 10 };
    expect(decideChange(state, change('In Progress', 'v2', 11), statusMap, now)).toEqual({ do: 'note' });
  });

  test('whatever order changes arrive in, the newest decides in the end', () => {
    const allMapped = new Map(mappableStatuses.map((status) => [status as string, status]));
    const history = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 12 }).chain((times) => {
      const changes = times.map((at) => change(mappableStatuses[at % mappableStatuses.length]!, `v${at}`, at));
      return fc.shuffledSubarray(changes, { minLength: changes.length });
    });
    fc.assert(
      fc.property(history, (arriving) => {
        let state: ApplicationState = delivered;
        // Twice: everything is redelivered once.
        for (const next of [...arriving, ...arriving]) {
          const decision = decideChange(state, next, allMapped, now);
          if (decision.do !== 'change' && decision.do !== 'note') continue;
          state = {
            ...state,
            status: decision.do === 'change' ? decision.status : state.status,
            nativeStatus: next.nativeStatus,
            nativeVersion: next.version,
            nativeUpdatedAt: next.updatedAt,
          };
        }
        const newest = arriving.toSorted((a, b) => b.updatedAt - a.updatedAt)[0]!;
        expect(state.status).toBe(newest.nativeStatus.toUpperCase());
      }),
    );
  });
});

describe('a wish to withdraw', () => {
  const open = { alreadyAsked: false, canWithdraw: true };

  test('given nothing has gone out, then the delivery is cancelled', () => {
    expect(decideWithdraw({ ...delivered, status: 'SUBMITTED' }, { state: 'queued', effect: 'none' }, open)).toEqual({ do: 'cancel' });
  });
  test('given an attempt that may have landed, then the back office is asked', () => {
    expect(decideWithdraw({ ...delivered, status: 'SUBMITTED' }, { state: 'queued', effect: 'unknown' }, open)).toEqual({ do: 'ask' });
  });
  test('given a decided application, then it is refused with its status', () => {
    expect(decideWithdraw({ ...delivered, status: 'GRANTED' }, { state: 'done', effect: 'none' }, open)).toMatchObject({
      do: 'refuse',
      problem: { code: 'NOT_WITHDRAWABLE', facts: { status: 'GRANTED' } },
    });
  });
  test('given it was asked for before, then nothing is done twice', () => {
    expect(decideWithdraw(delivered, { state: 'done', effect: 'none' }, { ...open, alreadyAsked: true })).toEqual({ do: 'nothing' });
  });
  test('given a back office that knows no withdrawal, then a delivered application keeps its way', () => {
    expect(decideWithdraw(delivered, { state: 'done', effect: 'none' }, { ...open, canWithdraw: false })).toMatchObject({ do: 'refuse' });
  });
});

describe('a failed attempt', () => {
  const kinds = [
    'retryable',
    'unavailable',
    'rejected',
    'misconfigured',
    'unsupported',
    'malformed',
    'breaker-open',
    'busy',
    'deadline',
  ] as const;
  const failures: fc.Arbitrary<CallFailure> = fc.record({
    kind: fc.constantFrom(...kinds),
    effect: fc.constantFrom('none', 'unknown', 'done'),
  });
  const jobs = fc.record({
    attempts: fc.integer({ min: 1, max: 1000 }),
    ageMs: fc.integer({ min: 0, max: 100 * 3_600_000 }),
    idempotency: fc.constantFrom('native' as const, 'steps' as const, 'lookup' as const, 'none' as const),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  test('never forgets that an effect is possible', () => {
    fc.assert(
      fc.property(failures, jobs, random, (failure, job, r) => {
        const decision = decideFailure(failure, job, retryDefaults, r);
        expect(decision.effect).toBe(failure.effect === 'none' ? 'none' : 'unknown');
      }),
    );
  });
  test('is never repeated blindly where the back office can neither honour nor look up a key', () => {
    fc.assert(
      fc.property(failures, jobs, random, (failure, job, r) => {
        fc.pre(failure.effect !== 'none');
        const reason = failure.effect === 'done' && failure.kind === 'misconfigured' ? 'MISCONFIGURED' : 'UNKNOWN_EFFECT';
        expect(decideFailure(failure, { ...job, idempotency: 'none' }, retryDefaults, r)).toMatchObject({ do: 'park', reason });
      }),
    );
  });
  test('ends in the sight of a person after some days, whatever its kind', () => {
    fc.assert(
      fc.property(failures, jobs, random, (failure, job, r) => {
        expect(decideFailure(failure, { ...job, ageMs: retryDefaults.parkAfterMs + 1 }, retryDefaults, r).do).toBe('park');
      }),
    );
  });
  test('waits longer each time, never longer than the limit and never less than the back office asks', () => {
    fc.assert(
      fc.property(jobs, random, fc.integer({ min: 0, max: 60_000 }), (job, r, retryAfterMs) => {
        fc.pre(job.ageMs <= retryDefaults.parkAfterMs);
        const decision = decideFailure({ kind: 'unavailable', effect: 'none', retryAfterMs }, job, retryDefaults, r);
        expect(decision.do).toBe('retry');
        if (decision.do !== 'retry') return;
        expect(decision.inMs).toBeGreaterThanOrEqual(retryAfterMs);
        expect(decision.inMs).toBeLessThanOrEqual(Math.max(retryDefaults.longestMs * 1.25, retryAfterMs));
      }),
    );
  });
  test('waits an hour at most, whatever the back office asks', () => {
    const failure = { kind: 'retryable', effect: 'none', retryAfterMs: 365 * 24 * 3_600_000 } as const;
    const job = { attempts: 1, ageMs: 0, idempotency: 'native' } as const;
    expect(decideFailure(failure, job, retryDefaults, 0)).toMatchObject({ do: 'retry', inMs: 3_600_000 });
  });
  test('by an answer that cannot be understood is tried again, four times, before a person is asked', () => {
    const decide = (attempts: number) =>
      decideFailure({ kind: 'malformed', effect: 'none' }, { attempts, ageMs: 0, idempotency: 'lookup' }, retryDefaults, 0).do;
    expect([1, 2, 3, 4, 5].map(decide)).toEqual(['retry', 'retry', 'retry', 'retry', 'park']);
  });
  test('that landed in spite of a wrong setting is parked at once, one that will heal is not', () => {
    const job = { attempts: 1, ageMs: 0, idempotency: 'lookup' } as const;
    const parked = { do: 'park', reason: 'MISCONFIGURED', effect: 'unknown' };
    expect(decideFailure({ kind: 'misconfigured', effect: 'done' }, job, retryDefaults, 0)).toEqual(parked);
    expect(decideFailure({ kind: 'unavailable', effect: 'done' }, job, retryDefaults, 0).do).toBe('retry');
    expect(decideFailure({ kind: 'misconfigured', effect: 'none' }, job, retryDefaults, 0).do).toBe('retry');
  });
  test('that is a refusal is parked at once with its reason', () => {
    expect(decideFailure({ kind: 'rejected', effect: 'none' }, { attempts: 1, ageMs: 0, idempotency: 'native' }, retryDefaults, 0)).toEqual(
      {
        do: 'park',
        reason: 'REJECTED',
        effect: 'none',
      },
    );
  });
});

describe('the status that a log of events tells', () => {
  test('follows every step of a life with a detour over the parking lot', () => {
    const steps: [string, Record<string, string>, ApplicationStatus][] = [
      ['application.submitted', {}, 'SUBMITTED'],
      ['application.parked', { delivery: 'submit', reason: 'REJECTED' }, 'PARKED'],
      ['application.released', { status: 'SUBMITTED', action: 'retry' }, 'SUBMITTED'],
      ['application.delivered', {}, 'DELIVERED'],
      ['application.status-changed', { status: 'IN_REVIEW' }, 'IN_REVIEW'],
      ['application.withdrawal-requested', {}, 'IN_REVIEW'],
      ['application.parked', { delivery: 'withdraw', reason: 'UNSUPPORTED' }, 'IN_REVIEW'],
      ['application.withdrawn', {}, 'WITHDRAWN'],
    ];
    expect(evolveStatus('PARKED', { type: 'application.released', facts: { status: 'DISCARDED', action: 'discard' } })).toBe('DISCARDED');
    let status: ApplicationStatus | null = null;
    for (const [type, facts, expected] of steps) {
      status = evolveStatus(status, { type, facts });
      expect(status, `after ${type}`).toBe(expected);
    }
    expect(applicationStatuses).toContain(status);
  });
});
