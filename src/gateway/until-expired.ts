import { refuse } from '#contract';

/** The longest time that a timer takes; it is set again then. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * What a stream brings until the token of who reads it has ended.
 * @param expiresAt epoch milliseconds; without it, the stream goes on as long as it has something
 * @throws HubError PROBLEM UNAUTHENTICATED at that moment
 */
export async function* untilExpired<T>(results: AsyncIterable<T>, expiresAt: number | undefined): AsyncGenerator<T> {
  if (expiresAt === undefined) return yield* results;
  const iterator = results[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<'expired'>((resolve) => {
    const wait = () => {
      const left = expiresAt - Date.now();
      if (left <= 0) resolve('expired');
      else timer = setTimeout(wait, Math.min(left, longestTimerMs));
    };
    wait();
  });
  try {
    for (;;) {
      const next = await Promise.race([expired, iterator.next()]);
      if (next === 'expired') throw refuse({ code: 'UNAUTHENTICATED' });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
    // Not awaited: a generator that waits for its next value takes this only afterwards.
    void iterator.return?.().catch(() => {});
  }
}
