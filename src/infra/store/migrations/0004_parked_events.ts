import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createTable } from './tables.ts';

/** Events that a consumer keeps until a person releases them. */
async function up(db: Kysely<Database>): Promise<void> {
  await createTable(
    db,
    'parked_event',
    {
      consumer: 'text',
      aggregatetype: 'text',
      aggregateid: 'text',
      seq: 'bigint',
      event_id: 'text',
      event: 'text',
      reason: 'text?',
      attempts: 'integer',
      parked_at: 'bigint',
    },
    { key: ['consumer', 'aggregatetype', 'aggregateid', 'seq', 'event_id'] },
  );
}

/** 0004: events that wait for a person. */
export const parkedEvents: Migration = { up };
