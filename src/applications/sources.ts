import type { Kysely } from 'kysely';
import type { Cities } from '../cities/cities.ts';
import type { Database } from '../infra/store/schema.ts';
import type { Store, Tx } from '../infra/store/store.ts';
import { listSetAside, type SetAsideRecord } from './set-aside.ts';

/** Where the pull of one adapter's changes stands, for the operator. */
export interface ChangeSource {
  readonly city: string;
  readonly adapter: string;
  /** The adapter's own text; null if nothing was pulled yet, or the next pull begins anew. */
  readonly cursor: string | null;
  /** When a pull last stored it. */
  readonly storedAt: Date | null;
  readonly setAside: readonly SetAsideRecord[];
}

/** How setting back ended: `no-moment` where the back office keeps the place, so that there is only the beginning. */
export type Rewound = 'done' | 'no-changes' | 'no-moment';

export async function readCursor(db: Kysely<Database>, city: string, adapter: string): Promise<string | null> {
  const row = await db
    .selectFrom('change_cursor')
    .select('cursor')
    .where('city', '=', city)
    .where('adapter', '=', adapter)
    .executeTakeFirst();
  return row?.cursor ?? null;
}

/** Moves a cursor on from where its pull stood. @returns false if it stands elsewhere by now */
export async function moveCursor(
  store: Store,
  tx: Tx,
  { city, adapter, from, next, at }: { city: string; adapter: string; from: string | null; next: string; at: number },
): Promise<boolean> {
  const query = tx.selectFrom('change_cursor').select('cursor').where('city', '=', city).where('adapter', '=', adapter);
  const row = await (store.dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst();
  if ((row?.cursor ?? null) !== from) return false;
  await setCursor(tx, { city, adapter, cursor: next, at });
  return true;
}

const setCursor = async (
  db: Kysely<Database>,
  { city, adapter, cursor, at }: { city: string; adapter: string; cursor: string; at: number },
): Promise<void> => {
  await db
    .insertInto('change_cursor')
    .values({ city, adapter, cursor, updated_at: at })
    .onConflict((conflict) => conflict.columns(['city', 'adapter']).doUpdateSet({ cursor, updated_at: at }))
    .execute();
};

/** Every adapter that is pulled, and every one that told of records which were set aside. */
export async function listSources(store: Store, cities: Cities): Promise<readonly ChangeSource[]> {
  const rows = await store.db.selectFrom('change_cursor').selectAll().execute();
  const setAside = await listSetAside(store.db);
  return cities.list().flatMap(({ id: city, adapters }) =>
    adapters.flatMap(({ id: adapter }): ChangeSource[] => {
      const row = rows.find((one) => one.city === city && one.adapter === adapter);
      const own = setAside.filter((one) => one.city === city && one.adapter === adapter);
      if (!row && own.length === 0 && !cities.adapter(city, adapter).changes) return [];
      return [{ city, adapter, cursor: row?.cursor ?? null, storedAt: row ? new Date(row.updated_at) : null, setAside: own }];
    }),
  );
}

/** Sets where the next pull of an adapter begins: at a moment, or at the beginning (null). What took effect takes none again. */
export async function rewind(
  { store, cities, now }: { readonly store: Store; readonly cities: Cities; readonly now: () => Date },
  { city, adapter, to }: { readonly city: string; readonly adapter: string; readonly to: Date | null },
): Promise<Rewound> {
  const known = cities.find(city)?.adapters.some(({ id }) => id === adapter);
  const port = known ? cities.adapter(city, adapter).changes : undefined;
  if (!port) return 'no-changes';
  if (to === null) {
    await store.db.deleteFrom('change_cursor').where('city', '=', city).where('adapter', '=', adapter).execute();
    return 'done';
  }
  if (!port.cursorAt) return 'no-moment';
  await setCursor(store.db, { city, adapter, cursor: port.cursorAt(to), at: now().getTime() });
  return 'done';
}
