import { sql, type Kysely } from 'kysely';
import type { Database } from '../src/infra/store/schema.ts';
import type { Store } from '../src/infra/store/store.ts';

/*
 * A store that has been at work for years: one application that went all the way is there, and its rows are written again and again in
 * the store's own words, each time as another application of another citizen. Nothing of them is open.
 */

type Columns = Readonly<Record<string, (n: string) => string>>;

/** Which rows of an application are repeated, and what is another in each. `n` is the number of the copy as SQL, 8 digits. */
interface Repeated {
  readonly table: keyof Database;
  readonly of: (id: string) => string;
  readonly other: Columns;
}

/** Ids begin with the number, so that they are older than all that come. */
const instead = (column: string) => (n: string) => `${n} || substr(${column}, 9)`;

const repeated: readonly Repeated[] = [
  {
    table: 'application',
    of: (id) => `id = '${id}'`,
    other: {
      id: instead('id'),
      owner: (n) => `'citizen ' || substr(${n}, 4)`,
      case_ref: (n) => `'old ' || ${n}`,
      delivery_key: instead('delivery_key'),
    },
  },
  {
    table: 'submission_key',
    of: (id) => `application_id = '${id}'`,
    other: { owner: (n) => `'citizen ' || ${n}`, application_id: instead('application_id') },
  },
  {
    table: 'delivery_job',
    of: (id) => `application_id = '${id}'`,
    other: { id: instead('id'), application_id: instead('application_id'), key: instead('key') },
  },
  {
    table: 'application_mark',
    of: (id) => `application_id = '${id}'`,
    other: { application_id: instead('application_id'), applicant: (n) => `'applicant ' || ${n}` },
  },
  {
    table: 'inbox',
    of: (id) => `event_id in (select id from event_log where aggregateid = '${id}')`,
    other: { event_id: instead('event_id') },
  },
  { table: 'event_log', of: (id) => `aggregateid = '${id}'`, other: { id: instead('id'), aggregateid: instead('aggregateid') } },
];

/** Events of each application, the least: what falls short is written as further changes of its status. */
const eventsEach = 5;

async function columnsOf(db: Kysely<Database>, table: string): Promise<readonly string[]> {
  const found = (await db.introspection.getTables()).find(({ name }) => name === table);
  if (!found) throw new Error(`there is no table ${table}`);
  return found.columns.map(({ name }) => name).filter((name) => !(table === 'event_log' && name === 'seq'));
}

/**
 * Writes the rows of one finished application `count` times more.
 * @param application its id; its status must be an end
 */
export async function growStore(store: Store, application: string, count: number, say: (text: string) => void): Promise<void> {
  const { db, dialect } = store;
  await fillEvents(db, application);
  const step = 50_000;
  for (let from = 1; from <= count; from += step) {
    const until = Math.min(count, from + step - 1);
    const numbers =
      dialect === 'sqlite'
        ? `(with recursive c(i) as (select ${from} union all select i + 1 from c where i < ${until}) select printf('%08d', i) as n from c)`
        : `(select lpad(i::text, 8, '0') as n from generate_series(${from}, ${until}) as i)`;
    await store.transaction(async (tx) => {
      for (const { table, of, other } of repeated) {
        const columns = await columnsOf(db, table);
        const values = columns.map((column) => other[column]?.('numbers.n') ?? `one."${column}"`);
        // The columns of the copied row are named by the table's alias, those of the number by theirs.
        await sql
          .raw(
            `insert into "${table}" (${columns.map((one) => `"${one}"`).join(', ')}) select ${values.join(', ')} from (select * from "${table}" where ${of(application)}) as one cross join ${numbers} as numbers where true`,
          )
          .execute(tx);
      }
    });
    say(`  ${until.toLocaleString('en')} of ${count.toLocaleString('en')} applications written`);
  }
  await sql.raw(dialect === 'sqlite' ? 'analyze' : 'vacuum analyze').execute(db);
}

async function fillEvents(db: Kysely<Database>, application: string): Promise<void> {
  const events = await db.selectFrom('event_log').selectAll().where('aggregateid', '=', application).orderBy('seq').execute();
  const last = events.at(-1);
  if (!last) throw new Error(`application ${application} has no events`);
  for (let n = events.length; n < eventsEach; n += 1) {
    const { seq: _, ...copy } = last;
    await db
      .insertInto('event_log')
      .values({ ...copy, id: `${last.id.slice(0, 8)}${String(n).padStart(4, '0')}${last.id.slice(12)}` })
      .execute();
  }
}

/** Readers of the log have read what is there: nobody reads the past again. */
export async function readAll(store: Store): Promise<void> {
  const { seq } = await store.db
    .selectFrom('event_log')
    .select((select) => select.fn.max('seq').as('seq'))
    .executeTakeFirstOrThrow();
  await store.db
    .updateTable('reader_cursor')
    .set({ seq: seq ?? 0 })
    .execute();
}
