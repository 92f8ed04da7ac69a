import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { createStore } from './create-store.ts';
import type { Database } from './schema.ts';
import type { Store } from './store.ts';

/** OIDs whose values fit a JavaScript number in this schema: int8 (ids and times) and numeric (a sum of int8). */
const numbers = new Set([20, 1700]);

const parserOf = pg.types.getTypeParser as (oid: number, format?: 'text' | 'binary') => (text: string) => unknown;

/** SQLSTATE 40001 serialization_failure and 40P01 deadlock_detected: nothing happened, run it again. */
const conflicts = new Set(['40001', '40P01']);

/** Class 08 (connection), 57P01 to 57P03 (the server stops or starts), 25P03 (a transaction that rested too long was ended), 53300 (too many connections) and errors of the socket. */
const away = /^(08|57P0[123]|25P03|53300|ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH)/;
const awayMessage = /Connection terminated|timeout exceeded when trying to connect|client (has encountered a connection error|was closed)/i;

const failure = (error: unknown): 'conflict' | 'unavailable' | 'other' => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (conflicts.has(code)) return 'conflict';
  return away.test(code) || (error instanceof Error && awayMessage.test(error.message)) ? 'unavailable' : 'other';
};

/** How the pool to PostgreSQL behaves. */
export interface PostgresOptions {
  /** Connections of this process at most. @default 10 */
  readonly connections?: number;
  /** Called where a waiting connection breaks; the pool replaces it, so this is for the log. */
  readonly onConnectionLost?: () => void;
}

/** Opens the PostgreSQL database of the URL; connects at the first query. */
export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<Store> {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connections ?? 10,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    // A hub that hangs in the middle of a transaction must not hold the event log's lock for ever.
    idle_in_transaction_session_timeout: 60_000,
    types: { getTypeParser: ((oid: number, format) => (numbers.has(oid) ? Number : parserOf(oid, format))) as typeof parserOf },
  });
  // Without a listener, a connection that breaks while it waits in the pool ends the process.
  pool.on('error', () => options.onConnectionLost?.());
  // One in use has no listener of the pool's. That it broke is what its query answers, or the next one.
  pool.on('connect', (client) => client.on('error', () => {}));
  return createStore({
    dialect: 'postgres',
    db: new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }),
    within: (work) => work(),
    failure,
  });
}
