import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { HubError } from '#contract';
import type { Database } from './schema.ts';
import type { Store, Tx } from './store.ts';

/** What differs between databases beyond their SQL. */
export interface StoreParts {
  readonly dialect: Store['dialect'];
  readonly db: Kysely<Database>;
  /** Runs the work of a transaction; a driver may mark the calls made within. */
  readonly within: <T>(work: () => Promise<T>) => Promise<T>;
  /** What an error of the driver means: `conflict` may succeed when the whole transaction runs again, `unavailable` means that the database is away. */
  readonly failure: (error: unknown) => 'conflict' | 'unavailable' | 'other';
}

const ATTEMPTS = 8;

const withAppends = new WeakSet<Tx>();

/** Marks a transaction as one that appended events, so that its commit wakes the readers of the log. */
export const noteAppend = (tx: Tx): void => void withAppends.add(tx);

/** The store over an opened database. */
export function createStore({ dialect, db, within, failure }: StoreParts): Store {
  const listeners = new Set<() => void>();
  const unavailable = (cause: unknown) =>
    new HubError('STORE_UNAVAILABLE', `The ${dialect} store does not answer: check STORE_URL and that the database runs.`, {
      retryable: true,
      cause,
    });

  async function attempt<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    let appended = false;
    const result = await db.transaction().execute(async (tx) => {
      const value = await within(() => work(tx));
      appended = withAppends.has(tx);
      return value;
    });
    if (appended) for (const listener of listeners) listener();
    return result;
  }

  return {
    dialect,
    db,
    async transaction(work) {
      for (let round = 1; ; round += 1) {
        try {
          return await attempt(work);
        } catch (error) {
          const kind = failure(error);
          if (kind === 'unavailable') throw unavailable(error);
          if (kind !== 'conflict' || round === ATTEMPTS) throw error;
          // Spread out, or the same transactions meet again.
          await sleep(Math.random() * 10 * 2 ** round);
        }
      }
    },
    onCommit(listener) {
      const entry = () => listener();
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    async check() {
      try {
        await db.selectFrom('event_log').select('seq').limit(1).execute();
      } catch (error) {
        throw unavailable(error);
      }
    },
    close: () => db.destroy(),
  };
}
