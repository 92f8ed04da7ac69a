import type { Kysely, Transaction } from 'kysely';
import type { Database } from './schema.ts';

/** A transaction of the store. */
export type Tx = Transaction<Database>;

/**
 * The store: one Kysely layer over SQLite or PostgreSQL. What `transaction` has resolved is durable: it survives
 * kill -9 and a power cut.
 */
export interface Store {
  readonly dialect: 'sqlite' | 'postgres';
  readonly db: Kysely<Database>;
  /**
   * Runs `work` in one transaction; commits when it resolves, rolls back when it throws. Serialisation failures and deadlocks
   * are retried, so `work` may run more than once. It uses `tx` for everything: a change through `db` would wait for the
   * transaction itself on SQLite, and on PostgreSQL each needs a second connection of the pool.
   * @throws HubError STORE_UNAVAILABLE if the database is away, and whatever `work` throws
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Calls back after every commit of this process that appended events; the callback must not throw, for the commit stands. Returns how to stop. */
  onCommit(listener: () => void): () => void;
  /** Proves that a change can be committed, or throws STORE_UNAVAILABLE; asked by many at a time, it writes once. */
  check(): Promise<void>;
  close(): Promise<void>;
}
