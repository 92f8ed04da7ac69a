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

/** For how long a commit proves that the store takes changes, in milliseconds. */
const PROVEN_MS = 1000;

const withAppends = new WeakSet<Tx>();

/** Marks a transaction as one that appended events, so that its commit wakes the readers of the log. */
export const noteAppend = (tx: Tx): void => void withAppends.add(tx);

/** The store over an opened database. */
export function createStore({ dialect, db, within, failureOf }: StoreParts): Store {
  const listeners = new Set<() => void>();
  let provenAt = Number.NEGATIVE_INFINITY;
  let proving: Promise<void> | null = null;

  /** Writes and commits a row of its own: a disk that is full and a standby that only reads still answer every question. */
  async function proveWrite(): Promise<void> {
    const now = Date.now();
    await db
      .insertInto('reader_cursor')
      .values({ reader: 'health', seq: 0, updated_at: now })
      .onConflict((conflict) => conflict.column('reader').doUpdateSet({ updated_at: now }))
      .execute();
    provenAt = performance.now();
  }

  async function attempt<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    let appended = false;
    const result = await db.transaction().execute(async (tx) => {
      const value = await within(() => work(tx));
      appended = withAppends.has(tx);
      return value;
    });
    provenAt = performance.now();
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
          if (error instanceof HubError && error.code === 'STORE_UNAVAILABLE') provenAt = Number.NEGATIVE_INFINITY;
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
        // Under load, what was committed a moment ago is proof enough.
        if (performance.now() - provenAt < PROVEN_MS) return;
        proving ??= proveWrite().finally(() => (proving = null));
        await proving;
      } catch (error) {
        // Closed already, for example, which no driver was asked about.
        throw error instanceof HubError ? error : storeUnavailable(dialect, error);
      }
    },
    close() {
      provenAt = Number.NEGATIVE_INFINITY;
      return db.destroy();
    },
  };
}
