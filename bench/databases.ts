import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** An empty store, and how to be rid of it. */
export interface FreshStore {
  readonly url: string;
  remove(): Promise<void>;
}

/** An SQLite file in a folder of its own. */
export function freshSqlite(): FreshStore {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-bench-'));
  return { url: `sqlite:${join(folder, 'hub.db')}`, remove: async () => rmSync(folder, { recursive: true, force: true }) };
}

/** A database of its own on a PostgreSQL server. */
export async function freshPostgres(server: string): Promise<FreshStore> {
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await run(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, remove: () => run(`drop database if exists ${name} with (force)`) };
}
