import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createTable } from './tables.ts';

/** Records of back offices that were set aside so that the others could go on. */
async function up(db: Kysely<Database>): Promise<void> {
  await createTable(
    db,
    'set_aside_record',
    { city: 'text', adapter: 'text', record: 'text', reason: 'text', first_at: 'bigint', last_at: 'bigint' },
    { key: ['city', 'adapter', 'record'] },
  );
}

/** 0006: records that were set aside. */
export const setAsideRecords: Migration = { up };
