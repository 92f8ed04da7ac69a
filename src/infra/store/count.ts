import { sql, type Kysely, type SelectQueryBuilder } from 'kysely';
import type { Database } from './schema.ts';

/** Rows of a list are counted up to here; the schema says so at `totalCount`. To count a million rows would hold everybody up. */
export const countedAtMost = 10_000;

/** How many rows several queries have together that share none, up to the same bound. */
export async function countTogether<DB extends Database, T extends keyof DB, O>(
  db: Kysely<Database>,
  queries: readonly SelectQueryBuilder<DB, T, O>[],
): Promise<number> {
  const counts = await Promise.all(queries.map((query) => countRows(db, query)));
  return Math.min(
    countedAtMost,
    counts.reduce((sum, one) => sum + one, 0),
  );
}

/** How many rows a query has, `countedAtMost` if they are as many or more. */
export async function countRows<DB extends Database, T extends keyof DB, O>(
  db: Kysely<Database>,
  query: SelectQueryBuilder<DB, T, O>,
): Promise<number> {
  const rows = query
    .clearSelect()
    .select(sql`1`.as('one'))
    .limit(countedAtMost) as SelectQueryBuilder<DB, T, { one: unknown }>;
  const { count } = await db
    .selectFrom(rows.as('counted') as never)
    .select((select) => select.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
