import { Socket } from 'node:net';
import pg from 'pg';
import type { SqlConfig } from './config.ts';
import { digits, LOCK_WAIT_MS, type ColumnKind, type Driver } from './connection.ts';
import type { Dialect } from './dialect.ts';
import { wireTrouble, type Trouble } from './trouble.ts';

/** Object ids of types (pg_type.dat). */
const kinds: Readonly<Record<number, ColumnKind>> = {
  20: 'integer',
  21: 'integer',
  23: 'integer',
  2950: 'uuid',
  1184: 'zoned',
  1114: 'wall',
};

/** Connections to PostgreSQL. */
export function postgresDriver(config: SqlConfig): Driver {
  const { hostname, port, pathname } = new URL(config.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    async open(onSocket) {
      const socket = new Socket();
      onSocket(socket);
      let gone = false;
      const client = new pg.Client({
        host,
        port: Number(port || 5432),
        database: decodeURIComponent(pathname.slice(1)),
        user: config.user,
        password: config.password,
        ssl: config.tls === 'off' ? false : { rejectUnauthorized: true, ...(config.tls.ca === undefined ? {} : { ca: config.tls.ca }) },
        application_name: 'staedtebund',
        stream: () => socket,
        types: { getTypeParser: () => (text: string) => text },
      });
      client.on('error', () => (gone = true));
      client.on('end', () => (gone = true));
      await client.connect();
      await client.query(`SET TIME ZONE 'UTC'; SET datestyle = 'ISO, YMD'; SET lock_timeout = ${LOCK_WAIT_MS}`);
      const { rows } = await client.query<string[]>({
        text: "SELECT pg_backend_pid()::text, current_setting('server_version')",
        rowMode: 'array',
      });
      const [id = '', version = ''] = rows[0] ?? [];
      return {
        id,
        system: `PostgreSQL ${version.split(' ')[0]}`,
        async query(text, values) {
          const result = await client.query<(string | null)[]>({ text, values: [...values], rowMode: 'array' });
          return {
            rows: result.rows,
            columns: result.fields.map(({ name, dataTypeID }) => ({ name, kind: kinds[dataTypeID] ?? 'other' })),
          };
        },
        async limit(ms) {
          await client.query(`SET statement_timeout = ${Math.max(1, Math.ceil(ms))}`);
        },
        closed: () => gone || socket.destroyed,
        destroy: () => void socket.destroy(),
        end: () => client.end(),
      };
    },
    kill: (id) => ({ sql: `SELECT pg_cancel_backend(${digits(id)})`, values: [] }),
  };
}

/** PostgreSQL's words. */
export const postgres: Dialect = {
  name: 'postgres',
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  placeholder: (n) => `$${n}`,
  text: (expression) => `${expression}::text`,
  argument: (name, placeholder) => `${name} => ${placeholder}`,
  utc: '+00',
  explain,
};

/** By SQLSTATE (PostgreSQL, appendix A). */
const byState: Readonly<Record<string, Omit<Trouble, 'message'> & { readonly what: string }>> = {
  '23502': { kind: 'rejected', effect: 'rolled-back', reason: 'required', what: 'a value is missing' },
  '23503': { kind: 'rejected', effect: 'rolled-back', reason: 'not-allowed', what: 'a value points to nothing' },
  '23505': { kind: 'rejected', effect: 'rolled-back', reason: 'duplicate', what: 'a value exists already' },
  '23514': { kind: 'rejected', effect: 'rolled-back', reason: 'not-allowed', what: 'a value is not allowed' },
  '22001': { kind: 'rejected', effect: 'rolled-back', reason: 'too-long', what: 'a value is too long' },
  '25006': { kind: 'unavailable', effect: 'none', what: 'the server takes no writes: a standby?' },
  '40001': { kind: 'retryable', effect: 'rolled-back', what: 'transactions got in each other’s way' },
  '40P01': { kind: 'retryable', effect: 'rolled-back', what: 'deadlock' },
  '55P03': { kind: 'retryable', effect: 'rolled-back', what: 'what is written to is locked' },
  '57014': { kind: 'unavailable', effect: 'rolled-back', what: 'the statement took too long' },
  '57P03': { kind: 'unavailable', effect: 'none', what: 'the server is starting or stopping' },
  '53300': { kind: 'retryable', effect: 'none', what: 'too many connections' },
  '3D000': { kind: 'misconfigured', effect: 'none', what: 'there is no such database: config.url' },
  '42501': { kind: 'misconfigured', effect: 'none', what: 'a right is missing: see the GRANTs in the README' },
  '42P01': { kind: 'misconfigured', effect: 'none', what: 'there is no such table or view' },
  '42703': { kind: 'misconfigured', effect: 'none', what: 'there is no such column' },
  '42883': { kind: 'misconfigured', effect: 'none', what: 'there is no such routine with these arguments' },
  P0001: { kind: 'rejected', effect: 'rolled-back', what: 'a routine or trigger refused' },
};
const byClass: typeof byState = {
  '08': { kind: 'unavailable', effect: 'unknown', what: 'the connection broke' },
  '22': { kind: 'rejected', effect: 'rolled-back', reason: 'invalid', what: 'a value cannot be kept as it is' },
  '23': { kind: 'rejected', effect: 'rolled-back', reason: 'not-allowed', what: 'a constraint refused' },
  '28': { kind: 'misconfigured', effect: 'none', what: 'user or password is not accepted' },
  '3F': { kind: 'misconfigured', effect: 'none', what: 'there is no such schema' },
  '42': { kind: 'misconfigured', effect: 'none', what: 'the statement does not fit the database' },
  '53': { kind: 'unavailable', effect: 'rolled-back', what: 'the server lacks memory or disk' },
  '57': { kind: 'unavailable', effect: 'unknown', what: 'the server was ended' },
};

function explain(error: unknown): Trouble {
  if (!(error instanceof pg.DatabaseError) || !error.code) return wireTrouble(error);
  const { code, constraint, column, detail } = error;
  const known = byState[code] ?? byClass[code.slice(0, 2)] ?? { kind: 'unavailable', effect: 'unknown', what: 'the database failed' };
  const { what, ...trouble } = known;
  const where = [column === undefined ? '' : `, column ${column}`, constraint === undefined ? '' : `, constraint ${constraint}`].join('');
  return {
    ...trouble,
    message: `${what} (SQLSTATE ${code}${where})`,
    ...(column === undefined ? {} : { column }),
    ...(constraint === undefined ? {} : { constraint }),
    quotes: (text) => Boolean(detail?.includes(`(${text})`)),
  };
}
