import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  afterFailure,
  afterSuccess,
  decideDelivery,
  dispatchDefaults as policy,
  failureClasses,
  type ChannelState,
} from '../../src/events/dispatch-rules.ts';
import { chooses, routeTo } from '../../src/events/subscriptions.ts';
import type { City } from '../../src/cities/cities.ts';
import { shippedKeys } from '../kit/key-rules.ts';

const now = 1_800_000_000_000;
const hour = 3_600_000;
const fresh: ChannelState = { failures: 0, failingSince: null, notBefore: 0, succeededAt: null, pausedAt: null, pauseReason: null };

describe('a delivery that failed', () => {
  test.each([
    ['refused twice', 'REFUSED', { attempts: 2, firstFailedAt: now, othersSucceededAt: null }, 'retry'],
    ['refused a third time', 'REFUSED', { attempts: 3, firstFailedAt: now, othersSucceededAt: null }, 'REFUSED'],
    ['not supported', 'UNSUPPORTED', { attempts: 1, firstFailedAt: now, othersSucceededAt: null }, 'UNSUPPORTED'],
    [
      'five times, the city fails for all',
      'SERVER_ERROR',
      { attempts: 5, firstFailedAt: now - hour, othersSucceededAt: now - 2 * hour },
      'retry',
    ],
    ['five times, others got through', 'SERVER_ERROR', { attempts: 5, firstFailedAt: now - hour, othersSucceededAt: now - 1 }, 'POISONED'],
    ['for three days', 'TIMEOUT', { attempts: 90, firstFailedAt: now - 72 * hour, othersSucceededAt: null }, 'TIMED_OUT'],
  ] as const)('%s', (_, failure, state, outcome) => {
    const decision = decideDelivery({ class: failure }, state, policy, now, 0);
    expect(decision.do === 'park' ? decision.reason : decision.do).toBe(outcome);
  });

  test('is tried later and later, never sooner than the city asked, never after more than an hour', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...failureClasses),
        fc.integer({ min: 1, max: 200 }),
        fc.nat(10 * hour),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failure, attempts, asked, chance) => {
          const decision = decideDelivery(
            { class: failure, retryAfterMs: asked },
            { attempts, firstFailedAt: now, othersSucceededAt: null },
            policy,
            now,
            chance,
          );
          if (decision.do === 'park') return;
          expect(decision.at - now).toBeGreaterThanOrEqual(Math.min(asked, hour));
          expect(decision.at - now).toBeLessThanOrEqual(hour);
          expect(decision.at).toBeGreaterThan(now);
        },
      ),
    );
  });
});

describe('a channel', () => {
  test('attempts that fail side by side count once', () => {
    const first = afterFailure(fresh, { class: 'TIMEOUT' }, now - 10, policy, now, 0);
    expect(first).toMatchObject({ failures: 1, failingSince: now });
    expect(afterFailure(first, { class: 'TIMEOUT' }, now - 10, policy, now + 1, 0)).toBe(first);
    expect(afterFailure(first, { class: 'TIMEOUT' }, first.notBefore, policy, first.notBefore + 5, 0)).toMatchObject({
      failures: 2,
      failingSince: now,
    });
  });

  test('is paused after a day of failures or by 410, once; a success ends failing, not the pause', () => {
    const failing = { ...fresh, failures: 40, failingSince: now - 24 * hour };
    const paused = afterFailure(failing, { class: 'BUSY' }, now, policy, now, 0);
    expect(paused).toMatchObject({ pausedAt: now, pauseReason: 'FAILING' });
    expect(afterFailure(paused, { class: 'GONE' }, now + 2 * hour, policy, now + 2 * hour, 0)).toMatchObject({
      pausedAt: now,
      pauseReason: 'FAILING',
    });
    expect(afterFailure(fresh, { class: 'GONE' }, now, policy, now, 0)).toMatchObject({ pauseReason: 'GONE' });
    expect(afterSuccess(paused, now + 1)).toMatchObject({ failures: 0, failingSince: null, succeededAt: now + 1, pausedAt: now });
  });

  test('that refuses an event works', () => {
    expect(afterFailure({ ...fresh, failures: 3, failingSince: now, notBefore: now }, { class: 'REFUSED' }, now, policy, now, 0)).toEqual(
      fresh,
    );
  });
});

describe('who gets an event', () => {
  const [A, B] = ['051110000000', '053150000000'] as const;
  const city = (ars: string, more: Partial<City> = {}): City => ({
    id: ars,
    ars: ars as City['ars'],
    name: '',
    since: '',
    paused: false,
    adapters: [],
    catalogue: null,
    ...more,
  });
  const all = { types: ['*'], services: ['*'] };
  const never = async () => {
    throw new Error('asked in vain');
  };
  const event = (municipality: string | null, facts = {}) => ({ type: 'case.closed', municipality, facts });

  test('whom it is addressed to, without asking for anything', async () => {
    expect(await routeTo(shippedKeys, event(A, { to: [B] }), city(B), city(A), never)).toBe('addressed');
    expect(await routeTo(shippedKeys, event(A, { to: 'B' }), city(B), city(A), never)).toBeNull();
  });

  test('nobody else without a grant, whatever they subscribe to; nothing that is nobody’s', async () => {
    expect(
      await routeTo(shippedKeys, event(A), city(B, { events: { deliver: 'webhook', concurrency: 1, subscribe: [all] } }), city(A), never),
    ).toBeNull();
    expect(await routeTo(shippedKeys, event(null), city(B), null, never)).toBeNull();
    expect(await routeTo(shippedKeys, event(A), city(B), city(A, { grants: [{ to: B, ...all }] }), async () => [])).toBeNull();
    expect(await routeTo(shippedKeys, event(A), city(B), city(A, { grants: [{ to: B, ...all }] }), async () => [all])).toBe('subscribed');
    expect(
      await routeTo(shippedKeys, event(A), city(B), city(A, { grants: [{ to: '*', types: ['move.*'], services: ['*'] }] }), never),
    ).toBeNull();
    expect(await routeTo(shippedKeys, event(B), city(B), city(B), async () => [all])).toBe('subscribed');
  });

  test.each([
    ['case.closed', '*', true],
    ['case.*', '*', true],
    ['case.opened', '*', false],
    ['cas.*', '*', false],
    ['*', '99108001001000', false],
  ])('%s about %s', (type, service, fits) => {
    expect(chooses({ types: [type], services: [service] }, event(A), shippedKeys.concerns)).toBe(fits);
  });

  const issuing = '99108001001000';
  const object = '99108001000000';
  const renewing = '99108001020000';
  test.each([
    ['the same', issuing, issuing, 'subscribed', 'subscribed'],
    ['filed under the object key', issuing, object, 'subscribed', null],
    ['below the object key that is asked for', object, issuing, 'subscribed', 'subscribed'],
    ['stated to be the same', '99115005104000', '99115005104001', 'subscribed', 'subscribed'],
    ['another action of the same object', issuing, renewing, null, null],
    ['another object', issuing, '99108003001000', null, null],
  ])('an event of a service that is %s', async (_, wanted, filed, asked, granted) => {
    const choice = { types: ['*'], services: [wanted] };
    const about = event(A, { service: filed });
    const from = (grant: object) => city(A, { grants: [{ to: B, ...all, ...grant }] });
    expect(await routeTo(shippedKeys, about, city(B), from({}), async () => [choice]), 'asked for').toBe(asked);
    expect(await routeTo(shippedKeys, about, city(B), from(choice), async () => [all]), 'granted').toBe(granted);
  });

  test('a city under the key that it had before it got another one', async () => {
    const [before, since] = ['064350014014', '064150000000'];
    expect(await routeTo(shippedKeys, event(A, { to: [before] }), city(since), city(A), never)).toBe('addressed');
    const own = async () => [all];
    expect(await routeTo(shippedKeys, event(before), city(since), city(before), own), 'its own').toBe('subscribed');
    expect(await routeTo(shippedKeys, event(A), city(since), city(A, { grants: [{ to: before, ...all }] }), own)).toBe('subscribed');
  });
});
