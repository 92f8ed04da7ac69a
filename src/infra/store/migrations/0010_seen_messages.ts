import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createIndex, createTable } from './tables.ts';

/** Notifications that took effect, so that the same one sent again has none. */
async function up(db: Kysely<Database>): Promise<void> {
  await createTable(
    db,
    'seen_message',
    { city: 'text', adapter: 'text', digest: 'text', seen_at: 'bigint' },
    { key: ['city', 'adapter', 'digest'] },
  );
  await createIndex(db, 'seen_message', ['seen_at']);
}

/** 0010: notifications that took effect. */
export const seenMessages: Migration = { up };
