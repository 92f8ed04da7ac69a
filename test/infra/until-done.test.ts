import { expect, test } from 'vitest';
import { HubError } from '#contract';
import { handleUntilDone } from '../../src/infra/bus/until-done.ts';
import { createLog } from '../../src/infra/log.ts';
import { sampleEvent } from '../kit/sample-event.ts';

const event = { ...sampleEvent(), seq: 7 };
const backoff = { firstMs: 1, mostMs: 2 };

/** Runs a handler that fails `failures` times, beside a hook that fails `refusals` times. */
async function run(failures: number, refusals: number, poisonedAfter = 3) {
  const lines: string[] = [];
  const calls = { handled: 0, parked: 0 };
  const done = await handleUntilDone(event, {
    request: {
      group: 'g',
      poisonedAfter,
      handle: async () => {
        calls.handled += 1;
        if (calls.handled <= failures) throw new Error('no');
      },
      onPoisoned: async (_event, { attempts }) => {
        calls.parked += 1;
        if (calls.parked <= refusals) throw new Error(`not parked after ${attempts}`);
      },
    },
    backoff,
    log: createLog('warn', { write: (line) => void lines.push(line) }),
    signal: new AbortController().signal,
  });
  return { done, ...calls, errors: lines.filter((line) => line.includes('was parked')).length };
}

test.each([
  ['a handler that recovers in time is never parked', 2, 0, { done: true, handled: 3, parked: 0, errors: 0 }],
  ['a handler that goes on failing is parked once, and someone is told', 99, 0, { done: true, handled: 3, parked: 1, errors: 1 }],
  ['where parking fails, the event is tried and parked again', 99, 2, { done: true, handled: 5, parked: 3, errors: 1 }],
  ['where parking fails, the handler may still succeed', 3, 9, { done: true, handled: 4, parked: 1, errors: 0 }],
] as const)('%s', async (_title, failures, refusals, expected) => {
  expect(await run(failures, refusals)).toEqual(expected);
});

test('a store that is away for a while says nothing about the event', async () => {
  const calls = { handled: 0, parked: 0 };
  const done = await handleUntilDone(event, {
    request: {
      group: 'g',
      poisonedAfter: 2,
      handle: async () => {
        calls.handled += 1;
        if (calls.handled <= 5) throw new HubError('STORE_UNAVAILABLE', 'away', { retryable: true });
      },
      onPoisoned: async () => void (calls.parked += 1),
    },
    backoff,
    log: createLog('silent'),
    signal: new AbortController().signal,
  });
  expect({ done, ...calls }).toEqual({ done: true, handled: 6, parked: 0 });
});

test('without a hook it is tried until the signal', async () => {
  const stop = new AbortController();
  let tried = 0;
  const done = await handleUntilDone(event, {
    request: {
      group: 'g',
      poisonedAfter: 2,
      handle: async () => {
        tried += 1;
        if (tried === 10) stop.abort();
        throw new Error('no');
      },
    },
    backoff,
    log: createLog('silent'),
    signal: stop.signal,
  });
  expect({ done, tried }).toEqual({ done: false, tried: 10 });
});
