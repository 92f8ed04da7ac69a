import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import type { Json } from '#contract';
import { newPostgresDatabase } from '../kit/databases.ts';

/** A database as the examples of the adapter set it up, and the hub's account in it. */
export interface Office {
  readonly dialect: 'postgres' | 'mariadb';
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** As the back office itself: values as text, rows as objects. */
  ask(sql: string): Promise<Record<string, string | null>[]>;
  /** Ends every connection of the hub's account. */
  kick(): Promise<void>;
  remove(): Promise<void>;
}

const password = 'test-password-of-the-hub';
const script = (dialect: string, user: string): string =>
  readFileSync(new URL(`../../adapters/sql/examples/${dialect}.sql`, import.meta.url), 'utf8')
    .replaceAll('staedtebund', user)
    .replaceAll('change-me-please', password)
    // Every test connects hubs of its own.
    .replace(/(CONNECTION LIMIT|MAX_USER_CONNECTIONS) 12/, '$1 200');

export async function newPostgresOffice(server: string): Promise<Office> {
  const database = await newPostgresDatabase(server);
  const user = `hub_${randomUUID().slice(0, 8)}`;
  const admin = new pg.Client({ connectionString: database.url, types: { getTypeParser: () => (text: string) => text } });
  await admin.connect();
  await admin.query(script('postgres', user));
  const { host, pathname } = new URL(database.url);
  return {
    dialect: 'postgres',
    url: `postgres://${host}${pathname}`,
    user,
    password,
    ask: async (sql) => (await admin.query<Record<string, string | null>>(sql)).rows,
    kick: async () => void (await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${user}'`)),
    async remove() {
      await admin.query(`DROP OWNED BY ${user}`);
      await admin.query(`DROP ROLE ${user}`);
      await admin.end();
      await database.remove();
    },
  };
}

export async function newMariadbOffice(server: string): Promise<Office> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const user = `hub_${randomUUID().slice(0, 8)}`;
  const { hostname, port, username } = new URL(server);
  const open = {
    host: hostname,
    port: Number(port),
    user: username,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    multipleStatements: true,
  };
  const first = await createConnection(open);
  await first.query(`CREATE DATABASE ${name}`);
  await first.end();
  const admin = await createConnection({ ...open, database: name });
  await admin.query(script('mariadb', user));
  return {
    dialect: 'mariadb',
    url: `mysql://${hostname}:${port}/${name}`,
    user,
    password,
    async ask(sql) {
      const [rows] = await admin.query(sql);
      if (!Array.isArray(rows)) return [];
      const text = (value: string | number | object | null) =>
        value === null ? null : typeof value === 'object' ? JSON.stringify(value) : String(value);
      return (rows as Record<string, string | number | object | null>[]).map((row) =>
        Object.fromEntries(Object.entries(row).map(([key, value]) => [key, text(value)])),
      );
    },
    async kick() {
      const [rows] = await admin.query(`SELECT id FROM information_schema.processlist WHERE user = '${user}'`);
      for (const { id } of rows as { id: number }[]) await admin.query(`KILL ${id}`).catch(() => {});
    },
    async remove() {
      await admin.query(`DROP DATABASE ${name}; DROP USER ${user}@'%'`);
      await admin.end();
    },
  };
}

/** The part of a city's file that fits the examples. */
export const officeConfig = ({ url, user }: Office, over: Record<string, Json> = {}): Json => ({
  url,
  user,
  password,
  tls: 'off',
  view: 'hub_cases',
  columns: { id: 'nr', number: 'aktenzeichen', status: 'stand', updatedAt: 'geaendert', key: 'hub_key' },
  submit: {
    insert: 'antrag',
    values: {
      leistung: '{/serviceName} ({/service})',
      name: '/applicant/name',
      email: '/applicant/email',
      kennzeichen: '/formData/plateNumber',
      angaben: '/formData',
      eingang: '/submittedAt',
      hub_key: '/key',
    },
  },
  constraints: { kennzeichen_gueltig: { field: '/formData/plateNumber', text: 'Bitte das Kennzeichen mit Bindestrich angeben.' } },
  idempotency: 'unique',
  attachments: {
    insert: 'anlage',
    values: { id: '/attachment/id', hub_key: '/key', dateiname: '/attachment/name', inhalt: '/attachment/content' },
  },
  withdraw: { procedure: 'hub_ruecknahme', arguments: { fall: '/id', grund: '/reason' } },
  ...over,
});
