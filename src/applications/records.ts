import { sql, type Kysely, type Selectable } from 'kysely';
import type { ApplicationStatus, CaseRef, Channel, Json, Person } from '#contract';
import { newId } from '../infra/ids.ts';
import type { Database } from '../infra/store/schema.ts';
import type { Store, Tx } from '../infra/store/store.ts';
import type { Application } from './applications.ts';
import { parseRefusal, type Refusal } from './refusal.ts';
import type { ApplicationState } from './rules.ts';

/** The SQL of applications: every statement that reads or writes their tables. */

export type ApplicationRow = Selectable<Database['application']>;
export type JobRow = Selectable<Database['delivery_job']>;
type Db = Kysely<Database>;

export const toApplication = (row: ApplicationRow): Application => ({
  id: row.id,
  offerId: row.offer_id,
  serviceKey: row.service_key,
  ars: row.ars,
  city: row.city,
  status: row.status as ApplicationStatus,
  statusSince: new Date(row.status_since),
  parkedReason: row.parked_reason,
  caseNumber: row.case_number,
  channel: row.channel as Channel,
  submittedAt: new Date(row.submitted_at),
  formRevision: row.form_revision,
  reference: row.delivery_key ?? row.id,
});

export const toState = (row: ApplicationRow): ApplicationState => ({
  status: row.status as ApplicationStatus,
  parkedReason: row.parked_reason,
  caseRef: row.case_ref,
  nativeStatus: row.native_status,
  nativeVersion: row.native_version,
  nativeUpdatedAt: row.native_updated_at,
});

/** Applicant and form data as they wait for delivery. */
export interface Payload {
  readonly applicant: Person;
  readonly formData: Json;
  readonly serviceName: string;
  readonly localKey: string;
}

export const findApplication = (db: Db, id: string): Promise<ApplicationRow | undefined> =>
  db.selectFrom('application').selectAll().where('id', '=', id).executeTakeFirst();

/*
 * What is open, late or parked is found by indexes that hold such rows alone (store/migrations/0008_growth.ts). A database uses them
 * only for a query with the same condition in the same words, so these are written out, without parameters.
 */
const openJob = sql<boolean>`state in ('queued', 'leased', 'parked')`;
const openCase = sql<boolean>`status in ('DELIVERED', 'RECEIVED', 'IN_REVIEW', 'ACTION_REQUIRED')`;
/** Waits for a person. */
export const isParked = sql<boolean>`parked_reason is not null`;
/** Delivered a week or more after it was taken, and nobody has told anything of it. */
const lateCase = sql<boolean>`status = 'DELIVERED' and native_version is null and status_since - submitted_at >= 604800000`;

/** Cases of one adapter whose applications have not ended, in the order of their references, after the one given. */
export async function listOpenCases(
  db: Db,
  { city, adapter, after, limit }: { city: string; adapter: string; after: string; limit: number },
): Promise<CaseRef[]> {
  const rows = await casesOf(db, city, adapter).where('case_ref', '>', after).where(openCase).orderBy('case_ref').limit(limit).execute();
  return rows.flatMap(toCaseRef);
}

/** How late `listLateCases` calls late, in milliseconds. */
export const lateMs = 604_800_000;

/** Cases of one adapter that nobody has told anything of, and whose applications were delivered so late after they were taken (`lateMs`). */
export async function listLateCases(db: Db, { city, adapter }: { city: string; adapter: string }): Promise<CaseRef[]> {
  const rows = await casesOf(db, city, adapter).where(lateCase).execute();
  return rows.flatMap(toCaseRef);
}

const casesOf = (db: Db, city: string, adapter: string) =>
  db.selectFrom('application').select(['case_ref', 'case_number']).where('city', '=', city).where('adapter', '=', adapter);

const toCaseRef = ({ case_ref, case_number }: Pick<ApplicationRow, 'case_ref' | 'case_number'>): CaseRef[] =>
  case_ref === null ? [] : [{ id: case_ref, ...(case_number === null ? {} : { publicNumber: case_number }) }];

/** The application, held against other writers until the transaction ends. */
export const lockApplication = (store: Store, tx: Tx, id: string): Promise<ApplicationRow | undefined> => {
  const query = tx.selectFrom('application').selectAll().where('id', '=', id);
  return (store.dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst();
};

export const findApplicationByCase = async (store: Store, tx: Tx, city: string, adapter: string, caseRef: string) => {
  const query = tx
    .selectFrom('application')
    .selectAll()
    .where('city', '=', city)
    .where('adapter', '=', adapter)
    .where('case_ref', '=', caseRef);
  return (store.dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst();
};

export const updateApplication = async (
  tx: Tx,
  row: ApplicationRow,
  change: Partial<Omit<ApplicationRow, 'id' | 'version'>>,
): Promise<void> => {
  await tx
    .updateTable('application')
    .set({ ...change, version: row.version + 1 })
    .where('id', '=', row.id)
    .execute();
};

export const findSubmissionKey = (db: Db, owner: string, key: string) =>
  db.selectFrom('submission_key').selectAll().where('owner', '=', owner).where('key', '=', key).executeTakeFirst();

/** True if the key was free and is now taken. */
export async function claimSubmissionKey(tx: Tx, record: Database['submission_key']): Promise<boolean> {
  const taken = await tx
    .insertInto('submission_key')
    .values(record)
    .onConflict((conflict) => conflict.columns(['owner', 'key']).doNothing())
    .executeTakeFirst();
  return taken.numInsertedOrUpdatedRows === 1n;
}

/**
 * Jobs of one application, oldest first, held until the transaction ends: a worker claims a job without holding its application,
 * and what is decided by a job's state must still be so at the commit. Always after `lockApplication`, so that nobody waits in a circle.
 */
export const lockJobs = (store: Store, tx: Tx, applicationId: string): Promise<JobRow[]> => {
  const query = tx.selectFrom('delivery_job').selectAll().where('application_id', '=', applicationId).orderBy('created_at').orderBy('id');
  return (store.dialect === 'postgres' ? query.forUpdate() : query).execute();
};

/** Queues a delivery for the city of an application; `key` travels to the back office. */
export const queueJob = async (
  tx: Tx,
  { row, kind, key, at, reason }: { row: ApplicationRow; kind: JobRow['kind']; key: string; at: number; reason?: string },
): Promise<void> => {
  await tx
    .insertInto('delivery_job')
    .values({
      id: newId(),
      application_id: row.id,
      city: row.city,
      adapter: row.adapter,
      kind,
      key,
      state: 'queued',
      attempts: 0,
      effect: 'none',
      not_before: at,
      lease_until: null,
      fence: 0,
      last_error: null,
      reason: reason ?? null,
      created_at: at,
      updated_at: at,
      refusal: null,
    })
    .execute();
};

/**
 * No wait and no lease is as long as these, in milliseconds: one that seems so was written while the clock was ahead, and counts as over.
 * A delivery that is sent too early for it is still sent under its key, and its outcome written under its fence.
 */
const LONGEST_WAIT_MS = 2 * 3_600_000;
const LONGEST_LEASE_MS = 10 * 60_000;

/** City and adapter of every delivery of these cities that could be tried now. What waits for other cities costs nothing here. */
export const listDueTargets = (db: Db, cities: readonly string[], now: number) =>
  db
    .selectFrom('delivery_job')
    .select(['city', 'adapter'])
    .distinct()
    .where(openJob)
    .where('city', 'in', cities)
    .where((where) =>
      where.or([
        where.and([where('state', '=', 'queued'), where('not_before', '<=', now)]),
        where.and([where('state', '=', 'leased'), where('lease_until', '<', now)]),
        where.and([where('state', '=', 'queued'), where('not_before', '>', now + LONGEST_WAIT_MS)]),
        where.and([where('state', '=', 'leased'), where('lease_until', '>', now + LONGEST_LEASE_MS)]),
      ]),
    )
    .execute();

/** When the next waiting delivery of these cities falls due; null if none waits. */
export async function findNextDue(db: Db, cities: readonly string[]): Promise<number | null> {
  const row = await db
    .selectFrom('delivery_job')
    .select((select) => select.fn.min(sql<number>`case when state = 'leased' then lease_until else not_before end`).as('due'))
    .where(openJob)
    .where('state', '<>', 'parked')
    .where('city', 'in', cities)
    .executeTakeFirst();
  return row?.due ?? null;
}

export interface ClaimedJob extends JobRow {
  readonly lease_until: number;
  /** What was known of the effect before this attempt. */
  readonly effectBefore: 'none' | 'unknown';
}

/**
 * Leases due deliveries of one adapter, oldest first, only the first open one of each application. From here on their
 * effect counts as unknown: whoever finds the lease run out must look before it tries again.
 */
export async function claimJobs(
  store: Store,
  target: { city: string; adapter: string; except: readonly string[] },
  most: number,
  now: number,
  leaseMs: number,
): Promise<ClaimedJob[]> {
  return store.transaction(async (tx) => {
    const due = tx
      .selectFrom('delivery_job as job')
      .selectAll('job')
      .where('job.city', '=', target.city)
      .where('job.adapter', '=', target.adapter)
      .where(sql<boolean>`job.state in ('queued', 'leased', 'parked')`)
      .where((where) =>
        where.or([
          where.and([where('job.state', '=', 'queued'), where('job.not_before', '<=', now)]),
          where.and([where('job.state', '=', 'leased'), where('job.lease_until', '<', now)]),
          where.and([where('job.state', '=', 'queued'), where('job.not_before', '>', now + LONGEST_WAIT_MS)]),
          where.and([where('job.state', '=', 'leased'), where('job.lease_until', '>', now + LONGEST_LEASE_MS)]),
        ]),
      )
      .where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom('delivery_job as earlier')
              .select('earlier.id')
              .whereRef('earlier.application_id', '=', 'job.application_id')
              .where('earlier.state', 'in', ['queued', 'leased', 'parked'])
              .where((inner) => inner(sql.ref('earlier.id'), '<', sql.ref('job.id'))),
          ),
        ),
      )
      .$if(target.except.length > 0, (query) => query.where('job.id', 'not in', target.except))
      .orderBy('job.created_at')
      .orderBy('job.id')
      .limit(most);
    const jobs = await (store.dialect === 'postgres' ? due.forUpdate().skipLocked() : due).execute();
    if (jobs.length === 0) return [];
    await tx
      .updateTable('delivery_job')
      .set((set) => ({
        state: 'leased' as const,
        lease_until: now + leaseMs,
        fence: set('fence', '+', 1),
        attempts: set('attempts', '+', 1),
        effect: 'unknown' as const,
        updated_at: now,
      }))
      .where(
        'id',
        'in',
        jobs.map((job) => job.id),
      )
      .execute();
    return jobs.map((job) => ({
      ...job,
      effectBefore: job.effect,
      state: 'leased',
      effect: 'unknown',
      lease_until: now + leaseMs,
      fence: job.fence + 1,
      attempts: job.attempts + 1,
    }));
  });
}

/** Prolongs a lease; false if it has passed to someone else. */
export async function renewLease(db: Db, job: JobRow, until: number): Promise<boolean> {
  const result = await db
    .updateTable('delivery_job')
    .set({ lease_until: until })
    .where('id', '=', job.id)
    .where('fence', '=', job.fence)
    .where('state', '=', 'leased')
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Writes an outcome under the fence it was leased with; false if the lease has passed to someone else. */
export async function settleJob(
  tx: Tx,
  job: JobRow,
  change: {
    state: JobRow['state'];
    effect: JobRow['effect'];
    last_error: string | null;
    not_before?: number;
    reason?: null;
    refusal: string | null;
    updated_at: number;
  },
): Promise<boolean> {
  const result = await tx
    .updateTable('delivery_job')
    .set({ ...change, lease_until: null })
    .where('id', '=', job.id)
    .where('fence', '=', job.fence)
    .where('state', '=', 'leased')
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export const findStep = (db: Db, key: string, name: string) =>
  db.selectFrom('delivery_step').select('result').where('key', '=', key).where('name', '=', name).executeTakeFirst();

export const saveStep = async (db: Db, step: Database['delivery_step']): Promise<void> => {
  await db
    .insertInto('delivery_step')
    .values(step)
    .onConflict((conflict) => conflict.columns(['key', 'name']).doUpdateSet({ result: step.result, done_at: step.done_at }))
    .execute();
};

/** What the back office said against the delivery that waits for a person, or failed last; null if it said nothing. */
export async function findRefusal(db: Db, applicationId: string): Promise<Refusal | null> {
  const row = await db
    .selectFrom('delivery_job')
    .select('refusal')
    .where('application_id', '=', applicationId)
    .where('refusal', 'is not', null)
    .orderBy('updated_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return parseRefusal(row?.refusal ?? null);
}

/** For how long after a restoration clients may repeat what the store has forgotten, in milliseconds. */
const REPEATED_FOR_MS = 30 * 24 * 3_600_000;

/** True if the store was made from a backup in the month before this moment. */
export const isAfterRestoration = async (db: Db, at: number): Promise<boolean> =>
  (await db
    .selectFrom('restoration')
    .select('at')
    .where('at', '<=', at)
    .where('at', '>', at - REPEATED_FOR_MS)
    .limit(1)
    .executeTakeFirst()) !== undefined;

/** True if the store was made from a backup at this moment or later. */
export const isBeforeRestoration = async (db: Db, at: number): Promise<boolean> =>
  (await db.selectFrom('restoration').select('at').where('at', '>=', at).limit(1).executeTakeFirst()) !== undefined;

/** Deliveries by city and state, for metrics. */
export const countJobs = (db: Db) =>
  db
    .selectFrom('delivery_job')
    .select(['city', 'state', (select) => select.fn.countAll<number>().as('count')])
    .where(openJob)
    .groupBy(['city', 'state'])
    .execute();
