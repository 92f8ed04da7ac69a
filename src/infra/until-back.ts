import { HubError } from '#contract';
import { pause, pauseAfter, type Backoff } from './backoff.ts';

const pauses: Backoff = { firstMs: 50, mostMs: 1000 };

const isAway = (error: unknown): boolean => error instanceof HubError && error.code === 'STORE_UNAVAILABLE' && error.retryable;

/**
 * Repeats what the store could not take while it was away, until it takes it, or until `inVain` says that nobody needs it any more;
 * then, and for every other error, the error is the caller's. For what must not be forgotten and cannot be asked for again, above
 * all the receipt of a system that knows no keys.
 */
export async function untilBack<T>(work: () => Promise<T>, inVain: () => boolean): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error) || inVain()) throw error;
      await pause(pauseAfter(pauses, attempt));
      if (inVain()) throw error;
    }
  }
}
