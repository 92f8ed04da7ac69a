import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';

/*
 * A page of a list is the newest of a city or an owner. PostgreSQL, which knows how many rows a city has and not when they came, reads the
 * primary key backwards until it has met enough of them, past all that is younger and somebody else's. So lists are in the order of an
 * expression (`orderly` in store/order.ts), which no index has but those that begin with whose list it is.
 */
const indexes: readonly { readonly name: string; readonly on: keyof Database; readonly columns: string; readonly instead: string }[] = [
  { name: 'application_list_of_city', on: 'application', columns: `ars, (id || '')`, instead: 'application_ars_id' },
  { name: 'application_list_of_owner', on: 'application', columns: `owner, (id || '')`, instead: 'application_owner_id' },
  { name: 'application_status_of_city', on: 'application', columns: `ars, status, (id || '')`, instead: 'application_ars_status_id' },
  { name: 'application_status_of_owner', on: 'application', columns: `owner, status, (id || '')`, instead: 'application_owner_status_id' },
  { name: 'case_list_of_city', on: 'case_participant', columns: `ars, (case_id || ''), case_id`, instead: 'case_participant_ars_case_id' },
  {
    name: 'case_list_of_owner',
    on: 'case_application',
    columns: `owner, (case_id || ''), case_id, application_id`,
    instead: 'case_application_owner_case_id_application_id',
  },
];

async function up(db: Kysely<Database>): Promise<void> {
  for (const { name, on, columns, instead } of indexes) {
    await db.schema.dropIndex(instead).execute();
    await sql`create index ${sql.raw(name)} on ${sql.raw(on)} (${sql.raw(columns)})`.execute(db);
  }
  // Behind the others: of two that seem to serve alike, SQLite takes the one made last.
  for (const [name, columns] of [
    ['application_parked', 'ars, id'],
    ['application_parked_of_owner', 'owner, id'],
  ] as const) {
    await db.schema.dropIndex(name).execute();
    await sql`create index ${sql.raw(name)} on application (${sql.raw(columns)}) where parked_reason is not null`.execute(db);
  }
}

/** 0012: lists in the order of indexes of their own. */
export const listOrder: Migration = { up };
