import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createIndex, createTable } from './tables.ts';

/** What may be applied for once at a time, by digest, and which application holds it. */
async function up(db: Kysely<Database>): Promise<void> {
  await createTable(db, 'taken_once', { digest: 'text', application_id: 'text', ends_at: 'bigint?' }, { key: ['digest'] });
  await createIndex(db, 'taken_once', ['ends_at']);
}

/** 0009: what may be applied for once at a time. */
export const takenOnce: Migration = { up };
