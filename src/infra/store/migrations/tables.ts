import type { Kysely } from 'kysely';
import type { Database } from '../schema.ts';

/* How migrations make tables, the same on both databases. */

type Table = Exclude<keyof Database, 'event_log'>;
type ColumnType = 'text' | 'integer' | 'bigint' | 'double precision';

/** Makes a table with the columns that it has so far; a `?` after a type allows null. References to an application are checked at commit. */
export async function createTable<T extends Table>(
  db: Kysely<Database>,
  name: T,
  columns: Readonly<Partial<Record<keyof Database[T], ColumnType | `${ColumnType}?`>>>,
  options: { readonly key: readonly (keyof Database[T] & string)[]; readonly ofApplication?: boolean },
): Promise<void> {
  let table = db.schema.createTable(name);
  for (const [column, type] of Object.entries(columns) as [string, ColumnType | `${ColumnType}?`][]) {
    const nullable = type.endsWith('?');
    table = table.addColumn(column, (nullable ? type.slice(0, -1) : type) as ColumnType, (c) => (nullable ? c : c.notNull()));
  }
  table = table.addPrimaryKeyConstraint(`${name}_pkey`, options.key as never);
  if (options.ofApplication)
    table = table.addForeignKeyConstraint(`${name}_application`, ['application_id' as never], 'application', ['id'], (c) =>
      c.deferrable().initiallyDeferred(),
    );
  await table.execute();
}

/** Makes an index, named after its columns. */
export const createIndex = (db: Kysely<Database>, table: keyof Database, columns: readonly string[], unique = false) => {
  const index = db.schema
    .createIndex(`${table}_${columns.join('_')}`)
    .on(table)
    .columns([...columns] as never[]);
  return (unique ? index.unique() : index).execute();
};
