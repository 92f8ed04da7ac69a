import { overStatuses, refuse, type Json, type Problem } from '#contract';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Principal } from '../identity/identity.ts';
import { newId } from '../infra/ids.ts';
import type { Store, Tx } from '../infra/store/store.ts';
import { findCase, listCaseApplications, listParticipants } from './records.ts';
import type { Seal } from './seal.ts';

/** Sealed facts of one application: JSON Pointer into its form → value. */
export type FactsResult =
  | {
      readonly ok: true;
      readonly facts: readonly { readonly application: string; readonly values: { readonly [pointer: string]: Json } }[];
    }
  | { readonly ok: false; readonly problem: Problem };

export interface FactsDeps {
  readonly store: Store;
  readonly catalogue: Pick<Catalogue, 'keys'>;
  readonly seal: Seal | null;
  readonly now: () => Date;
}

/** Erases the facts of applications: their case is over. */
export async function forgetFacts(tx: Tx, applications: readonly string[]): Promise<void> {
  if (applications.length > 0)
    await tx
      .deleteFrom('case_facts')
      .where('application_id', 'in', [...applications])
      .execute();
}

/** How long after its application's end a case may still begin: the event that begins it may have waited. */
const beginsWithinMs = 7 * 24 * 3_600_000;

/** Looked at in one transaction. */
const eraseBatch = 500;

/** Erases facts at their date, and those of applications that ended a while ago without a case. In small steps: there may be very many. */
export async function eraseOldFacts(store: Store, now: number): Promise<void> {
  await store.db.deleteFrom('case_facts').where('erase_at', '<=', now).execute();
  for (let last = ''; ;) {
    const batch = await store.db
      .selectFrom('case_facts')
      .select('application_id as id')
      .where('application_id', '>', last)
      .orderBy('application_id')
      .limit(eraseBatch)
      .execute();
    if (batch.length > 0)
      await forgetEnded(
        store,
        batch.map(({ id }) => id),
        now - beginsWithinMs,
      );
    if (batch.length < eraseBatch) return;
    last = batch.at(-1)?.id ?? last;
  }
}

/** Of these applications, the facts of those that had ended by then and belong to no open case. */
const forgetEnded = (store: Store, applications: readonly string[], by: number): Promise<void> =>
  store.transaction(async (tx) => {
    const ended = await tx
      .selectFrom('application')
      .select('application.id')
      .where('application.id', 'in', [...applications])
      .where('status', 'in', overStatuses)
      .where('status_since', '<=', by)
      .where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom('case_application as link')
              .innerJoin('case_file as file', 'file.id', 'link.case_id')
              .select('link.case_id')
              .whereRef('link.application_id', '=', 'application.id')
              .where('file.closed_at', 'is', null),
          ),
        ),
      )
      .execute();
    await forgetFacts(
      tx,
      ended.map(({ id }) => id),
    );
  });

/**
 * Shows sealed facts to a city that an open case was addressed to, and writes down that it did: who and when, not what. The
 * city of the application has them from the application itself and gets none here.
 */
export function createFactsReading({ store, catalogue: { keys }, seal, now }: FactsDeps) {
  const notFound: FactsResult = { ok: false, problem: { code: 'NOT_FOUND', facts: { what: 'CaseFile' }, path: ['id'] } };

  return async function readFacts(caseId: string, principal: Principal): Promise<FactsResult> {
    const { ars } = principal;
    if (!principal.roles.includes('city') || ars === null) throw refuse({ code: 'FORBIDDEN', facts: { role: 'city' } });
    return store.transaction(async (tx): Promise<FactsResult> => {
      const file = await findCase(tx, caseId);
      if (!file || file.closed_at !== null || !(await listParticipants(tx, caseId)).some((one) => keys.sameMunicipality(one, ars)))
        return notFound;
      const applications = await listCaseApplications(tx, caseId);
      const rows = await tx
        .selectFrom('case_facts')
        .innerJoin('application', 'application.id', 'case_facts.application_id')
        .select(['case_facts.application_id', 'case_facts.sealed'])
        .where('case_facts.application_id', 'in', [...applications])
        .where('application.ars', 'not in', [...keys.keysOfMunicipality(ars)])
        .where('case_facts.erase_at', '>', now().getTime())
        .orderBy('case_facts.application_id')
        .execute();
      const opened = rows.flatMap(({ application_id, sealed }) => {
        const text = seal?.open(sealed, application_id) ?? null;
        return text === null ? [] : [{ application: application_id, values: JSON.parse(text) as { readonly [pointer: string]: Json } }];
      });
      if (opened.length === 0) return notFound;
      await tx
        .insertInto('case_facts_reading')
        .values({ id: newId(), case_id: caseId, city: ars, by: principal.owner, read_at: now().getTime() })
        .execute();
      return { ok: true, facts: opened };
    });
  };
}
