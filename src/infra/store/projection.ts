import { sql } from 'kysely';
import { breathe, type LoggedEvent } from '#contract';
import type { EventLog } from './eventlog.ts';
import type { Store, Tx } from './store.ts';

/*
 * A projection is what the store keeps although the event log tells it: answers must not wait for a fold of the log. It is
 * written in the transaction of the event that changes it, and can be made again from the log to the same bytes.
 * Whoever adds a column to one that the log does not tell has made it a source of truth: docs/reference/tables.md lists both.
 */

/** A table that holds part of a projection. */
export interface HeldTable {
  readonly table: string;
  /** The id of the aggregate first. */
  readonly key: readonly string[];
  /** What is held beside the key; where a table holds nothing else, all of its columns. */
  readonly columns: readonly string[];
}

/** What the log says of one aggregate: the rows of each table, by its name. */
export type ToldRows = Readonly<Record<string, readonly object[]>>;

/** Something that can be made of the event log. */
export interface Projection<State = unknown> {
  readonly name: string;
  /** The aggregates whose events it is made of. */
  readonly aggregateType: string;
  /** Which columns it holds; of the first table, an aggregate has one row, and whoever changes the aggregate holds that row. */
  readonly holds: readonly [HeldTable, ...HeldTable[]];
  /** True if it holds whole rows: then one of which the log tells nothing should not be. */
  readonly isWhole: boolean;
  /** After one more event of an aggregate, in log order; null before the first. */
  evolve(before: State | null, event: LoggedEvent): State | null;
  /** Rows of an aggregate; null if it is not for this version of the hub to say. */
  rows(id: string, state: State | null): ToldRows | null;
  /**
   * Puts the rows of an aggregate in the place of those there are.
   * @returns the id of an aggregate whose rows are in the way; then nothing of this one is there
   */
  save(tx: Tx, id: string, rows: ToldRows): Promise<string | null>;
}

/** What a rebuilding did. */
export interface Rebuilt {
  readonly events: number;
  readonly rows: number;
  /** Rows that were other, that were missing or that should not have been: 0 where all was well. */
  readonly differing: number;
}

/** Aggregates that are looked at together, and those that are put right in one transaction. */
const LOOKED_AT = 500;
const PUT_RIGHT = 100;
/** Events in memory at once. */
const EVENTS = 1000;

type Rows = ReadonlyMap<string, string>;
type Db = Store['db'];
/** What the log says, by aggregate; null where it is not for this version to say. */
type Told = ReadonlyMap<string, ToldRows | null>;

const keyOf = (table: string, key: readonly string[], row: object): string =>
  JSON.stringify([table, ...key.map((name) => (row as Readonly<Record<string, unknown>>)[name])]);
const textOf = (columns: readonly string[], row: object): string =>
  JSON.stringify(columns.map((name) => (row as Readonly<Record<string, unknown>>)[name]));

/** Rows of these aggregates as they are, by aggregate, table and key. */
async function readRows(db: Db, { holds }: Projection, ids: readonly string[]): Promise<Map<string, Map<string, string>>> {
  const found = new Map<string, Map<string, string>>(ids.map((id) => [id, new Map()]));
  for (const { table, key, columns } of holds) {
    const names = sql.join([...key, ...columns].map((name) => sql.ref(name)));
    const own = sql.ref(key[0]!);
    const { rows } = await sql<
      Readonly<Record<string, unknown>>
    >`select ${names} from ${sql.table(table)} where ${own} in (${sql.join(ids)})`.execute(db);
    for (const row of rows) found.get(row[key[0]!] as string)?.set(keyOf(table, key, row), textOf(columns, row));
  }
  return found;
}

const asRows = ({ holds }: Projection, told: ToldRows): Rows =>
  new Map(holds.flatMap(({ table, key, columns }) => (told[table] ?? []).map((row) => [keyOf(table, key, row), textOf(columns, row)])));

const countDiffering = (are: Rows, should: Rows): number =>
  [...new Set([...are.keys(), ...should.keys()])].filter((key) => are.get(key) !== should.get(key)).length;

/**
 * Makes a projection again, beside a running hub. The log is read through aggregate by aggregate, without a lock; what differs is looked
 * at again and put right in small transactions, each of which holds its aggregates' rows: whoever changes one of them waits for that
 * moment and for no other. Nobody sees a row half made, and after a crash each is as it was or as the log says. With `check` nothing is
 * changed.
 */
export async function rebuild<State>(
  store: Store,
  eventLog: EventLog,
  projection: Projection<State>,
  options: { readonly check?: boolean; readonly progress?: (events: number) => void } = {},
): Promise<Rebuilt> {
  const { aggregateType, holds } = projection;
  let events = 0;
  let rows = 0;
  let differing = 0;

  /** What the log says of these aggregates. */
  async function tell(db: Db, ids: readonly string[]): Promise<Told> {
    const states = new Map<string, State | null>(ids.map((id) => [id, null]));
    for await (const batch of eventLog.readAggregates(db, aggregateType, ids, EVENTS))
      for (const event of batch) {
        const { id } = event.aggregate;
        states.set(id, projection.evolve(states.get(id) ?? null, event));
      }
    return new Map([...states].map(([id, state]) => [id, projection.rows(id, state)]));
  }

  /** What the log says of all aggregates that it knows, some at a time. */
  async function* tellAll(): AsyncGenerator<Told> {
    let told = new Map<string, ToldRows | null>();
    let current = null as { readonly id: string; state: State | null } | null;
    for await (const batch of eventLog.readByAggregate(aggregateType, EVENTS)) {
      for (const event of batch) {
        const { id } = event.aggregate;
        if (current?.id !== id) {
          if (current) told.set(current.id, projection.rows(current.id, current.state));
          current = { id, state: null };
          if (told.size >= LOOKED_AT) {
            yield told;
            told = new Map();
          }
        }
        current.state = projection.evolve(current.state, event);
      }
      events += batch.length;
      options.progress?.(events);
    }
    if (current) told.set(current.id, projection.rows(current.id, current.state));
    yield told;
  }

  /** Holds the aggregates against other writers: what has changed them is in the log before, what will change them waits. */
  async function hold(tx: Tx, ids: readonly string[]): Promise<void> {
    if (store.dialect !== 'postgres') return;
    const [{ table, key }] = holds;
    const own = sql.ref(key[0]!);
    await sql`select ${own} from ${sql.table(table)} where ${own} in (${sql.join(ids)}) order by ${own} for update`.execute(tx);
  }

  /** Puts one right, and first what is in its way. */
  async function put(tx: Tx, id: string, told: ToldRows | null): Promise<void> {
    if (told === null) return;
    const inTheWay = await projection.save(tx, id, told);
    if (inTheWay === null) return;
    await hold(tx, [inTheWay]);
    await put(tx, inTheWay, (await tell(tx, [inTheWay])).get(inTheWay) ?? null);
    // Two of which the log says the same cannot both be: then the one that was there stays.
    await projection.save(tx, id, told);
  }

  /** @returns how many rows of these differed */
  const putRight = (ids: readonly string[]): Promise<number> =>
    store.transaction(async (tx) => {
      await hold(tx, ids);
      const told = await tell(tx, ids);
      const are = await readRows(tx, projection, ids);
      let found = 0;
      for (const id of ids) {
        const should = told.get(id) ?? null;
        const count = should === null ? 0 : countDiffering(are.get(id)!, asRows(projection, should));
        found += count;
        if (count > 0 && !options.check) await put(tx, id, should);
      }
      return found;
    });

  async function look(told: Told): Promise<void> {
    const ids = [...told.keys()];
    if (ids.length === 0) return;
    // What changes between the log and here differs at first, and not when it is held.
    const are = await readRows(store.db, projection, ids);
    const odd: string[] = [];
    for (const [id, should] of told) {
      if (should === null) continue;
      const wanted = asRows(projection, should);
      rows += wanted.size;
      if (countDiffering(are.get(id)!, wanted) > 0) odd.push(id);
    }
    for (let start = 0; start < odd.length; start += PUT_RIGHT) differing += await putRight(odd.slice(start, start + PUT_RIGHT));
    // SQLite answers without a pause: whatever else this process does gets its turn here.
    await breathe();
  }

  for await (const told of tellAll()) await look(told);
  if (projection.isWhole)
    for (const { table, key } of holds) {
      const untold = await listUntold(store.db, aggregateType, table, key[0]!);
      for (let start = 0; start < untold.length; start += LOOKED_AT)
        await look(await tell(store.db, untold.slice(start, start + LOOKED_AT)));
    }
  return { events, rows, differing };
}

/** Aggregates that have rows here and no event. */
async function listUntold(db: Db, type: string, table: string, column: string): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct ${sql.ref(column)} as id from ${sql.table(table)} where not exists (
      select 1 from event_log where aggregatetype = ${type} and aggregateid = ${sql.ref(`${table}.${column}`)}
    )`.execute(db);
  return rows.map(({ id }) => id);
}
