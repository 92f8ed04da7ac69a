import type { Kysely, Selectable } from 'kysely';
import type { MalformedRecord } from '#contract';
import type { Listing, PageRequest } from '../catalogue/catalogue.ts';
import { countRows } from '../infra/store/count.ts';
import type { Database } from '../infra/store/schema.ts';
import { longestAside, storable } from '../infra/store/storable.ts';
import type { Tx } from '../infra/store/store.ts';

/*
 * Records of back offices that cannot be read, or whose moment cannot be true: kept by id and reason for the operator, until
 * the record is read well or was not told of for a long time. None of their content is kept.
 */

/** A record as the operator sees it. */
export interface SetAsideRecord {
  readonly city: string;
  readonly adapter: string;
  /** Id of the case; null if it has none that can be read. */
  readonly record: string | null;
  /** What is wrong, in English. */
  readonly reason: string;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** More are counted as one: with so many it is the city's file that is wrong, not a record. */
const MOST_RECORDS = 1000;
/** A record that each pull tells of again is written that often. */
const WRITE_EVERY_MS = 60_000;

/** A text of an adapter, which somebody else may have made. */
const plain = (text: unknown): string => (typeof text === 'string' ? storable(text, longestAside) : '');

/** @returns those that were not known before, or for another reason */
export async function keepSetAside(
  tx: Tx,
  { city, adapter, at }: { readonly city: string; readonly adapter: string; readonly at: number },
  told: readonly MalformedRecord[],
  readWell: readonly string[],
): Promise<readonly MalformedRecord[]> {
  const known = await tx.selectFrom('set_aside_record').selectAll().where('city', '=', city).where('adapter', '=', adapter).execute();
  const before = new Map(known.map((row) => [row.record, row]));
  const well = readWell.map(plain).filter((record) => before.has(record));
  if (well.length > 0)
    await tx.deleteFrom('set_aside_record').where('city', '=', city).where('adapter', '=', adapter).where('record', 'in', well).execute();
  for (const record of well) before.delete(record);

  const fresh: MalformedRecord[] = [];
  for (const [record, reason] of new Map(told.map((one) => [plain(one.id), plain(one.reason)]))) {
    const row = before.get(record);
    const isKnown = row?.reason === reason;
    if (!isKnown) fresh.push(record === '' ? { reason } : { id: record, reason });
    if (isKnown && at - row.last_at < WRITE_EVERY_MS) continue;
    if (!row && before.size >= MOST_RECORDS) continue;
    const written = { city, adapter, record, reason, first_at: row?.first_at ?? at, last_at: at };
    before.set(record, written);
    await tx
      .insertInto('set_aside_record')
      .values(written)
      .onConflict((conflict) => conflict.columns(['city', 'adapter', 'record']).doUpdateSet({ reason, last_at: at }))
      .execute();
  }
  return fresh;
}

const toRecord = ({ record, first_at, last_at, ...row }: Selectable<Database['set_aside_record']>): SetAsideRecord => ({
  city: row.city,
  adapter: row.adapter,
  record: record === '' ? null : record,
  reason: row.reason,
  firstAt: new Date(first_at),
  lastAt: new Date(last_at),
});

/** Those of one city, or of all; the latest first. */
export async function listSetAside(db: Kysely<Database>, city?: string): Promise<readonly SetAsideRecord[]> {
  let query = db.selectFrom('set_aside_record').selectAll();
  if (city !== undefined) query = query.where('city', '=', city);
  const rows = await query.orderBy('last_at', 'desc').limit(MOST_RECORDS).execute();
  return rows.map(toRecord);
}

/** A page of those of one city, the first met first; the cursor is its place in that order. */
export async function listSetAsidePage(
  db: Kysely<Database>,
  city: string,
  { after, first }: PageRequest,
): Promise<Listing<SetAsideRecord>> {
  const all = db.selectFrom('set_aside_record').where('city', '=', city);
  const [at = '', adapter = '', ...rest] = after?.split(' ') ?? [];
  const record = rest.join(' ');
  const from = /^\d{1,15}$/.test(at) ? Number(at) : 0;
  const behind = all.where((where) =>
    where.or([
      where('first_at', '>', from),
      where.and([where('first_at', '=', from), where('adapter', '>', adapter)]),
      where.and([where('first_at', '=', from), where('adapter', '=', adapter), where('record', '>', record)]),
    ]),
  );
  const rows = await (after === null ? all : behind)
    .selectAll()
    .orderBy('first_at')
    .orderBy('adapter')
    .orderBy('record')
    .limit(first + 1)
    .execute();
  return {
    items: rows.slice(0, first).map((row) => ({ node: toRecord(row), cursor: `${row.first_at} ${row.adapter} ${row.record}` })),
    totalCount: await countRows(db, all),
    hasNextPage: rows.length > first,
  };
}

/** How many there are, by city. */
export const countSetAside = (db: Kysely<Database>) =>
  db
    .selectFrom('set_aside_record')
    .select(['city', (select) => select.fn.countAll<number>().as('count')])
    .groupBy('city')
    .execute();

export const forgetSetAside = async (db: Kysely<Database>, before: number): Promise<void> => {
  await db.deleteFrom('set_aside_record').where('last_at', '<', before).execute();
};
