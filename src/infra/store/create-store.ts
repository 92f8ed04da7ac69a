import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { HubError } from '#contract';
import { storeUnavailable, type StoreFailure } from './driver-errors.ts';
import type { Database } from './schema.ts';
import type { Store, Tx } from './store.ts';

/** What differs between databases beyond their SQL. */
export interface StoreParts {
  readonly dialect: Store['dialect'];
  readonly db: Kysely<Database>;
  /** Runs the work of a transaction; a driver may mark the calls made within. */
  readonly within: <T>(work: () => Promise<T>) => Promise<T>;
  readonly failureOf: (error: unknown) => StoreFailure;
}

const ATTEMPTS = 8;

const withAppends = new WeakSet<Tx>();

/** Marks a transaction as one that appended events, so that its commit wakes the readers of the log. */
export const noteAppend = (tx: Tx): void => void withAppends.add(tx);

/** The store over an opened database. */
export function createStore({ dialect, db, within, failureOf }: StoreParts): Store {
  const listeners = new Set<() => void>();

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
          if (failureOf(error) !== 'conflict') throw error;
          if (round === ATTEMPTS) throw storeUnavailable(dialect, error);
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
        // Closed already, for example, which no driver was asked about.
        throw error instanceof HubError ? error : storeUnavailable(dialect, error);
      }
    },
    close: () => db.destroy(),
  };
}
