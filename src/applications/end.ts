import { overStatuses, type HubEvent } from '#contract';
import type { Tx } from '../infra/store/store.ts';
import type { ApplicationsDeps } from './applications.ts';
import { newEvent } from './changes.ts';
import { lockApplication, lockJobs, queueJob, updateApplication, type ApplicationRow } from './records.ts';

/** What another room of the hub wants ended, and why: not the applicant's own wish. */
export interface Ending {
  readonly application: string;
  /** Travels to the back office; the same key, the same effect. */
  readonly key: string;
  /** What the back office reads. */
  readonly reason: string;
  /** A person has ended it in the back office: nobody need tell it. @default false */
  readonly byHand?: boolean;
}

/** Nothing is left to end. */
const over: readonly string[] = overStatuses;

/**
 * Ends an application within a transaction, a granted one too: its back office is told by an ordinary delivery, or nothing
 * has gone out and the delivery is cancelled. Comes to `application.withdrawn`, or waits for a person. Repeating it changes
 * nothing. @returns events that the caller must append
 */
export function createEnd({ store, now }: Pick<ApplicationsDeps, 'store' | 'now'>) {
  return async function end(tx: Tx, { application, key, reason, byHand }: Ending, traceparent: string): Promise<readonly HubEvent[]> {
    const row = await lockApplication(store, tx, application);
    if (!row || over.includes(row.status)) return [];
    const jobs = await lockJobs(store, tx, row.id);
    const at = now().getTime();
    const traced = traceparent ? { ...row, traceparent } : row;
    // What is on its way at this moment comes to its own end.
    if (byHand) return jobs.some(({ state }) => state === 'leased') ? [] : [await cancel(tx, traced, at)];
    // Under way already, by this key or because the applicant asked for it.
    if (jobs.some((job) => job.kind === 'withdraw' && job.state !== 'cancelled' && job.state !== 'done')) return [];
    const asked = newEvent(traced, 'application.withdrawal-requested', at, { status: row.status });
    const submission = jobs.find(({ kind }) => kind === 'submit');
    if (submission && (submission.state === 'queued' || submission.state === 'parked') && submission.effect === 'none')
      return [asked, await cancel(tx, traced, at)];
    await queueJob(tx, { row, kind: 'withdraw', key, at, reason });
    return [asked];
  };
}

/** Cancels what has not gone out: the application is withdrawn at once. @returns the event that the caller must append */
export async function cancel(tx: Tx, row: ApplicationRow, at: number): Promise<HubEvent> {
  await tx
    .updateTable('delivery_job')
    .set({ state: 'cancelled', updated_at: at, refusal: null })
    .where('application_id', '=', row.id)
    .where('state', 'in', ['queued', 'parked'])
    .execute();
  await updateApplication(tx, row, { status: 'WITHDRAWN', status_since: at, parked_reason: null, payload: null });
  return newEvent(row, 'application.withdrawn', at, { status: 'WITHDRAWN', previousStatus: row.status });
}
