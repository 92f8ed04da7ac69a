import { sql, type Insertable, type Kysely, type Selectable } from 'kysely';
import type { MalformedRecord } from '#contract';
import type { Database } from '../infra/store/schema.ts';
import { longestAside, storable } from '../infra/store/storable.ts';
import type { Store, Tx } from '../infra/store/store.ts';

type Db = Kysely<Database> | Tx;
type ReferenceTable = 'municipality' | 'municipality_change' | 'postal_code' | 'service' | 'service_equivalence';

/** A stored row of a table of the catalogue. */
export type Row<T extends ReferenceTable | 'offer' | 'catalogue_source'> = Selectable<Database[T]>;

/** Primary keys of the reference tables, as the migrations make them. */
const keyColumns = {
  municipality: ['ars'],
  municipality_change: ['old_ars', 'new_ars'],
  postal_code: ['postal_code', 'ags', 'place'],
  service: ['key'],
  service_equivalence: ['key_a', 'key_b', 'source'],
} as const satisfies { [T in ReferenceTable]: readonly (keyof Database[T])[] };

/** The key of a reference row as one text. */
export const keyOf = (table: ReferenceTable, row: object): string =>
  keyColumns[table].map((column) => (row as Record<string, unknown>)[column]).join('\u0001');

/** Inserts rows of a reference table, or brings those with the same key up to date. Rows must have distinct keys. */
export async function upsertReference<T extends ReferenceTable>(db: Db, table: T, rows: readonly Row<T>[]): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.keys(rows[0] as object);
  const keys: readonly string[] = keyColumns[table];
  const changing = columns.filter((column) => !keys.includes(column));
  // Kysely cannot follow a table name that is a type parameter; the row type above keeps columns and table together.
  const loose = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
  await loose
    .insertInto(table)
    .values(rows)
    .onConflict((conflict) => {
      const target = conflict.columns([...keys]);
      return changing.length === 0
        ? target.doNothing()
        : target.doUpdateSet(Object.fromEntries(changing.map((column) => [column, sql`excluded.${sql.ref(column)}`])) as object);
    })
    .execute();
}

/** Deletes the rows of a reference table that are not in `kept` (texts of `keyOf`); how many went. */
export async function pruneReference(db: Db, table: ReferenceTable, kept: ReadonlySet<string>): Promise<number> {
  const loose = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
  const rows = await loose
    .selectFrom(table)
    .select([...keyColumns[table]])
    .execute();
  const gone = rows.filter((row) => !kept.has(keyOf(table, row)));
  for (const row of gone) {
    let query = loose.deleteFrom(table);
    for (const column of keyColumns[table]) query = query.where(column, '=', row[column]);
    await query.execute();
  }
  return gone.length;
}

/** Stands in place of a place's name with the postal code that an administration has for itself. */
export const bulkPlace = '(Großempfänger)';

/** All reference rows. */
export async function loadReference({ db }: Store) {
  return {
    municipalities: await db.selectFrom('municipality').selectAll().execute(),
    changes: await db.selectFrom('municipality_change').selectAll().execute(),
    postalCodes: await db.selectFrom('postal_code').selectAll().orderBy('postal_code').execute(),
    services: await db.selectFrom('service').selectAll().execute(),
    equivalences: await db.selectFrom('service_equivalence').selectAll().orderBy('key_a').orderBy('key_b').execute(),
  };
}

/** What `loadReference` brings. */
export type ReferenceRows = Awaited<ReturnType<typeof loadReference>>;

/** All offers, in the order of their ids. */
export const loadOffers = ({ db }: Store): Promise<Row<'offer'>[]> => db.selectFrom('offer').selectAll().orderBy('id').execute();

/** All sources of offers and reference records. */
export const loadSources = ({ db }: Store): Promise<Row<'catalogue_source'>[]> => db.selectFrom('catalogue_source').selectAll().execute();

/** One source, or null. */
export const findSource = async (db: Db, source: string): Promise<Row<'catalogue_source'> | null> =>
  (await db.selectFrom('catalogue_source').selectAll().where('source', '=', source).executeTakeFirst()) ?? null;

/** Writes the row of a source. */
export async function saveSource(db: Db, row: Insertable<Database['catalogue_source']>): Promise<void> {
  const { source: _, ...rest } = row;
  await db
    .insertInto('catalogue_source')
    .values(row)
    .onConflict((conflict) => conflict.column('source').doUpdateSet(rest))
    .execute();
}

/** Ids and revisions of a source's offers. */
export const listRevisions = (db: Db, source: string): Promise<{ id: string; revision: string }[]> =>
  db.selectFrom('offer').select(['id', 'revision']).where('source', '=', source).execute();

/** Inserts offers or replaces those with the same id. */
export async function upsertOffers(tx: Tx, rows: readonly Insertable<Database['offer']>[]): Promise<void> {
  for (const row of rows) {
    const { id: _, ...rest } = row;
    await tx
      .insertInto('offer')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
      .execute();
  }
}

/** Deletes offers by id. */
export async function deleteOffers(tx: Tx, ids: readonly string[]): Promise<void> {
  for (const id of ids) await tx.deleteFrom('offer').where('id', '=', id).execute();
}

/** Most entries of a catalogue that are shown as set aside. */
const MOST_SET_ASIDE = 200;

/** Keeps the entries of a catalogue that could not be read, by id and reason for the operator, in the place of those of the listing before. */
export async function replaceSetAside(
  tx: Tx,
  { city, adapter, at }: { readonly city: string; readonly adapter: string; readonly at: number },
  records: readonly MalformedRecord[],
): Promise<void> {
  // Cases of the same adapter stand there too, under their own ids.
  const own = tx.selectFrom('set_aside_record').selectAll().where('city', '=', city).where('adapter', '=', adapter);
  const before = new Map((await own.execute()).flatMap((row) => (row.record.startsWith(OFFER) ? [[row.record, row]] : [])));
  for (const record of before.keys())
    await tx.deleteFrom('set_aside_record').where('city', '=', city).where('adapter', '=', adapter).where('record', '=', record).execute();
  const told = new Map(records.map(({ id, reason }) => [`${OFFER}${storable(id ?? '?', longestAside)}`, storable(reason, longestAside)]));
  for (const [record, reason] of [...told].slice(0, MOST_SET_ASIDE))
    await tx
      .insertInto('set_aside_record')
      .values({ city, adapter, record, reason, first_at: before.get(record)?.first_at ?? at, last_at: at })
      .execute();
}

const OFFER = 'offer ';
