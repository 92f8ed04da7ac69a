import { setTimeout as sleep } from 'node:timers/promises';

/** Pauses between attempts, in milliseconds: from `firstMs`, doubling, to `mostMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** The pause after the `attempt`-th failure (from 1), shortened by chance by up to half, so that many that failed together do not return together. */
export const pauseAfter = ({ firstMs, mostMs }: Backoff, attempt: number, chance: number = Math.random()): number =>
  Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 30)) * (1 - chance / 2);

/** Waits, or until the signal aborts; never throws. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> => sleep(ms, undefined, signal ? { signal } : {}).catch(() => {});
