import { Aborted, untilAborted } from './until-aborted.ts';

/** One holder per key at a time, first come first served. */
export interface KeyLock {
  /**
   * Waits for the key; resolves to how to give it back.
   * @throws Aborted if the signal aborts first; the key is then not held.
   */
  acquire(key: string, signal: AbortSignal): Promise<() => void>;
}

export function createKeyLock(): KeyLock {
  const tails = new Map<string, Promise<void>>();
  return {
    async acquire(key, signal) {
      const before = tails.get(key) ?? Promise.resolve();
      const turn = Promise.withResolvers<void>();
      const tail = before.then(() => turn.promise);
      tails.set(key, tail);
      const release = () => {
        turn.resolve();
        if (tails.get(key) === tail) tails.delete(key);
      };
      try {
        await untilAborted(before, signal, 0);
      } catch (error) {
        // Whoever waits behind still waits for the one before.
        void before.then(release);
        throw error instanceof Aborted ? error : new Aborted();
      }
      return release;
    },
  };
}
