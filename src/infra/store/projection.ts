import { sql } from 'kysely';
import type { LoggedEvent } from '#contract';
import type { EventLog } from './eventlog.ts';
import type { Store, Tx } from './store.ts';

/*
 * A projection is what the store keeps although the event log tells it: answers must not wait for a fold of the log. It is
 * written in the transaction of the event that changes it, and can be dropped and made again from the log to the same bytes.
 * Whoever adds a column to one that the log does not tell has made it a source of truth: docs/reference/tables.md lists both.
 */

/** Something that can be made of the event log. */
export interface Projection {
  readonly name: string;
  /** The aggregates whose events it is made of. */
  readonly aggregateType: string;
  /** Which columns it holds, the key first; where a table holds nothing else, all of them. */
  readonly holds: readonly { readonly table: string; readonly key: readonly string[]; readonly columns: readonly string[] }[];
  /** Empties what it holds. */
  drop(tx: Tx): Promise<void>;
  /** Makes it of all events of these aggregates, in log order, in batches. */
  make(tx: Tx, events: AsyncIterable<readonly LoggedEvent[]>): Promise<void>;
}

/** What a rebuilding did. */
export interface Rebuilt {
  readonly events: number;
  readonly rows: number;
  /** Rows that are other now, that were missing or that should not have been: 0 where all was well. */
  readonly differing: number;
}

const BATCH = 1000;

/** Carries the outcome out of a transaction that must leave no trace. */
class Undo extends Error {
  readonly outcome: Rebuilt;

  constructor(outcome: Rebuilt) {
    super('undone on purpose');
    this.outcome = outcome;
  }
}

/** Rows by table and key, as text. */
async function snapshot(tx: Tx, { holds }: Projection): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  for (const { table, key, columns } of holds) {
    const names = sql.join([...key, ...columns].map((name) => sql.ref(name)));
    const found = await sql<Readonly<Record<string, unknown>>>`select ${names} from ${sql.table(table)}`.execute(tx);
    for (const row of found.rows)
      rows.set(JSON.stringify([table, ...key.map((name) => row[name])]), JSON.stringify(columns.map((name) => row[name])));
  }
  return rows;
}

/**
 * Drops a projection and makes it again, in one transaction: nobody sees it half made, and nothing is written to the log
 * meanwhile, so submissions wait. With `check` nothing stays changed.
 */
export async function rebuild(
  store: Store,
  eventLog: EventLog,
  projection: Projection,
  options: { readonly check?: boolean; readonly progress?: (events: number) => void } = {},
): Promise<Rebuilt> {
  const work = async (tx: Tx): Promise<Rebuilt> => {
    await eventLog.hold(tx);
    let events = 0;
    async function* read() {
      for (let last = 0; ;) {
        const batch = await eventLog.readType(tx, projection.aggregateType, last, BATCH);
        events += batch.length;
        if (batch.length > 0) yield batch;
        options.progress?.(events);
        if (batch.length < BATCH) return;
        last = batch.at(-1)?.seq ?? last;
      }
    }
    const before = await snapshot(tx, projection);
    await projection.drop(tx);
    await projection.make(tx, read());
    const after = await snapshot(tx, projection);
    const differing = [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));
    const outcome = { events, rows: after.size, differing: differing.length };
    if (options.check) throw new Undo(outcome);
    return outcome;
  };
  try {
    return await store.transaction(work);
  } catch (error) {
    if (error instanceof Undo) return error.outcome;
    throw error;
  }
}
