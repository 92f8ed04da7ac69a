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
  let isExpired = false;
  /** Ends the wait for the next result. */
  let expire = () => {};
  const wait = () => {
    const left = expiresAt - Date.now();
    if (left > 0) timer = setTimeout(wait, Math.min(left, longestTimerMs));
    else {
      isExpired = true;
      expire();
    }
  };
  wait();
  try {
    for (;;) {
      // A promise of its own for each result: one that is raced against for hours would keep all that it has raced with.
      const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<T, unknown> | null>();
      expire = () => resolve(null);
      if (isExpired) expire();
      iterator.next().then(resolve, reject);
      const next = await promise;
      if (next === null) throw refuse({ code: 'UNAUTHENTICATED' });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
    // Not awaited: a generator that waits for its next value takes this only afterwards.
    void iterator.return?.().catch(() => {});
  }
}
