import { connect as connectSocket } from 'node:net';
import { createConnection } from 'mysql2/promise';
import type { SqlConfig } from './config.ts';
import { digits, LOCK_WAIT_MS, type ColumnKind, type Driver, type Result } from './connection.ts';
import type { Dialect } from './dialect.ts';
import { wireTrouble, type Trouble } from './trouble.ts';

/** Types of the client protocol. */
const kinds: Readonly<Record<number, ColumnKind>> = {
  1: 'integer',
  2: 'integer',
  3: 'integer',
  8: 'integer',
  9: 'integer',
  7: 'zoned',
  12: 'wall',
};

/** Connections to MariaDB and MySQL. */
export function mariadbDriver(config: SqlConfig): Driver {
  const { hostname, port, pathname } = new URL(config.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    async open(onSocket) {
      const socket = connectSocket({ host, port: Number(port || 3306), noDelay: true });
      onSocket(socket);
      const client = await createConnection({
        host,
        database: decodeURIComponent(pathname.slice(1)),
        user: config.user,
        password: config.password,
        ...(config.tls === 'off'
          ? {}
          : { ssl: { rejectUnauthorized: true, verifyIdentity: true, ...(config.tls.ca === undefined ? {} : { ca: config.tls.ca }) } }),
        stream: socket,
        // The caller destroys the socket when time is up.
        connectTimeout: 0,
        charset: 'utf8mb4',
        dateStrings: true,
        supportBigNumbers: true,
        bigNumberStrings: true,
        rowsAsArray: true,
      });
      let gone = false;
      client.on('error', () => (gone = true));
      // Without strict mode it would cut what is too long, without a word.
      await client.query(
        "SET SESSION time_zone = '+00:00', sql_mode = CONCAT_WS(',', NULLIF(@@SESSION.sql_mode, ''), 'STRICT_ALL_TABLES'), innodb_lock_wait_timeout = ?, lock_wait_timeout = ?",
        [Math.round(LOCK_WAIT_MS / 1000), Math.round(LOCK_WAIT_MS / 1000)],
      );
      const [answer] = await client.query('SELECT CONNECTION_ID(), VERSION()');
      const [id, version] = (answer as unknown as [unknown, unknown][])[0] ?? [];
      const isMariadb = /mariadb/i.test(String(version));
      return {
        id: String(id),
        system: `${isMariadb ? 'MariaDB' : 'MySQL'} ${String(version).split('-')[0]}`,
        async query(text, values) {
          const [rows, fields] = await client.execute(
            text,
            values.map((value) => (typeof value === 'boolean' ? Number(value) : value)),
          );
          return toResult(rows, fields);
        },
        async limit(ms) {
          const left = Math.max(1, Math.ceil(ms));
          // MySQL knows a limit for SELECT only; what writes is ended by KILL QUERY.
          await client.query(isMariadb ? `SET SESSION max_statement_time = ${left / 1000}` : `SET SESSION max_execution_time = ${left}`);
        },
        closed: () => gone || socket.destroyed,
        destroy: () => void socket.destroy(),
        end: () => client.end(),
      };
    },
    kill: (id) => ({ sql: `KILL QUERY ${digits(id)}`, values: [] }),
  };
}

function toResult(rows: unknown, fields: unknown): Result {
  // An INSERT and a CALL answer with a header instead of rows.
  if (!Array.isArray(rows) || !Array.isArray(fields)) return { rows: [], columns: [] };
  return {
    rows: (rows as unknown[]).map((row) =>
      Array.isArray(row)
        ? (row as unknown[]).map((cell) =>
            cell === null || cell === undefined ? null : Buffer.isBuffer(cell) ? cell.toString() : String(cell as string | number),
          )
        : [],
    ),
    columns: (fields as ({ name: string; columnType?: number } | undefined)[]).flatMap((field) =>
      field ? [{ name: field.name, kind: kinds[field.columnType ?? -1] ?? 'other' }] : [],
    ),
  };
}

/** MariaDB's words. */
export const mariadb: Dialect = {
  name: 'mariadb',
  quote: (name) => `\`${name.replaceAll('`', '``')}\``,
  placeholder: () => '?',
  text: (expression) => `CAST(${expression} AS CHAR)`,
  argument: (_, placeholder) => placeholder,
  utc: '',
  explain,
};

type Known = Omit<Trouble, 'message'> & { readonly what: string };
const wrong = (what: string): Known => ({ kind: 'misconfigured', effect: 'none', what });
const refused = (reason: Trouble['reason'] & string, what: string): Known => ({ kind: 'rejected', effect: 'rolled-back', reason, what });
const later = (what: string): Known => ({ kind: 'retryable', effect: 'rolled-back', what });
const sick = (effect: Trouble['effect'], what: string): Known => ({ kind: 'unavailable', effect, what });
const rights = wrong('a right is missing: see the GRANTs in the README');

/** By error number (MariaDB, error codes). */
const byNumber: Readonly<Record<number, Known>> = {
  1040: { kind: 'retryable', effect: 'none', what: 'too many connections' },
  1203: { kind: 'retryable', effect: 'none', what: 'too many connections of this account' },
  1226: { kind: 'retryable', effect: 'none', what: 'a limit of the account is reached' },
  1044: rights,
  1142: rights,
  1143: rights,
  1227: rights,
  1370: rights,
  1045: wrong('user or password is not accepted'),
  1698: wrong('user or password is not accepted'),
  1049: wrong('there is no such database: config.url'),
  1054: wrong('there is no such column'),
  1146: wrong('there is no such table or view'),
  1305: wrong('there is no such routine'),
  1318: wrong('the routine takes another number of arguments'),
  1364: { ...wrong('a column needs a value'), reason: 'required' },
  1048: refused('required', 'a value is missing'),
  1062: refused('duplicate', 'a value exists already'),
  1264: refused('invalid', 'a value is out of range'),
  1265: refused('invalid', 'a value cannot be kept as it is'),
  1292: refused('invalid', 'a value cannot be kept as it is'),
  1366: refused('invalid', 'a value cannot be kept as it is'),
  1406: refused('too-long', 'a value is too long'),
  1452: refused('not-allowed', 'a value points to nothing'),
  3819: refused('not-allowed', 'a value is not allowed'),
  4025: refused('not-allowed', 'a value is not allowed'),
  1153: { kind: 'rejected', effect: 'none', what: 'more than the server takes at once (max_allowed_packet)' },
  1205: later('what is written to is locked'),
  1213: later('deadlock'),
  1290: sick('none', 'the server takes no writes'),
  1836: sick('none', 'the server takes no writes'),
  1021: sick('rolled-back', 'the disk is full'),
  1114: sick('rolled-back', 'the table is full'),
  1317: sick('rolled-back', 'the statement was ended'),
  1969: sick('rolled-back', 'the statement took too long'),
  3024: sick('rolled-back', 'the statement took too long'),
  1053: sick('unknown', 'the server is stopping'),
  1927: sick('unknown', 'the connection was ended'),
};

function explain(error: unknown): Trouble {
  const { errno, sqlState, sqlMessage } = (error ?? {}) as { errno?: unknown; sqlState?: unknown; sqlMessage?: unknown };
  if (typeof errno !== 'number' || typeof sqlState !== 'string' || typeof sqlMessage !== 'string') return wireTrouble(error);
  // A routine's own refusal (SIGNAL) comes with any number; 45000 is the state that is meant for it.
  const own: Known | undefined =
    sqlState === '45000' ? { kind: 'rejected', effect: 'rolled-back', what: 'a routine or trigger refused' } : byNumber[errno];
  const { what, ...trouble } = own ?? sick('unknown', 'the database failed');
  const column =
    /\b(?:[Cc]olumn|Field) '(?:[^']*\.)?([^'.]{1,64})'/.exec(sqlMessage)?.[1] ??
    /for column (?:`[^`]*`\.)*`([^`]{1,64})`/.exec(sqlMessage)?.[1];
  const constraint =
    /for key '(?:[^'.]*\.)?([^']{1,64})'$/.exec(sqlMessage)?.[1] ??
    /CONSTRAINT `([^`]{1,64})`/.exec(sqlMessage)?.[1] ??
    /[Cc]heck constraint '([^']{1,64})'/.exec(sqlMessage)?.[1];
  const where = [column === undefined ? '' : `, column ${column}`, constraint === undefined ? '' : `, constraint ${constraint}`].join('');
  return {
    ...trouble,
    message: `${what} (error ${errno}${where})`,
    ...(column === undefined ? {} : { column }),
    ...(constraint === undefined ? {} : { constraint }),
    quotes: (text) => sqlMessage.startsWith(`Duplicate entry '${text.slice(0, 64)}`),
  };
}
