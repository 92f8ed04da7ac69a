import { refuse } from '#contract';
import type { Principal } from '../identity/identity.ts';
import type { ApplicationsDeps, ChangeResult, Release } from './applications.ts';
import { newEvent, type Changes } from './changes.ts';
import { recordDelivered } from './deliver.ts';
import { lockApplication, lockJobs, toApplication, updateApplication, type ApplicationRow } from './records.ts';
import { isCityOf } from './sight.ts';

/**
 * Takes a person's decision about a parked delivery: try again, it is there under this number, or give it up. The principal
 * must be the application's city; null stands for the operator at the command line.
 */
export function createRelease(deps: ApplicationsDeps, changes: Changes) {
  const { store, eventLog, catalogue, cities, now } = deps;

  return async function release(id: string, decision: Release, principal: Principal | null, traceparent: string): Promise<ChangeResult> {
    if (principal && !principal.roles.includes('city')) throw refuse({ code: 'FORBIDDEN', facts: { role: 'city' } });
    const result = await store.transaction(async (tx): Promise<ChangeResult> => {
      const row = await lockApplication(store, tx, id);
      if (!row || (principal && !isCityOf(catalogue.keys, row, principal)))
        return { ok: false, problem: { code: 'NOT_FOUND', facts: { what: 'Application' }, path: ['input', 'id'] } };
      const job = (await lockJobs(store, tx, row.id)).find(({ state }) => state === 'parked');
      if (!job) return { ok: false, problem: { code: 'NOT_PARKED', facts: { status: row.status }, path: ['input', 'id'] } };
      const at = now().getTime();
      const traced: ApplicationRow = { ...row, traceparent };
      const settle = (change: { state: 'queued' | 'done' | 'cancelled'; effect?: 'none' }) =>
        tx
          .updateTable('delivery_job')
          .set({ ...change, not_before: at, created_at: at, updated_at: at, attempts: 0, last_error: null, refusal: null })
          .where('id', '=', job.id)
          .execute();
      const reread = async (): Promise<ChangeResult> => ({
        ok: true,
        application: toApplication((await lockApplication(store, tx, id)) ?? row),
      });

      switch (decision.action) {
        case 'retry': {
          // Where the back office can be asked for the key it is still asked first: a person may have overlooked the case.
          const canLookUp = cities.find(row.city) !== null && cities.adapter(row.city, row.adapter).cases?.traits.idempotency !== 'none';
          await settle({ state: 'queued', ...(canLookUp ? {} : { effect: 'none' as const }) });
          const status = job.kind === 'submit' ? 'SUBMITTED' : row.status;
          await updateApplication(tx, row, { status, status_since: at, parked_reason: null });
          await eventLog.append(tx, [
            newEvent(traced, 'application.released', at, { status, previousStatus: row.status, action: 'retry' }),
          ]);
          return reread();
        }
        case 'delivered': {
          await settle({ state: 'done', effect: 'none' });
          if (job.kind === 'submit') {
            const ref = { id: decision.caseRef, ...(decision.caseNumber ? { publicNumber: decision.caseNumber } : {}) };
            await recordDelivered(tx, eventLog, traced, ref, at, {});
          } else {
            await updateApplication(tx, row, { status: 'WITHDRAWN', status_since: at, parked_reason: null, payload: null });
            await eventLog.append(tx, [newEvent(traced, 'application.withdrawn', at, { status: 'WITHDRAWN', previousStatus: row.status })]);
          }
          return reread();
        }
        case 'discard': {
          await settle({ state: 'cancelled' });
          const status = job.kind === 'submit' ? 'DISCARDED' : row.status;
          if (job.kind === 'submit')
            // A withdrawal that waited behind it has nothing left to withdraw.
            await tx
              .updateTable('delivery_job')
              .set({ state: 'cancelled', updated_at: at })
              .where('application_id', '=', row.id)
              .where('state', '=', 'queued')
              .execute();
          await updateApplication(tx, row, {
            status,
            status_since: at,
            parked_reason: null,
            ...(job.kind === 'submit' ? { payload: null } : {}),
          });
          await eventLog.append(tx, [
            newEvent(traced, 'application.released', at, { status, previousStatus: row.status, action: 'discard' }),
          ]);
          return reread();
        }
      }
    });
    if (result.ok && decision.action === 'delivered') {
      const { city } = result.application;
      for (const adapter of cities.find(city)?.adapters ?? []) await changes.release(city, adapter.id, decision.caseRef);
    }
    return result;
  };
}
