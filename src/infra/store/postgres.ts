import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { HubError } from '#contract';
import { createStore } from './create-store.ts';
import { translateErrors, type DriverErrors, type StoreFailure } from './driver-errors.ts';
import type { Database } from './schema.ts';
import type { Store } from './store.ts';

/** OIDs whose values fit a JavaScript number in this schema: int8 (ids and times) and numeric (a sum of int8). */
const numbers = new Set([20, 1700]);

const parserOf = pg.types.getTypeParser as (oid: number, format?: 'text' | 'binary') => (text: string) => unknown;

/** SQLSTATE 40001 serialization_failure and 40P01 deadlock_detected: nothing happened, run it again. */
const conflicts = new Set(['40001', '40P01']);

/**
 * Class 08 (connection), 28 (no longer let in), 53 (no room on the disk, in memory or for another connection), 58 (the server's own
 * files), 57P01 to 57P05 (the server stops, starts or ended the session), 25006 (a standby that only reads, after a failover),
 * 25P03 (a transaction that rested too long was ended), 55P03 (a lock in the way), and errors of the socket.
 */
const away =
  /^(08|28|53|58|57P0[1-5]|25006|25P03|55P03|ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN)/;
const awayMessage =
  /Connection terminated|timeout exceeded when trying to connect|timeout expired|client (has encountered a connection error|was closed)|not queryable/i;

const failureOf = (error: unknown): StoreFailure => {
  // Where a name has several addresses, each of them failed.
  if (error instanceof AggregateError) return error.errors.some((one) => failureOf(one) === 'unavailable') ? 'unavailable' : 'other';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (conflicts.has(code)) return 'conflict';
  return away.test(code) || (error instanceof Error && awayMessage.test(error.message)) ? 'unavailable' : 'other';
};

/** How the pool to PostgreSQL behaves. */
export interface PostgresOptions {
  /** Called where a waiting connection breaks; the pool replaces it, so this is for the log. */
  readonly onConnectionLost?: () => void;
  readonly onUnavailable?: DriverErrors['onUnavailable'];
}

/**
 * Connections of one process at most. Everything that appends events takes turns at the log's lock, so more of them do not
 * write faster: they are for what reads, claims and renews meanwhile. Four hubs fit into PostgreSQL's own 100.
 */
const CONNECTIONS = 20;

/** The URL for the driver, and the size of the pool that it asks for (`?pool=`). @throws HubError CONFIG_INVALID */
export function readPostgresUrl(given: string): { readonly url: string; readonly connections: number } {
  const asked = /[?&]pool=([^&]*)/.exec(given)?.[1];
  if (asked === undefined) return { url: given, connections: CONNECTIONS };
  const connections = Number(asked);
  if (!Number.isInteger(connections) || connections < 2 || connections > 1000)
    throw new HubError('CONFIG_INVALID', {
      de: `STORE_URL enthält pool=${asked}: Erwartet wird eine ganze Zahl von 2 bis 1000, die Verbindungen dieses Prozesses.`,
      en: `STORE_URL has pool=${asked}: a whole number from 2 to 1000, the connections of this process.`,
    });
  return { url: given.replace(/([?&])pool=[^&]*(&|$)/, (_, before: string, after: string) => (after === '' ? '' : before)), connections };
}

/** Opens the PostgreSQL database of the URL; connects at the first query. */
export async function openPostgres(given: string, options: PostgresOptions = {}): Promise<Store> {
  const { url, connections } = readPostgresUrl(given);
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
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
  const { onUnavailable } = options;
  const errors: DriverErrors = { dialect: 'postgres', failureOf, ...(onUnavailable ? { onUnavailable } : {}) };
  return createStore({
    dialect: 'postgres',
    db: new Kysely<Database>({ dialect: translateErrors(new PostgresDialect({ pool }), errors) }),
    within: (work) => work(),
    failureOf,
  });
}
