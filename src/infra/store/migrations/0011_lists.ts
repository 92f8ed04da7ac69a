import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createPartialIndex, type PartialIndex } from './0008_growth.ts';
import { createIndex } from './tables.ts';

/*
 * Whose applications belong to a case: without it, the cases of a portal are found by reading all of its applications.
 *
 * Of two indexes that seem to serve a statement alike, SQLite takes the one made last, since it knows nothing of what is in them. So those
 * that hold some rows alone are made after the others, or what is parked in a city is found by reading all that it ever had.
 * test/infra/plans.test.ts holds that each statement uses the index whose words it says.
 */
const anew: readonly PartialIndex[] = [
  { name: 'application_parked', on: 'application', columns: 'ars, id', where: 'parked_reason is not null' },
  { name: 'application_parked_of_owner', on: 'application', columns: 'owner, id', where: 'parked_reason is not null' },
  // By the state first: with the time alone, SQLite prefers an index of all rows that has the state.
  {
    name: 'event_delivery_over',
    on: 'event_delivery',
    columns: 'state, updated_at',
    where: `state in ('delivered', 'skipped', 'discarded')`,
  },
];

async function up(db: Kysely<Database>): Promise<void> {
  await db.schema.alterTable('case_application').addColumn('owner', 'text').execute();
  await db
    .updateTable('case_application')
    .set((set) => ({
      owner: set.selectFrom('application').select('application.owner').whereRef('application.id', '=', 'case_application.application_id'),
    }))
    .execute();
  await createIndex(db, 'case_application', ['owner', 'case_id', 'application_id']);
  for (const name of ['application_parked', 'event_delivery_over']) await db.schema.dropIndex(name).execute();
  for (const one of anew) await createPartialIndex(db, one);
}

/** 0011: lists and prunings that cost the same whatever is finished. */
export const lists: Migration = { up };
