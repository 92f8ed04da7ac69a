import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { AdapterError, type Adapter, type Json } from '#contract';
import type { CallLimits } from '../../src/cities/call-options.ts';
import { createCalls, type CallOutcome } from '../../src/cities/calls.ts';
import { CityCallError } from '../../src/cities/failure.ts';
import { createRedact } from '../../src/cities/redaction.ts';

const adapter: Adapter = { start: async () => {}, stop: async () => {}, check: async () => ({ ok: true, probes: [] }) };

const calls = (limits: Partial<CallLimits> = {}) => {
  const outcomes: CallOutcome[] = [];
  const breaker: boolean[] = [];
  return {
    outcomes,
    breaker,
    ...createCalls({
      adapter,
      limits: { concurrency: 2, timeoutMs: 300, retries: 2, breaker: { failures: 3, halfOpenMs: 500 }, ...limits },
      redact: createRedact(['sehr-geheimer-schluessel']),
      now: () => new Date(),
      onEnd: (_, outcome) => outcomes.push(outcome),
      onBreaker: (open) => breaker.push(open),
    }),
  };
};

const options = { traceparent: '' };
const steps = () => {
  const saved = new Map<string, Json>();
  return { find: async (name: string) => saved.get(name), save: async (name: string, result: Json) => void saved.set(name, result) };
};
const write = (key: string) => ({ ...options, key, steps: steps() });

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error, 'every failure of a city is a CityCallError').toBeInstanceOf(CityCallError);
  return (error as CityCallError).failure;
};

const hang = (_: unknown, call: { signal: AbortSignal }) => sleep(60_000, undefined, { signal: call.signal });
const deaf = () => new Promise<never>(() => {});

describe('a deadline', () => {
  test('ends a read without effect, even if the adapter ignores its signal', async () => {
    expect(await failureOf(calls().read(hang, options))).toEqual({ kind: 'deadline', effect: 'none' });
    expect(await failureOf(calls().read(deaf, options))).toEqual({ kind: 'deadline', effect: 'none' });
  });

  test('leaves the effect of a write unknown, unless the adapter says how far it got', async () => {
    expect(await failureOf(calls().write(deaf, write('a')))).toEqual({ kind: 'deadline', effect: 'unknown' });
    const honest = calls().write(async (_, call) => {
      await sleep(60_000, undefined, { signal: call.signal }).catch(() => {});
      throw new AdapterError('unavailable', 'none', 'stopped before anything was sent');
    }, write('a'));
    expect(await failureOf(honest)).toEqual({ kind: 'deadline', effect: 'none' });
  });

  test('takes an answer that arrives in the last moment', async () => {
    const late = calls().write(async (_, call) => {
      await sleep(60_000, undefined, { signal: call.signal }).catch(() => {});
      return 'landed';
    }, write('a'));
    expect(await late).toBe('landed');
  });

  test('ends early when the caller goes away, which says nothing about the city', async () => {
    const one = calls({ breaker: { failures: 1, halfOpenMs: 60_000 }, timeoutMs: 60_000 });
    const caller = new AbortController();
    const call = one.read(hang, { ...options, signal: caller.signal });
    caller.abort();
    expect((await failureOf(call)).kind).toBe('deadline');
    expect(one.accepts(), 'a caller who leaves must not open the breaker').toBe(true);
  });
});

describe('a retry', () => {
  const failing = (kind: ConstructorParameters<typeof AdapterError>[0], retryAfterMs?: number) => {
    let attempts = 0;
    const run = async () => {
      attempts++;
      throw new AdapterError(kind, 'none', kind, retryAfterMs === undefined ? {} : { retryAfterMs });
    };
    return { run, attempts: () => attempts };
  };

  test.each([
    ['unavailable', 3],
    ['retryable', 3],
    ['rejected', 1],
    ['misconfigured', 1],
    ['unsupported', 1],
    ['malformed', 1],
  ] as const)('repeats a read that ended %s: %i attempts', async (kind, expected) => {
    const { run, attempts } = failing(kind);
    await failureOf(calls({ timeoutMs: 5_000, breaker: { failures: 9, halfOpenMs: 100 } }).read(run, options));
    expect(attempts()).toBe(expected);
  });

  test('does not happen where the pause asked for is longer than the deadline', async () => {
    const { run, attempts } = failing('retryable', 60_000);
    expect(await failureOf(calls().read(run, options))).toEqual({ kind: 'retryable', effect: 'none', retryAfterMs: 60_000 });
    expect(attempts()).toBe(1);
  });

  test('never repeats a write', async () => {
    const { run, attempts } = failing('unavailable');
    await failureOf(calls().write(run, write('a')));
    expect(attempts()).toBe(1);
  });
});

describe('one write per key at a time', () => {
  test('also after the caller gave up on an attempt that still runs', async () => {
    const one = calls({ timeoutMs: 300, concurrency: 5 });
    const landed = Promise.withResolvers<string>();
    const order: string[] = [];
    expect((await failureOf(one.write(() => landed.promise.finally(() => order.push('first ends')), write('k')))).effect).toBe('unknown');
    const second = one.write(async () => order.push('second'), write('k'));
    expect(await failureOf(second), 'the key is still held').toEqual({ kind: 'busy', effect: 'none' });
    const other = one.write(async () => order.push('other key'), write('other'));
    await other;
    landed.resolve('done');
    await one.write(async () => order.push('third'), write('k'));
    expect(order).toEqual(['other key', 'first ends', 'third']);
  });

  test('keeps 50 callers of one key in a row', async () => {
    const one = calls({ concurrency: 8, timeoutMs: 10_000 });
    let inside = 0;
    let most = 0;
    const turn = async () => {
      most = Math.max(most, ++inside);
      await sleep(1);
      inside--;
    };
    await Promise.all(Array.from({ length: 50 }, () => one.write(turn, write('k'))));
    expect(most).toBe(1);
  });
});

test('however callers come, go and hang, no key is ever worked on twice and no lock is left behind', async () => {
  const caller = fc.record({ key: fc.constantFrom('a', 'b'), worksMs: fc.nat(8), leavesMs: fc.option(fc.nat(8)), fails: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(caller, { minLength: 1, maxLength: 15 }), async (callers) => {
      const one = calls({ concurrency: 4, timeoutMs: 5_000, breaker: { failures: 1_000, halfOpenMs: 1 } });
      const inside = new Map<string, number>();
      let overlaps = 0;
      await Promise.allSettled(
        callers.map(({ key, worksMs, leavesMs, fails }) =>
          one.write(
            async () => {
              inside.set(key, (inside.get(key) ?? 0) + 1);
              if ((inside.get(key) ?? 0) > 1) overlaps++;
              // Deaf to its signal: what was begun goes on after its caller left.
              await sleep(worksMs);
              inside.set(key, (inside.get(key) ?? 0) - 1);
              if (fails) throw new AdapterError('unavailable', 'unknown', 'lost');
            },
            { ...write(key), ...(leavesMs === null ? {} : { signal: AbortSignal.timeout(leavesMs) }) },
          ),
        ),
      );
      await one.idle();
      expect(overlaps).toBe(0);
      for (const key of ['a', 'b']) expect(await one.write(async () => 'free', write(key))).toBe('free');
    }),
    { numRuns: 60 },
  );
});

test('the bulkhead runs as many as allowed, lets four times as many wait and turns the rest away', async () => {
  const one = calls({ concurrency: 2, timeoutMs: 10_000 });
  let inside = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const all = Array.from({ length: 12 }, () =>
    one.read(async () => {
      most = Math.max(most, ++inside);
      await gate.promise;
      inside--;
      return 'ok';
    }, options),
  );
  expect(await Promise.race(all.slice(10).map(failureOf))).toEqual({ kind: 'busy', effect: 'none' });
  gate.resolve();
  const settled = await Promise.allSettled(all);
  expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  expect(most).toBe(2);
});

describe('the breaker', () => {
  const broken = async () => {
    throw new AdapterError('unavailable', 'none', 'down');
  };
  const open = async (one: ReturnType<typeof calls>) => {
    for (let count = 0; count < 3; count++) await failureOf(one.write(broken, write(String(count))));
  };

  test('opens after failures in a row, sends nothing, and closes after one success', async () => {
    const one = calls();
    await open(one);
    expect(one.accepts()).toBe(false);
    let sent = false;
    const refused = await failureOf(one.read(async () => (sent = true), options));
    expect(refused).toMatchObject({ kind: 'breaker-open', effect: 'none' });
    expect(refused.retryAfterMs).toBeLessThanOrEqual(500);
    expect(sent).toBe(false);
    await sleep(520);
    expect(one.accepts(), 'half-open: one call may try').toBe(true);
    expect(await one.read(async () => 'back', options)).toBe('back');
    expect(one.breaker).toEqual([true, false]);
  });

  test('opens again when the trial fails', async () => {
    const one = calls();
    await open(one);
    await sleep(520);
    await failureOf(one.write(broken, write('trial')));
    expect(one.accepts()).toBe(false);
  });

  test.each([
    ['back', -86_400_000],
    ['forward', 86_400_000],
  ])('rests for its time, even if the clock of the day is set %s meanwhile', async (_, by) => {
    const one = calls();
    await open(one);
    const moved = vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + by);
    onTestFinished(() => moved.mockRestore());
    expect(one.accepts()).toBe(false);
    const refused = await failureOf(one.write(async () => 'back', write('early')));
    expect(refused).toMatchObject({ kind: 'breaker-open' });
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(500);
    await sleep(520);
    expect(one.accepts()).toBe(true);
    expect(await one.write(async () => 'back', write('again'))).toBe('back');
  });

  test('does not close because the trial’s caller left', async () => {
    const one = calls({ timeoutMs: 5_000 });
    await open(one);
    await sleep(520);
    const caller = new AbortController();
    const trial = one.read(hang, { ...options, signal: caller.signal });
    await sleep(5);
    caller.abort();
    await failureOf(trial);
    expect(one.breaker.at(-1), 'an abandoned trial proves nothing').toBe(true);
    expect(one.accepts()).toBe(false);
  });

  test('stays closed for a city that answers with refusals', async () => {
    const one = calls();
    const refusing = async () => {
      throw new AdapterError('rejected', 'none', 'no', { fields: { '/plate': 'unbekannt' } });
    };
    for (let count = 0; count < 10; count++) await failureOf(one.write(refusing, write(String(count))));
    expect(one.accepts()).toBe(true);
  });
});

test('a finished step is not run again under the same key', async () => {
  const memo = steps();
  const one = calls();
  let created = 0;
  const attempt = (fail: boolean) =>
    one.write(
      async (_, call) => {
        const number = await call.step('reserve', async () => ++created);
        if (fail) throw new AdapterError('unavailable', 'unknown', 'reply lost');
        return number;
      },
      { ...options, key: 'k', steps: memo },
    );
  expect((await failureOf(attempt(true))).effect).toBe('unknown');
  expect(await attempt(false)).toBe(1);
  expect(created).toBe(1);
});

test('neither a secret nor the words of a foreign error leave a call', async () => {
  const one = calls();
  const leak = async () => {
    throw new AdapterError('misconfigured', 'none', 'key sehr-geheimer-schluessel refused', { evidence: 'k=sehr-geheimer-schluessel' });
  };
  const personal = async () => JSON.parse('Erika Mustermann') as unknown;
  for (const run of [leak, personal]) {
    const error = (await one.read(run, options).catch((reason: unknown) => reason)) as Error;
    const shown = `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
    expect(shown).not.toMatch(/sehr-geheimer|Mustermann/);
  }
});

test('every call is counted once, by its outcome', async () => {
  const one = calls();
  await one.read(async () => 1, options);
  await failureOf(one.read(hang, options));
  expect(one.outcomes).toEqual(['ok', 'deadline']);
});
