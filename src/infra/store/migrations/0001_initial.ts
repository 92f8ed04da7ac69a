import { SqliteAdapter, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createIndex, createTable } from './tables.ts';

/*
 * The tables of schema.ts. `bigint` is an integer on SQLite too; the one difference between the databases is how the
 * event log counts. A `?` after a type allows null. References to an application are checked at commit, so that a
 * transaction may write its rows in any order.
 */

async function createEvents(db: Kysely<Database>): Promise<void> {
  const sqlite = db.getExecutor().adapter instanceof SqliteAdapter;
  await db.schema
    .createTable('event_log')
    // AUTOINCREMENT: without it, SQLite would give the number of a deleted last row again.
    .addColumn('seq', sqlite ? 'integer' : 'bigserial', (c) => (sqlite ? c.primaryKey().autoIncrement() : c.primaryKey()))
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('aggregatetype', 'text', (c) => c.notNull())
    .addColumn('aggregateid', 'text', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('municipality', 'text')
    .addColumn('payload', 'text', (c) => c.notNull())
    .addColumn('occurred_at', 'bigint', (c) => c.notNull())
    .addColumn('traceparent', 'text')
    .execute();
  await createIndex(db, 'event_log', ['aggregatetype', 'aggregateid', 'seq']);
  await createTable(db, 'reader_cursor', { reader: 'text', seq: 'bigint', updated_at: 'bigint' }, { key: ['reader'] });
  await createTable(db, 'inbox', { consumer: 'text', event_id: 'text', seen_at: 'bigint' }, { key: ['consumer', 'event_id'] });
  await createIndex(db, 'inbox', ['seen_at']);
  await createTable(db, 'lease', { name: 'text', holder: 'text', until: 'bigint', fence: 'bigint' }, { key: ['name'] });
}

async function createCatalogue(db: Kysely<Database>): Promise<void> {
  await createTable(
    db,
    'municipality',
    {
      ars: 'text',
      ags: 'text',
      name: 'text',
      kind: 'text',
      federal_state: 'text',
      district: 'text?',
      population: 'integer?',
      area_hectares: 'double precision?',
      valid_from: 'text?',
      valid_to: 'text?',
    },
    { key: ['ars'] },
  );
  await createIndex(db, 'municipality', ['ags']);
  await createTable(
    db,
    'municipality_change',
    { old_ars: 'text', new_ars: 'text', valid_from: 'text', source: 'text' },
    { key: ['old_ars', 'new_ars'] },
  );
  await createIndex(db, 'municipality_change', ['new_ars']);
  await createTable(db, 'postal_code', { postal_code: 'text', ags: 'text', place: 'text' }, { key: ['postal_code', 'ags', 'place'] });
  await createIndex(db, 'postal_code', ['ags']);
  await createTable(
    db,
    'service',
    {
      key: 'text',
      name_de: 'text',
      name_en: 'text?',
      summary_de: 'text?',
      summary_en: 'text?',
      typing: 'text?',
      ozg_id: 'text?',
      life_situations: 'text',
      legal_basis: 'text',
      source: 'text',
      as_of: 'text',
    },
    { key: ['key'] },
  );
  await createTable(
    db,
    'service_equivalence',
    { key_a: 'text', key_b: 'text', provenance: 'text', source: 'text', as_of: 'text' },
    { key: ['key_a', 'key_b', 'source'] },
  );
  await createIndex(db, 'service_equivalence', ['key_b']);
  await createTable(
    db,
    'offer',
    {
      id: 'text',
      service_key: 'text',
      local_key: 'text',
      source: 'text',
      area: 'text',
      ars: 'text',
      record: 'text',
      revision: 'text',
      valid_from: 'text?',
      valid_to: 'text?',
      imported_at: 'bigint',
    },
    { key: ['id'] },
  );
  await createIndex(db, 'offer', ['service_key']);
  await createIndex(db, 'offer', ['ars']);
  await createIndex(db, 'offer', ['source', 'local_key'], true);
  await createTable(
    db,
    'catalogue_source',
    {
      source: 'text',
      ars: 'text?',
      format: 'text',
      content_hash: 'text?',
      offers: 'integer',
      mapped: 'integer',
      unmapped: 'integer',
      as_of: 'bigint?',
      checked_at: 'bigint',
      problem: 'text?',
    },
    { key: ['source'] },
  );
}

async function createApplications(db: Kysely<Database>): Promise<void> {
  await createTable(
    db,
    'application',
    {
      id: 'text',
      city: 'text',
      adapter: 'text',
      offer_id: 'text',
      service_key: 'text',
      ars: 'text',
      status: 'text',
      status_since: 'bigint',
      parked_reason: 'text?',
      form_revision: 'text',
      channel: 'text',
      assurance_level: 'text',
      owner: 'text',
      payload: 'text?',
      case_ref: 'text?',
      case_number: 'text?',
      native_status: 'text?',
      native_version: 'text?',
      native_updated_at: 'bigint?',
      version: 'integer',
      submitted_at: 'bigint',
      traceparent: 'text?',
    },
    { key: ['id'] },
  );
  await createIndex(db, 'application', ['owner', 'submitted_at', 'id']);
  await createIndex(db, 'application', ['ars', 'status', 'submitted_at']);
  await createIndex(db, 'application', ['city', 'adapter', 'case_ref']);
  await createTable(
    db,
    'submission_key',
    { owner: 'text', key: 'text', request_hash: 'text', application_id: 'text', created_at: 'bigint' },
    { key: ['owner', 'key'], ofApplication: true },
  );
  await createTable(
    db,
    'delivery_job',
    {
      id: 'text',
      application_id: 'text',
      city: 'text',
      adapter: 'text',
      kind: 'text',
      key: 'text',
      state: 'text',
      attempts: 'integer',
      effect: 'text',
      not_before: 'bigint',
      lease_until: 'bigint?',
      fence: 'bigint',
      last_error: 'text?',
      reason: 'text?',
      created_at: 'bigint',
      updated_at: 'bigint',
    },
    { key: ['id'], ofApplication: true },
  );
  await createIndex(db, 'delivery_job', ['state', 'city', 'not_before']);
  await createIndex(db, 'delivery_job', ['application_id']);
  await createTable(db, 'delivery_step', { key: 'text', name: 'text', result: 'text', done_at: 'bigint' }, { key: ['key', 'name'] });
}

async function createChanges(db: Kysely<Database>): Promise<void> {
  await createTable(
    db,
    'change_cursor',
    { city: 'text', adapter: 'text', cursor: 'text', updated_at: 'bigint' },
    { key: ['city', 'adapter'] },
  );
  await createTable(
    db,
    'seen_change',
    { city: 'text', adapter: 'text', change_id: 'text', seen_at: 'bigint' },
    { key: ['city', 'adapter', 'change_id'] },
  );
  await createIndex(db, 'seen_change', ['seen_at']);
  await createTable(
    db,
    'held_change',
    {
      city: 'text',
      adapter: 'text',
      change_id: 'text',
      case_ref: 'text',
      case_number: 'text?',
      native_status: 'text',
      native_version: 'text',
      native_updated_at: 'bigint',
      reason: 'text',
      held_at: 'bigint',
    },
    { key: ['city', 'adapter', 'change_id'] },
  );
  await createIndex(db, 'held_change', ['city', 'adapter', 'case_ref']);
}

async function up(db: Kysely<Database>): Promise<void> {
  await createEvents(db);
  await createCatalogue(db);
  await createApplications(db);
  await createChanges(db);
}

/** Makes every table. */
export const initial: Migration = { up };
