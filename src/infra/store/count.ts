import { sql, type Kysely, type SelectQueryBuilder } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Database } from './schema.ts';

/** Rows of a list are counted up to here; the schema says so at `totalCount`. To count a million rows would hold everybody up. */
export const countedAtMost = 10_000;

/**
 * Even so many rows take longer to count than a page to read. So lists are counted a little further, and one that has that many is not
 * counted again for a moment: no hub takes `spare` rows out of a list in `spareMs`, so it still has `countedAtMost`.
 */
const spare = 2000;
const spareMs = 1000;
/** Lists that are remembered as long. */
const mostRemembered = 1000;

const longLists = new WeakMap<Kysely<Database>, LRUCache<string, true>>();

function longListsOf(db: Kysely<Database>): LRUCache<string, true> {
  const known = longLists.get(db) ?? new LRUCache<string, true>({ max: mostRemembered, ttl: spareMs });
  longLists.set(db, known);
  return known;
}

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
    .limit(countedAtMost + spare) as SelectQueryBuilder<DB, T, { one: unknown }>;
  const counting = db
    .selectFrom(rows.as('counted') as never)
    .select((select) => select.fn.countAll<number>().as('count'))
    .compile();
  const known = longListsOf(db);
  const name = JSON.stringify([counting.sql, counting.parameters]);
  if (known.has(name)) return countedAtMost;
  const { count = 0 } = (await db.executeQuery(counting)).rows[0] ?? {};
  if (count === countedAtMost + spare) known.set(name, true);
  return Math.min(countedAtMost, count);
}
