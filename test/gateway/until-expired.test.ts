import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { untilExpired } from '../../src/gateway/until-expired.ts';

const inAnHour = () => Date.now() + 3_600_000;

test('a stream keeps nothing of what it has brought', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const brought: WeakRef<object>[] = [];
  async function* results() {
    for (let number = 1; ; number += 1) {
      const result = { number };
      brought.push(new WeakRef(result));
      yield result;
    }
  }
  const stream = untilExpired(results(), inAnHour());
  for (let number = 1; number <= 20; number += 1) await stream.next();
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  // The last ones may be on their way still.
  expect(brought.slice(0, 15).filter((one) => one.deref() !== undefined)).toEqual([]);
  await stream.return(undefined);
});

test('a stream ends with its token while it waits, and what it waited for may fail afterwards', async () => {
  const never = Promise.withResolvers<IteratorResult<number>>();
  const results = { [Symbol.asyncIterator]: () => ({ next: () => never.promise }) };
  const next = untilExpired(results, Date.now() + 20).next();
  await expect(next).rejects.toMatchObject({ problem: { code: 'UNAUTHENTICATED' } });
  never.reject(new Error('too late for anybody'));
  await new Promise((resolve) => setImmediate(resolve));
});

test('a stream of a token that has ended brings nothing', async () => {
  async function* results() {
    yield 1;
  }
  await expect(untilExpired(results(), Date.now() - 1).next()).rejects.toMatchObject({ problem: { code: 'UNAUTHENTICATED' } });
});

test('a stream that ends or fails does so', async () => {
  async function* results(fails: boolean) {
    yield 1;
    if (fails) throw new Error('no more');
  }
  expect(await Array.fromAsync(untilExpired(results(false), inAnHour()))).toEqual([1]);
  await expect(Array.fromAsync(untilExpired(results(true), inAnHour()))).rejects.toThrow('no more');
});
