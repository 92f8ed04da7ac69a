import type { HubEvent, LoggedEvent } from '#contract';
import type { Tx } from './store.ts';

/**
 * The event log: append in the transaction of the change itself, read in commit order.
 *
 * Readers keep one number, so `seq` must grow in commit order without a later commit filling a gap behind a reader.
 * SQLite has one writer and gives this for free. On PostgreSQL a sequence number becomes visible only at commit, so
 * `append` takes a transaction-level advisory lock before it draws numbers and holds it until commit: make it the last
 * statement of the transaction (docs/adr/ says why a lock and not a snapshot filter).
 */
export interface EventLog {
  append(tx: Tx, events: readonly HubEvent[]): Promise<void>;
  /** Events after `seq`, oldest first. */
  read(after: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** Events of one aggregate, oldest first. */
  readAggregate(type: string, id: string, after: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** The highest `seq`, 0 where the log is empty. */
  head(): Promise<number>;
  /** Batches after `seq` for ever, soon after their commit, also when another process commits; ends when the signal aborts. */
  tail(after: number, signal: AbortSignal): AsyncIterable<readonly LoggedEvent[]>;
  getCursor(reader: string): Promise<number | null>;
  setCursor(reader: string, seq: number): Promise<void>;
}
