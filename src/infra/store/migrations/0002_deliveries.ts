import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createIndex, createTable } from './tables.ts';

/** Delivery of events to cities. */
async function up(db: Kysely<Database>): Promise<void> {
  await createTable(
    db,
    'event_receiver',
    {
      city: 'text',
      from_seq: 'bigint',
      failures: 'integer',
      failing_since: 'bigint?',
      not_before: 'bigint',
      succeeded_at: 'bigint?',
      last_error: 'text?',
      paused_at: 'bigint?',
      pause_reason: 'text?',
    },
    { key: ['city'] },
  );
  await createTable(
    db,
    'event_delivery',
    {
      city: 'text',
      event_id: 'text',
      seq: 'bigint',
      type: 'text',
      aggregatetype: 'text',
      aggregateid: 'text',
      state: 'text',
      attempts: 'integer',
      failed_at: 'bigint?',
      not_before: 'bigint',
      lease_until: 'bigint?',
      fence: 'bigint',
      last_error: 'text?',
      reason: 'text?',
      replays: 'integer',
      queued_at: 'bigint',
      updated_at: 'bigint',
    },
    { key: ['city', 'event_id'] },
  );
  await createIndex(db, 'event_delivery', ['city', 'state', 'not_before']);
  await createIndex(db, 'event_delivery', ['city', 'aggregatetype', 'aggregateid', 'seq']);
  await createIndex(db, 'event_delivery', ['city', 'seq']);
  await createIndex(db, 'event_delivery', ['aggregateid']);
  await createTable(
    db,
    'event_attempt',
    {
      id: 'text',
      city: 'text',
      event_id: 'text',
      attempt: 'integer',
      channel: 'text',
      at: 'bigint',
      ms: 'bigint',
      outcome: 'text',
      status: 'integer?',
    },
    { key: ['id'] },
  );
  await createIndex(db, 'event_attempt', ['city', 'event_id']);
  await createIndex(db, 'event_attempt', ['at']);
  await createTable(
    db,
    'event_subscription',
    { id: 'text', city: 'text', types: 'text', services: 'text', created_at: 'bigint', created_by: 'text' },
    { key: ['id'] },
  );
  await createIndex(db, 'event_subscription', ['city']);
  await createTable(
    db,
    'event_decision',
    { id: 'text', city: 'text', event_id: 'text?', action: 'text', by: 'text', reason: 'text?', at: 'bigint' },
    { key: ['id'] },
  );
  await createIndex(db, 'event_decision', ['city', 'at']);
}

/** Makes the tables of the delivery of events to cities. */
export const deliveries: Migration = { up };
