import type { Kysely } from 'kysely';
import type { ApplicationStatus, Json } from '#contract';
import type { Offer } from '../catalogue/catalogue.ts';
import { onceIn, takenUp } from '../catalogue/forms/once.ts';
import { canonicalJson } from '../infra/ids.ts';
import type { Database } from '../infra/store/schema.ts';
import type { Tx } from '../infra/store/store.ts';
import type { ApplicationRow } from './records.ts';
import { ended } from './rules.ts';
import type { FieldProblem } from './applications.ts';

/*
 * Where a form says so (`x-once`), a city takes one application at a time for the same place and day, or whatever its fields are. The
 * application that is taken holds them by their digest, in the transaction that takes it; the database sees to it that of several at
 * once one gets them. They are free again once the holder's status says so: nobody has to give them back.
 */

/** Nothing came of it. What was granted for a day holds that day, even if the back office has closed the case. */
const cameToNothing: readonly ApplicationStatus[] = ['REFUSED', 'WITHDRAWN', 'DISCARDED'];

/** Kept this long beyond its day: a day ends later elsewhere. */
const beyondMs = 2 * 86_400_000;

/** Thrown within the transaction, so that nothing of the application is kept. */
export class TakenAlready extends Error {
  override readonly name = 'TakenAlready';
  readonly problem: FieldProblem;
  constructor(problem: FieldProblem) {
    super('the same was applied for already');
    this.problem = problem;
  }
}

const usual = {
  de: 'Für diese Angaben liegt hier schon ein Antrag vor.',
  en: 'There is already an application for these details here.',
};

/**
 * Takes what the form says may be applied for once at a time, for this application.
 * @param digest of a text; keyed, because places and days are few enough to be guessed
 * @throws TakenAlready where another application holds it
 */
export async function takeOnce(tx: Tx, row: ApplicationRow, offer: Offer, formData: Json, digest: (text: string) => string): Promise<void> {
  const rule = onceIn(offer.record.form?.schema ?? null);
  const taken = rule ? takenUp(rule, formData) : [];
  if (!rule || taken.length === 0) return;
  const rows = taken
    .map(({ fields, day }) => ({
      digest: digest(canonicalJson(['once', row.ars, row.service_key, fields, day])),
      application_id: row.id,
      ends_at: day === null ? null : Date.parse(day) + beyondMs,
    }))
    // In one order, so that two that want several of them do not wait for each other in a circle.
    .toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  const free = rule.days ? cameToNothing : ended;
  const { numInsertedOrUpdatedRows: got } = await tx
    .insertInto('taken_once')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .column('digest')
        .doUpdateSet((e) => ({ application_id: e.ref('excluded.application_id'), ends_at: e.ref('excluded.ends_at') }))
        .where((e) =>
          e.exists(
            e
              .selectFrom('application')
              .select('application.id')
              .whereRef('application.id', '=', 'taken_once.application_id')
              .where('application.status', 'in', [...free]),
          ),
        ),
    )
    .executeTakeFirstOrThrow();
  if (got === BigInt(rows.length)) return;
  throw new TakenAlready({ pointer: rule.days?.[0] ?? rule.same[0] ?? '', code: 'x-once', message: rule.message ?? usual });
}

/** Forgets what was taken for days that are over. */
export const forgetTaken = async (db: Kysely<Database>, now: number): Promise<void> => {
  await db.deleteFrom('taken_once').where('ends_at', '<', now).execute();
};
