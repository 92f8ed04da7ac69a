import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';

/*
 * No database can be played convincingly: where another product has a simulator, this one sets up a database of its own on a
 * real server, by the same scripts that a city gets (examples/), and removes it afterwards.
 */

/** A back office in a database of its own. */
export interface SqlOffice {
  readonly dialect: 'postgres' | 'mariadb';
  /** As a city's file names it. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Its own address, with the rights of its owner. */
  readonly adminUrl: string;
  /** As the back office itself: rows with every value as text. */
  ask(sql: string, values?: readonly string[]): Promise<Record<string, string | null>[]>;
  /** Ends every connection of the hub's account. */
  kick(): Promise<void>;
  readonly close: () => Promise<void>;
}

const password = 'sql-simulator-password';
const script = (dialect: SqlOffice['dialect'], user: string): string =>
  readFileSync(new URL(`./examples/${dialect}.sql`, import.meta.url), 'utf8')
    .replaceAll('staedtebund', user)
    .replaceAll('change-me-please', password)
    // Tests connect many hubs at once.
    .replace(/(CONNECTION LIMIT|MAX_USER_CONNECTIONS) 12/, '$1 200');

/** On a server of either kind, by the scheme of its URL; the account in it must be allowed to make databases and accounts. */
export const startSqlOffice = (server: string): Promise<SqlOffice> =>
  server.startsWith('postgres') ? onPostgres(server) : onMariadb(server);

const openPostgres = async (url: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => (text: string) => text } });
  await client.connect();
  return client;
};

async function onPostgres(server: string): Promise<SqlOffice> {
  const [name, user] = [`office_${randomUUID().replaceAll('-', '')}`, `hub_${randomUUID().slice(0, 8)}`];
  const once = async (statement: string) => {
    const client = await openPostgres(server);
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await once(`CREATE DATABASE ${name}`);
  const own = new URL(server);
  own.pathname = `/${name}`;
  const admin = await openPostgres(own.href);
  await admin.query(script('postgres', user));
  return {
    dialect: 'postgres',
    url: `postgres://${own.host}/${name}`,
    user,
    password,
    adminUrl: own.href,
    ask: async (sql, values = []) => (await admin.query<Record<string, string | null>>(sql, [...values])).rows,
    kick: async () => void (await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${user}'`)),
    async close() {
      await admin.query(`DROP OWNED BY ${user}`);
      await admin.end();
      await once(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await once(`DROP ROLE ${user}`);
    },
  };
}

async function onMariadb(server: string): Promise<SqlOffice> {
  const [name, user] = [`office_${randomUUID().replaceAll('-', '')}`, `hub_${randomUUID().slice(0, 8)}`];
  const { hostname, port, username, password: own } = new URL(server);
  const admin = await createConnection({
    host: hostname,
    port: Number(port || 3306),
    user: username,
    password: own,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    multipleStatements: true,
  });
  await admin.query(`CREATE DATABASE ${name}; USE ${name}`);
  await admin.query(script('mariadb', user));
  return {
    dialect: 'mariadb',
    url: `mysql://${hostname}:${port}/${name}`,
    user,
    password,
    adminUrl: `${server}/${name}`,
    async ask(sql, values = []) {
      const [rows] = await admin.query(sql, [...values]);
      if (!Array.isArray(rows)) return [];
      const text = (value: string | number | object | null) =>
        value === null ? null : typeof value === 'object' ? JSON.stringify(value) : String(value);
      return (rows as Record<string, string | number | object | null>[]).map((row) =>
        Object.fromEntries(Object.entries(row).map(([column, value]) => [column, text(value)])),
      );
    },
    async kick() {
      const [rows] = await admin.query(`SELECT id FROM information_schema.processlist WHERE user = '${user}'`);
      for (const { id } of rows as { id: number }[]) await admin.query(`KILL ${id}`).catch(() => {});
    },
    async close() {
      await admin.query(`DROP DATABASE ${name}; DROP USER ${user}@'%'`);
      await admin.end();
    },
  };
}

// As the back office itself, for the samples of the conformance kit: simulator.ts "<statement>" <value>…, on the MariaDB in SQL_ADMIN_URL.
if (import.meta.main) {
  const [statement = 'SELECT 1', ...values] = process.argv.slice(2);
  const { hostname, port, username, password: own, pathname } = new URL(process.env['SQL_ADMIN_URL'] ?? '');
  const login = { host: hostname, port: Number(port), user: username, password: own, database: pathname.slice(1) };
  const client = await createConnection({ ...login, dateStrings: true, rowsAsArray: true });
  try {
    const [rows] = await client.execute(statement, values);
    const text = (cell: unknown) => (typeof cell === 'string' ? cell : JSON.stringify(cell));
    if (Array.isArray(rows)) for (const row of rows as unknown as unknown[][]) process.stdout.write(`${row.map(text).join('\t')}\n`);
  } finally {
    await client.end();
  }
}
