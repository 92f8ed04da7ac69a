import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createTable } from './tables.ts';

/** The key that an application travels under, what a back office said against it, and that the store came from a backup. */
async function up(db: Kysely<Database>): Promise<void> {
  await db.schema.alterTable('application').addColumn('delivery_key', 'text').execute();
  await db.schema.alterTable('delivery_job').addColumn('refusal', 'text').execute();
  await createTable(db, 'restoration', { at: 'bigint' }, { key: ['at'] });
}

/** 0007: keys that outlive the store, and words of back offices. */
export const refusals: Migration = { up };
