import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createIndex } from './tables.ts';

/** An index that holds some rows alone. */
export interface PartialIndex {
  readonly name: string;
  readonly on: keyof Database;
  readonly columns: string;
  readonly where: string;
}

/*
 * What is asked all the time must cost the same with a million finished rows as with none. Finished rows stay where they are,
 * so what is open is found by indexes that hold open rows alone. A database uses such an index only for a query that says its
 * condition in the same words: the conditions of `partial` stand in the queries of the features, letter by letter.
 */
export const partial: readonly PartialIndex[] = [
  {
    name: 'delivery_job_open',
    on: 'delivery_job',
    columns: 'city, adapter, created_at, id',
    where: `state in ('queued', 'leased', 'parked')`,
  },
  {
    name: 'event_delivery_open',
    on: 'event_delivery',
    columns: 'city, not_before, seq',
    where: `state in ('waiting', 'leased', 'parked')`,
  },
  { name: 'event_delivery_over', on: 'event_delivery', columns: 'updated_at', where: `state in ('delivered', 'skipped', 'discarded')` },
  {
    name: 'application_open_case',
    on: 'application',
    columns: 'city, adapter, case_ref',
    where: `status in ('DELIVERED', 'RECEIVED', 'IN_REVIEW', 'ACTION_REQUIRED')`,
  },
  {
    name: 'application_late_case',
    on: 'application',
    columns: 'city, adapter',
    where: `status = 'DELIVERED' and native_version is null and status_since - submitted_at >= 604800000`,
  },
  { name: 'application_parked', on: 'application', columns: 'ars, id', where: 'parked_reason is not null' },
  { name: 'case_file_open', on: 'case_file', columns: 'id, kind', where: 'closed_at is null' },
];

/** What nothing asks for any more. */
const dropped = [
  'application_owner_submitted_at_id',
  'application_ars_status_submitted_at',
  'delivery_job_state_city_not_before',
  'event_delivery_city_state_not_before',
];

/** Makes an index that holds some rows alone. */
export const createPartialIndex = (db: Kysely<Database>, { name, on, columns, where }: PartialIndex) =>
  sql`create index ${sql.raw(name)} on ${sql.raw(on)} (${sql.raw(columns)}) where ${sql.raw(where)}`.execute(db);

async function up(db: Kysely<Database>): Promise<void> {
  // The reference to an application is checked at commit: without an index, each new application reads all keys.
  await createIndex(db, 'submission_key', ['application_id']);
  for (const one of partial) await createPartialIndex(db, one);
  for (const columns of [
    ['ars', 'id'],
    ['owner', 'id'],
    ['ars', 'status', 'id'],
    ['owner', 'status', 'id'],
  ])
    await createIndex(db, 'application', columns);
  await createIndex(db, 'event_delivery', ['seq', 'city']);
  await createIndex(db, 'event_delivery', ['state', 'seq']);
  await createIndex(db, 'event_delivery', ['type', 'seq']);
  await createIndex(db, 'event_attempt', ['event_id']);
  await createIndex(db, 'event_decision', ['event_id']);
  await createIndex(db, 'event_log', ['occurred_at', 'seq']);
  for (const name of dropped) await db.schema.dropIndex(name).execute();
}

/** 0008: indexes that keep the cost of work from growing with what is finished. */
export const growth: Migration = { up };
