import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../infra/store/schema.ts';
import type { Store, Tx } from '../infra/store/store.ts';
import type { CaseRows } from './project.ts';

/** The SQL of cases between cities: every statement that reads or writes their tables. */

export type CaseRow = Selectable<Database['case_file']>;
export type WaitingRow = Selectable<Database['case_waiting']>;
export type AnswerRow = Selectable<Database['case_answer']>;
type Db = Kysely<Database>;

export const findCase = (db: Db, id: string): Promise<CaseRow | undefined> =>
  db.selectFrom('case_file').selectAll().where('id', '=', id).executeTakeFirst();

/** A case with all that belongs to it, held against other writers until the transaction ends. */
export async function lockCase(
  store: Store,
  tx: Tx,
  key: { id: string } | { kind: string; correlation: string },
): Promise<CaseRows | null> {
  const all = tx.selectFrom('case_file').selectAll();
  const one = 'id' in key ? all.where('id', '=', key.id) : all.where('kind', '=', key.kind).where('correlation', '=', key.correlation);
  const find = () => (store.dialect === 'postgres' ? one.forUpdate() : one).executeTakeFirst();
  // A rebuild may have replaced the row that was waited for: the statement after it sees the new one.
  const file = (await find()) ?? (store.dialect === 'postgres' ? await find() : undefined);
  if (!file) return null;
  return {
    file,
    participants: await listParticipants(tx, file.id),
    applications: await listCaseApplications(tx, file.id),
    waiting: await listWaiting(tx, file.id),
  };
}

export const listParticipants = async (db: Db, id: string): Promise<readonly string[]> =>
  (await db.selectFrom('case_participant').select('ars').where('case_id', '=', id).orderBy('ars').execute()).map(({ ars }) => ars);

export const listCaseApplications = async (db: Db, id: string): Promise<readonly string[]> =>
  (await db.selectFrom('case_application').select('application_id').where('case_id', '=', id).orderBy('application_id').execute()).map(
    (row) => row.application_id,
  );

export const listWaiting = (db: Db, id: string): Promise<WaitingRow[]> =>
  db.selectFrom('case_waiting').selectAll().where('case_id', '=', id).orderBy('step').execute();

/** Cases to which an application belongs. */
export const listCasesOf = (db: Db, applicationId: string) =>
  db
    .selectFrom('case_application as link')
    .innerJoin('case_file as file', 'file.id', 'link.case_id')
    .select(['file.id', 'file.kind'])
    .where('link.application_id', '=', applicationId)
    .orderBy('file.id')
    .execute();

/** Writes a case over what it was; false if somebody else was quicker. */
export async function saveCase(tx: Tx, before: CaseRows | null, after: CaseRows): Promise<boolean> {
  const { id, version: _, ...change } = after.file;
  if (before === null) {
    const made = await tx
      .insertInto('case_file')
      .values(after.file)
      .onConflict((conflict) => conflict.columns(['kind', 'correlation']).doNothing())
      .executeTakeFirst();
    if (made.numInsertedOrUpdatedRows !== 1n) return false;
  } else {
    const changed = await tx
      .updateTable('case_file')
      .set({ ...change, version: after.file.version })
      .where('id', '=', id)
      .where('version', '=', before.file.version)
      .executeTakeFirst();
    if (changed.numUpdatedRows !== 1n) return false;
    await tx.deleteFrom('case_waiting').where('case_id', '=', id).execute();
  }
  await saveParts(tx, before, after);
  return true;
}

async function saveParts(tx: Tx, before: CaseRows | null, { file: { id }, participants, applications, waiting }: CaseRows): Promise<void> {
  const cities = participants.filter((ars) => !before?.participants.includes(ars));
  if (cities.length > 0)
    await tx
      .insertInto('case_participant')
      .values(cities.map((ars) => ({ case_id: id, ars })))
      .execute();
  const links = applications.filter((application) => !before?.applications.includes(application));
  if (links.length > 0)
    await tx
      .insertInto('case_application')
      .values((values) =>
        links.map((application_id) => ({
          case_id: id,
          application_id,
          owner: values.selectFrom('application').select('owner').where('application.id', '=', application_id),
        })),
      )
      .execute();
  if (waiting.length > 0)
    await tx
      .insertInto('case_waiting')
      .values([...waiting])
      .execute();
}

/**
 * Puts a case in the place of all that is there under its id; without `after`, nothing. Answers, marks and sealed facts stay.
 * @returns the id of another case that stands under the same key; then this one is not there
 */
export async function replaceCase(tx: Tx, id: string, after: CaseRows | null): Promise<string | null> {
  for (const table of ['case_waiting', 'case_application', 'case_participant'] as const)
    await tx.deleteFrom(table).where('case_id', '=', id).execute();
  await tx.deleteFrom('case_file').where('id', '=', id).execute();
  if (after === null || (await saveCase(tx, null, after))) return null;
  const { kind, correlation } = after.file;
  const other = tx.selectFrom('case_file').select('id').where('kind', '=', kind).where('correlation', '=', correlation);
  return (await other.executeTakeFirstOrThrow()).id;
}

/** What is due, the longest overdue first. */
export const listDue = (db: Db, now: number, limit: number): Promise<Pick<WaitingRow, 'case_id' | 'step'>[]> =>
  db
    .selectFrom('case_waiting')
    .select(['case_id', 'step'])
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .orderBy('case_id')
    .limit(limit)
    .execute();

export const findAnswer = (db: Db, caseId: string, step: string): Promise<AnswerRow | undefined> =>
  db.selectFrom('case_answer').selectAll().where('case_id', '=', caseId).where('step', '=', step).executeTakeFirst();

export const saveAnswer = async (tx: Tx, answer: AnswerRow): Promise<void> => {
  await tx.insertInto('case_answer').values(answer).execute();
};

/** An application with its marks; undefined if it has none. */
export const findMarked = (db: Db, applicationId: string) =>
  markedApplications(db).where('application.id', '=', applicationId).executeTakeFirst();

/** Applications of one applicant, oldest first, held against other writers: what a decision says about them is still so when it is written. */
export const lockMarkedOf = (store: Store, tx: Tx, applicant: string) => {
  const all = markedApplications(tx).where('application_mark.applicant', '=', applicant).orderBy('application.id').limit(200);
  return (store.dialect === 'postgres' ? all.forUpdate('application') : all).execute();
};

const markedApplications = (db: Db) =>
  db
    .selectFrom('application_mark')
    .innerJoin('application', 'application.id', 'application_mark.application_id')
    .select([
      'application.id',
      'application.city',
      'application.adapter',
      'application.ars',
      'application.service_key',
      'application.status',
      'application.owner',
      'application_mark.applicant',
      'application_mark.marks',
    ]);

export type MarkedRow = NonNullable<Awaited<ReturnType<typeof findMarked>>>;

/** Kinds of the open cases, one for each case. Counted by the caller: to group them, a database would read the closed ones too. */
export const listOpenKinds = (db: Db) => db.selectFrom('case_file').select('kind').where('closed_at', 'is', null).execute();

/** Tasks that wait for a person, by city, for metrics. */
export const countTasks = (db: Db) =>
  db
    .selectFrom('case_waiting')
    .select(['city', (select) => select.fn.countAll<number>().as('count')])
    .where('by', '=', 'clerk')
    .groupBy('city')
    .execute();
