import { afterEach, describe, expect, test } from 'vitest';
import { createThread, type Thread } from '../../src/federation/thread.ts';
import type { ThreadQuestion } from './kit/thread.ts';

const file = new URL('./kit/thread.ts', import.meta.url);
let threads = 0;
let thread: Thread<ThreadQuestion, number>;
const start = (beginMs: number) => {
  threads = 0;
  thread = createThread(file, 'test', (ask) => {
    threads += 1;
    ask('begin', beginMs).catch(() => {});
  });
};
afterEach(() => thread.close());

describe('a thread', () => {
  test('has begun before it is asked anything, and the time of a question begins with its turn', async () => {
    start(20_000);
    expect(await Promise.all(Array.from({ length: 5 }, () => thread.ask(400, 1500)))).toEqual([1, 1, 1, 1, 1]);
    expect(threads).toBe(1);
  });

  test('that is held up is replaced, and only what held it up fails', async () => {
    start(20_000);
    const asked = await Promise.allSettled([thread.ask(0, 5000), thread.ask(60_000, 500), thread.ask(0, 5000), thread.ask(1, 5000)]);
    expect(asked.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.kind))).toEqual([1, 'late', 1, 1]);
    expect(threads).toBe(2);
    expect(thread.waiting()).toBe(0);
  });

  test('that cannot begin in time fails what waits for it, and the next question tries again', async () => {
    start(1);
    await expect(thread.ask(0, 5000)).rejects.toMatchObject({ kind: 'late' });
    await expect(thread.ask(0, 5000)).rejects.toMatchObject({ kind: 'late' });
    expect(threads).toBe(2);
  });
});
