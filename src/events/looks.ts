import { sql, type Kysely } from 'kysely';
import type { LoggedEvent } from '#contract';
import { countRows } from '../infra/store/count.ts';
import { toEvent } from '../infra/store/eventlog.ts';
import type { Database } from '../infra/store/schema.ts';
import { isOpen, type AttemptRow, type DecisionRow, type DeliveryRow, type ReceiverRow } from './records.ts';

/** The SQL that looks: into the log by other keys than its place, into queues and their past. */

type Db = Kysely<Database>;

/** Events of a time (from, until before) or of one aggregate, in log order, after a place. */
export async function listEvents(
  db: Db,
  which: { readonly from: number; readonly until: number } | { readonly aggregate: string },
  after: number,
  limit: number,
): Promise<readonly LoggedEvent[]> {
  let query = db.selectFrom('event_log').selectAll().where('seq', '>', after).orderBy('seq').limit(limit);
  query =
    'aggregate' in which
      ? query.where('aggregateid', '=', which.aggregate).where('aggregatetype', 'in', ['case', 'application'])
      : query.where('occurred_at', '>=', which.from).where('occurred_at', '<', which.until);
  return (await query.execute()).map(toEvent);
}

/** Cases that this application belongs to. */
export async function listCasesOf(db: Db, application: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('case_application')
    .select('case_id')
    .where('application_id', '=', application)
    .orderBy('case_id')
    .limit(20)
    .execute();
  return rows.map((row) => row.case_id);
}

/** How many deliveries of each city are open, by state. */
export const countOpen = (db: Db) =>
  db
    .selectFrom('event_delivery as d')
    .select(['d.city', 'd.state', (select) => select.fn.countAll<number>().as('count')])
    .where(isOpen)
    .groupBy(['d.city', 'd.state'])
    .execute();

/** When the oldest delivery was queued that waits for the city and not for a person, by city. */
export const oldestWaiting = (db: Db) =>
  db
    .selectFrom('event_delivery as d')
    .select(['d.city', (select) => select.fn.min<number>('d.queued_at').as('queued_at')])
    .where(isOpen)
    .where('d.state', '<>', 'parked')
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('event_delivery as parked')
            .select('parked.event_id')
            .whereRef('parked.city', '=', 'd.city')
            .whereRef('parked.aggregatetype', '=', 'd.aggregatetype')
            .whereRef('parked.aggregateid', '=', 'd.aggregateid')
            .whereRef('parked.seq', '<', 'd.seq')
            .where('parked.state', '=', 'parked'),
        ),
      ),
    )
    .groupBy('d.city')
    .execute();

export const listReceivers = (db: Db): Promise<ReceiverRow[]> => db.selectFrom('event_receiver').selectAll().orderBy('city').execute();

/** Which deliveries a page of the log holds. */
export interface DeliveryFilter {
  readonly city?: string;
  readonly state?: DeliveryRow['state'];
  readonly type?: string;
  /** @default false */
  readonly oldestFirst?: boolean;
}

const filtered = (db: Db, { city, state, type }: DeliveryFilter) => {
  let query = db.selectFrom('event_delivery as d');
  if (city !== undefined) query = query.where('d.city', '=', city);
  if (state !== undefined) query = query.where('d.state', '=', state);
  if (state === 'waiting' || state === 'leased' || state === 'parked') query = query.where(isOpen);
  // A word that is no type's is asked of nobody: a store may refuse the characters in it.
  if (type !== undefined) query = query.where('d.type', '=', /^[a-z.-]{1,100}$/.test(type) ? type : '');
  return query;
};

/** Deliveries, the newest event first, before a place in the log. */
export const listDeliveries = (db: Db, filter: DeliveryFilter, after: number | null, limit: number): Promise<DeliveryRow[]> => {
  const query = filtered(db, filter)
    .selectAll()
    .orderBy('d.seq', filter.oldestFirst ? 'asc' : 'desc')
    .orderBy('d.city')
    .limit(limit);
  return (after === null ? query : query.where('d.seq', filter.oldestFirst ? '>' : '<', after)).execute();
};

/** How many deliveries the filter lets through, counted up to a bound (store/count.ts). */
export const countDeliveries = (db: Db, filter: DeliveryFilter): Promise<number> => countRows(db, filtered(db, filter));

/** Attempts at these events, oldest first; for one city, or for all. */
export const listAttempts = (db: Db, eventIds: readonly string[], city?: string): Promise<AttemptRow[]> => {
  if (eventIds.length === 0) return Promise.resolve([]);
  const query = db.selectFrom('event_attempt').selectAll().where('event_id', 'in', eventIds).orderBy('id');
  return (city === undefined ? query : query.where('city', '=', city)).execute();
};

/** Decisions about these events, oldest first; for one city, or for all. */
export const listDecisions = (db: Db, eventIds: readonly string[], city?: string): Promise<DecisionRow[]> => {
  if (eventIds.length === 0) return Promise.resolve([]);
  const query = db.selectFrom('event_decision').selectAll().where('event_id', 'in', eventIds).orderBy('id');
  return (city === undefined ? query : query.where('city', '=', city)).execute();
};

/** Deliveries of applications to their back offices. */
export const listJobsOf = (db: Db, applications: readonly string[]) =>
  applications.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('delivery_job')
        .select(['id', 'application_id', 'city', 'adapter', 'kind', 'state', 'attempts', 'last_error', 'created_at', 'updated_at'])
        .where('application_id', 'in', applications)
        .orderBy('created_at')
        .execute();

/** Forgets what is over and older than a time. The inbox outlives the deliveries it guards. */
export async function forgetDeliveries(db: Db, before: number): Promise<void> {
  await db.deleteFrom('event_attempt').where('at', '<', before).execute();
  await db
    .deleteFrom('event_delivery')
    .where(sql<boolean>`state in ('delivered', 'skipped', 'discarded')`)
    .where('updated_at', '<', before)
    .execute();
}
