import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createPartialIndex, type PartialIndex } from './0008_growth.ts';

/*
 * Whose applications belong to a case: without it, the cases of a portal are found by reading all of its applications.
 *
 * A page of a list is the newest of a city or an owner. PostgreSQL, which knows how many rows a city has and not when they came, reads the
 * primary key backwards until it has met enough of them, past all that is younger and somebody else's. So lists are in the order of an
 * expression (`orderly` in store/order.ts), which no index has but those that begin with whose list it is.
 *
 * Of two indexes that seem to serve a statement alike, SQLite takes the one made last, since it knows nothing of what is in them. So those
 * that hold some rows alone are made after the others, or what is parked in a city is found by reading all that it ever had.
 * test/infra/plans.test.ts holds that each statement uses the index whose words it says.
 */
interface ListIndex {
  readonly name: string;
  readonly on: keyof Database;
  readonly columns: string;
  /** The index that it takes the place of. */
  readonly instead?: string;
}

const ordered: readonly ListIndex[] = [
  { name: 'application_list_of_city', on: 'application', columns: `ars, (id || '')`, instead: 'application_ars_id' },
  { name: 'application_list_of_owner', on: 'application', columns: `owner, (id || '')`, instead: 'application_owner_id' },
  { name: 'application_status_of_city', on: 'application', columns: `ars, status, (id || '')`, instead: 'application_ars_status_id' },
  { name: 'application_status_of_owner', on: 'application', columns: `owner, status, (id || '')`, instead: 'application_owner_status_id' },
  { name: 'case_list_of_city', on: 'case_participant', columns: `ars, (case_id || ''), case_id`, instead: 'case_participant_ars_case_id' },
  { name: 'case_list_of_owner', on: 'case_application', columns: `owner, (case_id || ''), case_id, application_id` },
];

const anew: readonly PartialIndex[] = [
  // By the state first: with the time alone, SQLite prefers an index of all rows that has the state.
  {
    name: 'event_delivery_over',
    on: 'event_delivery',
    columns: 'state, updated_at',
    where: `state in ('delivered', 'skipped', 'discarded')`,
  },
  { name: 'application_parked', on: 'application', columns: 'ars, id', where: 'parked_reason is not null' },
  { name: 'application_parked_of_owner', on: 'application', columns: 'owner, id', where: 'parked_reason is not null' },
];

async function up(db: Kysely<Database>): Promise<void> {
  await db.schema.alterTable('case_application').addColumn('owner', 'text').execute();
  await db
    .updateTable('case_application')
    .set((set) => ({
      owner: set.selectFrom('application').select('application.owner').whereRef('application.id', '=', 'case_application.application_id'),
    }))
    .execute();
  for (const { name, on, columns, instead } of ordered) {
    if (instead !== undefined) await db.schema.dropIndex(instead).execute();
    await sql`create index ${sql.raw(name)} on ${sql.raw(on)} (${sql.raw(columns)})`.execute(db);
  }
  for (const name of ['application_parked', 'event_delivery_over']) await db.schema.dropIndex(name).execute();
  for (const one of anew) await createPartialIndex(db, one);
}

/** 0011: lists and prunings that cost the same whatever is finished, in the order of indexes of their own. */
export const lists: Migration = { up };
