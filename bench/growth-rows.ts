import { sql, type Kysely } from 'kysely';
import type { RegionalKey, ServiceKey } from '#contract';
import { moving } from '../src/coordination/kinds/moving.ts';
import { toFacts, project, type CaseRows } from '../src/coordination/project.ts';
import { saveCase } from '../src/coordination/records.ts';
import { caseClosed, caseOpened } from '../src/coordination/words.ts';
import type { CaseEvent } from '../src/coordination/kind.ts';
import { newId } from '../src/infra/ids.ts';
import type { Database } from '../src/infra/store/schema.ts';
import type { Store } from '../src/infra/store/store.ts';

/*
 * A store that has been at work for years: one application that went all the way is there, and its rows are written again and again in
 * the store's own words, each time as another application of another citizen, or of the one portal that many go through. Every tenth
 * belongs to a case between cities that is closed.
 */

/** What is another in a copy: columns and their SQL. `n` is the number of the copy as SQL, 8 digits. */
type Columns = Readonly<Record<string, (n: string) => string>>;

/** Which rows of an application are repeated, and what is another in each. */
interface Repeated {
  readonly table: keyof Database;
  /** Condition of the rows that are copied. */
  readonly of: (from: Origin) => string;
  readonly other: (from: Origin) => Columns;
  /** @default 1, for each application */
  readonly every?: number;
}

/** The application that is copied, and the closed case that it belongs to. */
interface Origin {
  readonly application: string;
  readonly caseId: string;
  readonly caseRef: string;
  /** Owner of every second application. */
  readonly portal: string;
}

/** Ids begin with the number, so that they are older than all that come. */
const instead = (column: string) => (n: string) => `${n} || substr(${column}, 9)`;
const isOdd = (n: string) => `substr(${n}, 8) in ('1', '3', '5', '7', '9')`;
const perCase = 10;

const repeated: readonly Repeated[] = [
  {
    table: 'application',
    of: ({ application }) => `id = '${application}'`,
    other: ({ portal }) => ({
      id: instead('id'),
      owner: (n) => `case when ${isOdd(n)} then 'citizen ' || substr(${n}, 4) else '${portal}' end`,
      case_ref: (n) => `'old ' || ${n}`,
      delivery_key: instead('delivery_key'),
    }),
  },
  {
    table: 'submission_key',
    of: ({ application }) => `application_id = '${application}'`,
    other: ({ portal }) => ({
      owner: (n) => `case when ${isOdd(n)} then 'citizen ' || substr(${n}, 4) else '${portal}' end`,
      key: (n) => `'key ' || ${n}`,
      application_id: instead('application_id'),
    }),
  },
  {
    table: 'delivery_job',
    of: ({ application }) => `application_id = '${application}'`,
    other: () => ({ id: instead('id'), application_id: instead('application_id'), key: instead('key') }),
  },
  {
    table: 'application_mark',
    of: ({ application }) => `application_id = '${application}'`,
    other: () => ({ application_id: instead('application_id'), applicant: (n) => `'applicant ' || ${n}` }),
  },
  {
    table: 'seen_change',
    of: ({ caseRef }) => `change_id like '${caseRef} %'`,
    other: () => ({ change_id: (n) => `'old ' || ${n} || change_id` }),
  },
  {
    table: 'inbox',
    of: ({ application }) => `event_id in (select id from event_log where aggregateid = '${application}')`,
    other: () => ({ event_id: instead('event_id') }),
  },
  {
    table: 'event_log',
    of: ({ application }) => `aggregateid = '${application}'`,
    other: () => ({ id: instead('id'), aggregateid: instead('aggregateid') }),
  },
  {
    table: 'case_file',
    of: ({ caseId }) => `id = '${caseId}'`,
    other: () => ({ id: instead('id'), correlation: instead('correlation'), application_id: instead('application_id') }),
    every: perCase,
  },
  {
    table: 'case_participant',
    of: ({ caseId }) => `case_id = '${caseId}'`,
    other: () => ({ case_id: instead('case_id') }),
    every: perCase,
  },
  {
    table: 'case_application',
    of: ({ caseId }) => `case_id = '${caseId}'`,
    other: () => ({ case_id: instead('case_id'), application_id: instead('application_id') }),
    every: perCase,
  },
];

/** Events of each application, the least: what falls short is written as further changes of its status. */
const eventsEach = 5;
/** Applications written in one transaction. */
const step = 25_000;

/** Cities of the cases that are written. */
export interface Sides {
  readonly arrival: RegionalKey;
  readonly departure: RegionalKey;
}

/** Copies an application into a store. */
export interface Copying {
  /** Writes so many finished applications. */
  finished(count: number, say: (text: string) => void): Promise<void>;
  /** Writes applications whose cases are under way in a back office, which knows them by the numbers from `firstCase` on. */
  open(
    count: number,
    city: { readonly id: string; readonly adapter: string; readonly ars: string; readonly firstCase: number },
  ): Promise<void>;
}

/**
 * What copies one application of a store, which must have ended.
 * @param application its id
 * @param portal owner of every second copy
 */
export async function createCopying(
  store: Store,
  application: string,
  { portal, sides }: { portal: string; sides: Sides },
): Promise<Copying> {
  const { db, dialect } = store;
  const { case_ref } = await db.selectFrom('application').select('case_ref').where('id', '=', application).executeTakeFirstOrThrow();
  await fillEvents(db, application);
  const caseId = await writeCase(store, { application, sides, dueAt: null });
  const from: Origin = { application, caseId, caseRef: case_ref ?? '', portal };
  const columnsOf = new Map((await db.introspection.getTables()).map(({ name, columns }) => [name, columns.map((one) => one.name)]));
  // Large transactions over large indexes; this connection alone.
  if (dialect === 'sqlite') await sql`pragma cache_size = -500000`.execute(db);

  async function copy(first: number, last: number, which: readonly Repeated[], changed: (table: string) => Columns = () => ({})) {
    await store.transaction(async (tx) => {
      for (const { table, of, other, every = 1 } of which) {
        const columns = (columnsOf.get(table) ?? []).filter((name) => !(table === 'event_log' && name === 'seq'));
        const others = { ...other(from), ...changed(table) };
        const values = columns.map((column) => others[column]?.('numbers.n') ?? `one."${column}"`);
        const numbers =
          dialect === 'sqlite'
            ? `(with recursive c(i) as (select ${first} union all select i + 1 from c where i < ${last}) select printf('%08d', i) as n from c where i % ${every} = 0)`
            : `(select lpad(i::text, 8, '0') as n from generate_series(${first}, ${last}) as i where i % ${every} = 0)`;
        // The columns of the copied row are named by the table's alias, those of the number by theirs.
        await sql
          .raw(
            `insert into "${table}" (${columns.map((one) => `"${one}"`).join(', ')}) select ${values.join(', ')} from (select * from "${table}" where ${of(from)}) as one cross join ${numbers} as numbers where true`,
          )
          .execute(tx);
      }
    });
  }

  let others = 90_000_000;
  return {
    async finished(count, say) {
      const began = performance.now();
      for (let first = 1; first <= count; first += step) {
        const last = Math.min(count, first + step - 1);
        await copy(first, last, repeated);
        if (last === count || last % (4 * step) === 0)
          say(`  ${last.toLocaleString('en')} applications written after ${Math.round((performance.now() - began) / 1000)} s`);
      }
    },
    async open(count, { id, adapter, ars, firstCase }) {
      const first = others + 1;
      others += count;
      const ofCase = (n: string) => `cast(cast(${n} as integer) - ${first - firstCase} as text)`;
      const here: Columns = { city: () => `'${id}'`, adapter: () => `'${adapter}'` };
      const changes: Readonly<Record<string, Columns>> = {
        application: {
          ...here,
          ars: () => `'${ars}'`,
          status: () => `'RECEIVED'`,
          case_ref: ofCase,
          native_status: () => 'null',
          native_version: () => 'null',
          native_updated_at: () => 'null',
        },
        delivery_job: here,
      };
      await copy(
        first,
        others,
        repeated.filter(({ every, table }) => every === undefined && table !== 'seen_change'),
        (table) => changes[table] ?? {},
      );
    },
  };
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

/**
 * Writes the case of somebody who has moved, by the rules of its kind: one that waits for an answer until `dueAt`, or one that is closed.
 * @param unseen the deadline is left out of what waits, so that nobody sees it yet
 * @returns its id
 */
export async function writeCase(
  store: Store,
  {
    application,
    sides,
    dueAt,
    unseen = false,
  }: { readonly application: string; readonly sides: Sides; readonly dueAt: Date | null; readonly unseen?: boolean },
): Promise<string> {
  const { arrival, departure } = sides;
  const id = newId();
  const opened = { of: arrival, to: [departure], service: '99115005104000' as ServiceKey, application };
  const events: CaseEvent[] = [
    caseOpened('moving', opened, { departure }),
    dueAt === null
      ? caseClosed('COMPLETED', { of: arrival, to: [departure] })
      : {
          type: 'move.registered',
          of: arrival,
          to: [departure],
          facts: { from: arrival, arrival, departure, round: 1, step: 'evaluate', dueAt: dueAt.toISOString() },
        },
  ];
  let rows: CaseRows | null = null;
  for (const event of events)
    rows = project(moving, id, rows, {
      type: event.type,
      municipality: event.of,
      occurredAt: new Date(),
      facts: { ...toFacts(event), correlation: id },
    });
  if (rows) {
    const waiting = rows.waiting.map((one) => (unseen ? { ...one, due_at: null } : one));
    const written: CaseRows = { ...rows, waiting };
    await store.transaction((tx) => saveCase(tx, null, written));
  }
  return id;
}

/** Readers of the log have read what is there: nobody reads the past again. On PostgreSQL, statistics are as new as autovacuum keeps them. */
export async function readAll(store: Store): Promise<void> {
  const { seq } = await store.db
    .selectFrom('event_log')
    .select((select) => select.fn.max('seq').as('seq'))
    .executeTakeFirstOrThrow();
  await store.db
    .updateTable('reader_cursor')
    .set({ seq: seq ?? 0 })
    .where('reader', '<>', 'health')
    .execute();
  if (store.dialect === 'postgres') await sql`vacuum analyze`.execute(store.db);
}
