import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** A new, empty database and how to be rid of it. */
export interface OwnDatabase {
  /** As STORE_URL takes it. */
  readonly url: string;
  remove(): Promise<void>;
}

/** In a folder of its own. */
export function newSqliteDatabase(): OwnDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-store-'));
  return { url: `sqlite:${join(folder, 'hub.db')}`, remove: async () => rmSync(folder, { recursive: true, force: true }) };
}

/** On a PostgreSQL server, under a name of its own. */
export async function newPostgresDatabase(server: string): Promise<OwnDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
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
