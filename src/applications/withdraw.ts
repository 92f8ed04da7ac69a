import { refuse } from '#contract';
import type { Cities } from '../cities/cities.ts';
import type { Principal } from '../identity/identity.ts';
import type { ApplicationsDeps, ChangeResult } from './applications.ts';
import { newEvent } from './changes.ts';
import { withdrawalKeyOf } from './delivery-key.ts';
import { cancel } from './end.ts';
import { lockApplication, lockJobs, queueJob, toApplication, toState } from './records.ts';
import { decideWithdraw } from './rules.ts';
import { maySee } from './sight.ts';

/** Longest reason that goes to the back office, in characters. */
const longestReason = 500;

/** Withdraws an application: at once where nothing has gone out, else by asking the back office. Repeating it changes nothing. */
export function createWithdraw(deps: ApplicationsDeps) {
  const { store, eventLog, catalogue, cities, now } = deps;

  return async function withdraw(input: { id: string; reason: string }, principal: Principal, traceparent: string): Promise<ChangeResult> {
    if (!principal.roles.includes('citizen') && !principal.roles.includes('portal'))
      throw refuse({ code: 'FORBIDDEN', facts: { role: 'citizen | portal' } });
    if (input.reason.length > longestReason)
      return {
        ok: false,
        problem: {
          code: 'TEXT_TOO_LONG',
          facts: { what: 'reason', found: input.reason.length, most: longestReason },
          path: ['input', 'reason'],
        },
      };
    return store.transaction(async (tx): Promise<ChangeResult> => {
      const row = await lockApplication(store, tx, input.id);
      if (!row || row.owner !== principal.owner || !maySee(catalogue.keys, row, principal))
        return { ok: false, problem: { code: 'NOT_FOUND', facts: { what: 'Application' }, path: ['input', 'id'] } };
      const jobs = await lockJobs(store, tx, row.id);
      const submitJob = jobs.find(({ kind }) => kind === 'submit') ?? null;
      const decision = decideWithdraw(toState(row), submitJob, {
        alreadyAsked: jobs.some(({ kind, state }) => kind === 'withdraw' && state !== 'cancelled'),
        canWithdraw: canWithdraw(cities, row),
      });
      const at = now().getTime();
      const asked = () => newEvent({ ...row, traceparent }, 'application.withdrawal-requested', at, { status: row.status });
      switch (decision.do) {
        case 'refuse':
          return { ok: false, problem: decision.problem };
        case 'nothing':
          return { ok: true, application: toApplication(row) };
        case 'cancel':
          await eventLog.append(tx, [asked(), await cancel(tx, { ...row, traceparent }, at)]);
          return { ok: true, application: toApplication({ ...row, status: 'WITHDRAWN', status_since: at, parked_reason: null }) };
        case 'ask':
          await queueJob(tx, { row, kind: 'withdraw', key: withdrawalKeyOf(row.delivery_key ?? row.id), at, reason: input.reason });
          await eventLog.append(tx, [asked()]);
          return { ok: true, application: toApplication(row) };
      }
    });
  };
}

/** True if the back office can be told of a withdrawal. */
export const canWithdraw = (cities: Cities, { city, adapter }: { city: string; adapter: string }): boolean => {
  // An adapter that the city's file no longer names cannot be told anything.
  const cases = cities.find(city)?.adapters.some(({ id }) => id === adapter) ? cities.adapter(city, adapter).cases : undefined;
  return typeof cases?.withdraw === 'function';
};
