import { flawOf, isInFuture, type CaseRef, type CaseSnapshot, type Json, type Receipt, type Submission } from '#contract';
import { CityCallError, type CallFailure, type City, type CityAdapter } from '../cities/cities.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import type { Tx } from '../infra/store/store.ts';
import type { ApplicationsDeps } from './applications.ts';
import { newEvent } from './changes.ts';
import type { Changes } from './changes.ts';
import { holdJob, type HeldJob } from '../infra/held-job.ts';
import {
  claimJobs,
  findApplication,
  findNextDue,
  findStep,
  isAfterRestoration,
  isBeforeRestoration,
  listDueTargets,
  lockApplication,
  renewLease,
  saveStep,
  settleJob,
  updateApplication,
  type ApplicationRow,
  type ClaimedJob,
  type Payload,
} from './records.ts';
import { toRefusal, type Refusal } from './refusal.ts';
import { confirmsWithdrawal, decideFailure, decideUnconfirmed, type ParkedReason } from './rules.ts';
import { canWithdraw } from './withdraw.ts';

/*
 * Delivery: at least once over the wire, exactly once in effect.
 *
 * A job is queued in the transaction that took the application. A worker claims it: state leased, a lease of some seconds
 * that it keeps renewing, a fence that grew by one, effect unknown. All of that is durable before the first byte goes out,
 * so a worker that dies leaves behind a job that says "something may have happened". When its lease has run out, another
 * worker claims it and first finds out what happened:
 *
 *   native  the back office honours the key: the same submission goes out again under the same key
 *   steps   so it does where the steps remembered under the key tell the adapter how far it came
 *   lookup  the back office is asked for the key; only a clear "no such case" leads to another submission
 *   none    nobody can tell: the job is parked for a person (UNKNOWN_EFFECT)
 *
 * A job that was open in a backup may have gone through steps that the backup does not know: the back office is asked for its key, or a
 * person is.
 *
 * The same holds after a reply was lost or a deadline passed, with a pause before the look-up, since the back office may
 * still be at work. A failure that surely left nothing behind goes back to effect none and is retried with growing waits; a
 * refusal is parked at once with its reason; so is what never succeeded for days. An outcome is written only under the
 * fence it was leased with: a worker that was too slow loses to the one that took over, and both mean the same key.
 *
 * A withdrawal that the back office has taken is an end only if the case says so: it is read back, again for a while, and then a
 * person is asked (NOT_CONFIRMED).
 */

/** Commits that follow each other within this time cause one look into the queue, in milliseconds. */
const gatherMs = 10;

export interface DeliveryTiming {
  /** Length of a lease; it is renewed at a third of it. A dead worker's jobs wait this long. @default 10000 */
  readonly leaseMs: number;
  /** Longest pause between two looks for due jobs of other processes. @default 500 */
  readonly pollMs: number;
}

export interface Delivery {
  start(): void;
  /** Claims nothing more; resolves when the attempts under way have ended. */
  stop(): Promise<void>;
}

export function createDelivery(deps: ApplicationsDeps, changes: Changes): Delivery {
  const { store, eventLog, cities, now, log, metrics } = deps;
  const { leaseMs, pollMs } = deps.timing;
  /** Ids of the jobs in hand, by city and adapter. */
  const running = new Map<string, Set<string>>();
  const underWay = new Set<Promise<void>>();
  let stopped = true;
  let wake: () => void = () => {};
  let loop: Promise<void> = Promise.resolve();
  let forgetCommits: () => void = () => {};
  let lookedAt = Number.NEGATIVE_INFINITY;
  let commitTimer: NodeJS.Timeout | undefined;

  async function run(): Promise<void> {
    while (!stopped) {
      // Armed before looking: what is committed during the look counts as a wake-up for the next one.
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      let claimed = 0;
      let pause = pollMs;
      try {
        lookedAt = performance.now();
        const ready = citiesReady();
        const at = now().getTime();
        claimed = ready.length > 0 ? await claimDue(ready) : 0;
        const due = claimed > 0 || ready.length === 0 ? null : await findNextDue(store.db, ready);
        // What was due and could not be claimed waits for something else: an earlier delivery of its application, its adapter.
        if (due !== null && due > at) pause = Math.min(pollMs, Math.max(10, due - now().getTime()));
      } catch (error) {
        log.error({ err: error }, 'delivery could not read its queue; it tries again');
      }
      if (claimed > 0 || stopped) continue;
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([woken, new Promise((resolve) => (timer = setTimeout(resolve, pause)))]);
      clearTimeout(timer);
    }
  }

  const freeSlots = (city: City, { id, limits }: CityAdapter): number => limits.concurrency - (running.get(`${city.id} ${id}`)?.size ?? 0);

  /** Cities that could take a delivery now. Of the others, with an open breaker or enough under way, the queue is not even read: it may be long. */
  const citiesReady = (): string[] =>
    cities
      .list()
      .filter((city) => city.adapters.some((adapter) => freeSlots(city, adapter) > 0 && cities.accepts(city.id, adapter.id)))
      .map(({ id }) => id);

  /** Wakes the loop soon after a commit; a burst of them wakes it once. */
  function wakeSoon(): void {
    commitTimer ??= setTimeout(
      () => {
        commitTimer = undefined;
        wake();
      },
      Math.max(0, lookedAt + gatherMs - performance.now()),
    );
  }

  async function claimDue(ready: readonly string[]): Promise<number> {
    let claimed = 0;
    for (const target of await listDueTargets(store.db, ready, now().getTime())) {
      const city = cities.find(target.city);
      const adapter = city?.adapters.find(({ id }) => id === target.adapter);
      // A city that left or an open breaker: its jobs wait, nobody else's do.
      if (!city || !adapter || !cities.accepts(target.city, target.adapter)) continue;
      const slot = `${target.city} ${target.adapter}`;
      const free = freeSlots(city, adapter);
      if (free <= 0 || stopped) continue;
      const since = performance.now();
      const inHand = running.get(slot) ?? new Set();
      running.set(slot, inHand);
      // Those in hand are never claimed anew, even if the store was away for longer than a lease: their outcome is still to be written.
      const jobs = await claimJobs(store, { ...target, except: [...inHand] }, free, now().getTime(), leaseMs);
      claimed += jobs.length;
      for (const job of jobs) {
        inHand.add(job.id);
        const attempt = deliver(job, since)
          .catch((error: unknown) =>
            log.error(
              { err: error, application: job.application_id, city: job.city },
              'an outcome could not be written; the lease will run out',
            ),
          )
          .finally(() => {
            inHand.delete(job.id);
            underWay.delete(attempt);
            wake();
          });
        underWay.add(attempt);
      }
    }
    return claimed;
  }

  async function deliver(job: ClaimedJob, since: number): Promise<void> {
    const held = holdJob({ renew: (until) => renewLease(store.db, job, until), leaseMs, since, now, stopping: () => stopped });
    try {
      const application = await held.persist(() => findApplication(store.db, job.application_id));
      if (!application) throw new Error(`application ${job.application_id} of a delivery is missing`);
      await attempt(job, application, held);
    } finally {
      held.letGo();
    }
  }

  async function attempt(job: ClaimedJob, application: ApplicationRow, held: HeldJob): Promise<void> {
    const ended = metrics.delivery.startTimer({ city: job.city, kind: job.kind });
    const knowledge: Knowledge = { effect: deps.retryBlindly ? 'none' : job.effectBefore };
    // What the back office said is in hand before anything is written of it: that the store is away is no outcome of the delivery.
    const outcome = await (
      job.kind === 'submit' ? deliverSubmission(job, application, knowledge, held) : deliverWithdrawal(job, application, held)
    ).catch((error: unknown) => ({ error }));
    if ('error' in outcome) {
      const failure = toFailure(outcome.error, knowledge);
      ended({ outcome: failure.kind });
      await settleFailure(job, application, failure, { knowledge, held, words: wordsOf(outcome.error) });
    } else {
      ended({ outcome: 'done' });
      if ('ref' in outcome) await settleDelivered(job, outcome.ref, outcome.replayed, held);
      else if (outcome.confirmed) await settleWithdrawn(job, outcome.seen, held);
      else await settleUnconfirmed(job, outcome, held);
    }
  }

  async function deliverSubmission(job: ClaimedJob, application: ApplicationRow, knowledge: Knowledge, held: HeldJob): Promise<Landed> {
    const cases = cities.adapter(job.city, job.adapter).cases;
    if (!cases) throw new CityCallError('the adapter takes no cases', { kind: 'unsupported', effect: 'none' });
    const { idempotency } = cases.traits;
    const canAsk = idempotency === 'lookup' || (idempotency === 'steps' && cases.findByKey !== undefined);
    // With the store before, the steps that were done since the backup are gone: to call again with those of the backup files it twice.
    const lacksSteps =
      knowledge.effect === 'unknown' &&
      idempotency === 'steps' &&
      (await held.persist(() => isBeforeRestoration(store.db, job.created_at)));
    knowledge.nobodyCanTell = knowledge.effect === 'unknown' && !canAsk && (idempotency === 'none' || lacksSteps);
    if (knowledge.nobodyCanTell)
      throw new CityCallError('a former attempt may have landed and nobody can tell', { kind: 'unavailable', effect: 'unknown' });
    // Of what came since the store was made from a backup, something may be a repetition of what the store does not remember.
    const mayBeThere = (): Promise<boolean> => held.persist(() => isAfterRestoration(store.db, application.submitted_at));
    const mustAsk = knowledge.effect === 'unknown' && (idempotency === 'lookup' || lacksSteps);
    if (mustAsk || (canAsk && !deps.retryBlindly && (await mayBeThere()))) {
      const found = await lookUp(job, application, held.lost);
      if (found) return { ref: found, replayed: true };
      knowledge.effect = 'none';
    }
    const receipt = await cities.write<Receipt>(
      job.city,
      job.adapter,
      (adapter, call) => adapter.cases!.submit(toSubmission(application), call),
      {
        key: job.key,
        steps: stepsOf(job.key, held),
        traceparent: application.traceparent ?? '',
        attempt: job.attempts,
        signal: held.lost,
      },
    );
    return { ref: receipt.ref, replayed: receipt.replayed };
  }

  async function lookUp(job: ClaimedJob, application: ApplicationRow, signal: AbortSignal): Promise<CaseRef | null> {
    try {
      const [found] = await cities.read(job.city, job.adapter, (adapter, call) => adapter.cases!.findByKey!([job.key], call), {
        traceparent: application.traceparent ?? '',
        signal,
      });
      if (found instanceof Error) throw found;
      return found ?? null;
    } catch (error) {
      // As long as the look-up fails nobody knows whether the former attempt landed.
      const failure = error instanceof CityCallError ? error.failure : ({ kind: 'unavailable' } as const);
      throw new CityCallError('the look-up by key failed', { ...failure, kind: keepsTrying(failure.kind), effect: 'unknown' }, error);
    }
  }

  async function deliverWithdrawal(job: ClaimedJob, application: ApplicationRow, held: HeldJob): Promise<Landed> {
    const ref: CaseRef | null = application.case_ref === null ? null : { id: application.case_ref };
    if (!canWithdraw(cities, job) || !ref) throw new CityCallError('there is no case to withdraw', { kind: 'unsupported', effect: 'none' });
    const steps = stepsOf(job.key, held);
    const before = await held.persist(() => steps.find(takenStep));
    // Where a person wants it tried again, it is told again.
    const isTaken = typeof before === 'number' && before >= job.created_at;
    const takenAt = isTaken ? before : now().getTime();
    if (!isTaken) {
      // Withdrawing twice is withdrawing: no look-up is needed before a retry.
      await cities.write(job.city, job.adapter, (adapter, call) => adapter.cases!.withdraw!(ref, job.reason ?? '', call), {
        key: job.key,
        steps,
        traceparent: application.traceparent ?? '',
        attempt: job.attempts,
        signal: held.lost,
      });
      await steps.save(takenStep, takenAt);
    }
    const [seen = null] = await cities.loadCases(job.city, job.adapter, [ref], {
      traceparent: application.traceparent ?? '',
      signal: held.lost,
    });
    if (seen instanceof Error) {
      const failure = seen instanceof CityCallError ? seen.failure : ({ kind: 'unavailable' } as const);
      throw new CityCallError('the case could not be read after its withdrawal', {
        ...failure,
        kind: keepsTrying(failure.kind),
        effect: 'unknown',
      });
    }
    const statusMap = cities.find(job.city)?.adapters.find(({ id }) => id === job.adapter)?.statusMap ?? new Map<string, never>();
    // A case that is gone is withdrawn as well.
    return { confirmed: seen === null || confirmsWithdrawal(seen.nativeStatus, statusMap), seen, takenAt };
  }

  /** Writes an outcome with everything that follows from it, under the fence of the claim; false if the lease has passed on. */
  const settle = (
    job: ClaimedJob,
    held: HeldJob,
    change: Omit<Parameters<typeof settleJob>[2], 'updated_at'>,
    follow: (tx: Tx, row: ApplicationRow, at: number) => Promise<void> = async () => {},
  ): Promise<boolean> =>
    held.persist(() =>
      store.transaction(async (tx) => {
        const at = now().getTime();
        const row = await lockApplication(store, tx, job.application_id);
        if (!row || !(await settleJob(tx, job, { ...change, updated_at: at }))) return false;
        await follow(tx, row, at);
        return true;
      }),
    );

  const landed = { state: 'done', effect: 'none', last_error: null, refusal: null } as const;

  const settleWithdrawn = (job: ClaimedJob, seen: CaseSnapshot | null, held: HeldJob): Promise<boolean> =>
    settle(job, held, { ...landed, reason: null }, async (tx, row, at) => {
      const isKnown = row.status === 'WITHDRAWN';
      await updateApplication(tx, row, {
        ...(isKnown ? {} : { status: 'WITHDRAWN' as const, status_since: at }),
        // What the back office said before it must not come after it.
        ...(seen && flawOf({ ...seen, id: 'seen' }) === null
          ? {
              native_status: seen.nativeStatus,
              native_version: seen.version,
              native_updated_at: isInFuture(seen.updatedAt.getTime(), now()) ? null : seen.updatedAt.getTime(),
            }
          : {}),
        parked_reason: null,
        payload: null,
      });
      if (!isKnown)
        await eventLog.append(tx, [newEvent(row, 'application.withdrawn', at, { status: 'WITHDRAWN', previousStatus: row.status })]);
    });

  async function settleUnconfirmed(job: ClaimedJob, { seen, takenAt }: Withdrawn, held: HeldJob): Promise<void> {
    const at = now().getTime();
    const queued = cities.adapter(job.city, job.adapter).cases?.traits.withdrawals === 'queued';
    const decision = decideUnconfirmed({ sinceMs: Math.max(0, at - takenAt), queued }, deps.retry);
    const words = `the withdrawal was taken, and the case is still in the status “${seen?.nativeStatus ?? ''}”`;
    const known = {
      effect: 'unknown',
      last_error: 'not-confirmed',
      refusal: JSON.stringify({ message: words, fields: [] } satisfies Refusal),
    } as const;
    if (decision.do === 'look') {
      await settle(job, held, { ...known, state: 'queued', not_before: at + decision.inMs });
      return;
    }
    log.warn({ application: job.application_id, city: job.city }, 'a withdrawal does not show in its case: a person must look');
    await settle(job, held, { ...known, state: 'parked' }, (tx, row, parkedAt) =>
      recordParked(tx, eventLog, row, job.kind, 'NOT_CONFIRMED', parkedAt),
    );
  }

  async function settleDelivered(job: ClaimedJob, ref: CaseRef, replayed: boolean, held: HeldJob): Promise<void> {
    const mine = await settle(job, held, landed, (tx, row, at) =>
      recordDelivered(tx, eventLog, row, ref, at, { replayed, attempts: job.attempts }),
    );
    if (!mine)
      log.warn(
        { application: job.application_id, city: job.city },
        'a delivery ended after its lease had passed on; the other attempt counts',
      );
    else await changes.release(job.city, job.adapter, ref.id);
  }

  async function settleFailure(
    job: ClaimedJob,
    application: ApplicationRow,
    failure: CallFailure,
    { knowledge, held, words }: { readonly knowledge: Knowledge; readonly held: HeldJob; readonly words: string },
  ): Promise<void> {
    const at = now().getTime();
    const traits = cities.adapter(job.city, job.adapter).cases?.traits;
    const idempotency =
      job.kind === 'withdraw' || deps.retryBlindly ? 'native' : knowledge.nobodyCanTell ? 'none' : (traits?.idempotency ?? 'none');
    const decision = decideFailure(failure, { attempts: job.attempts, ageMs: at - job.created_at, idempotency }, deps.retry, Math.random());
    // A refusal is about this attempt: it does not take back that a former one may have landed.
    const effect = knowledge.effect === 'unknown' ? 'unknown' : decision.effect;
    log.warn(
      {
        application: application.id,
        city: job.city,
        kind: failure.kind,
        effect,
        attempt: job.attempts,
        outcome: decision.do,
      },
      'a delivery failed',
    );
    const payload = application.payload === null ? null : (JSON.parse(application.payload) as Payload);
    const known = { effect, last_error: failure.kind, refusal: JSON.stringify(toRefusal(words, failure.fields ?? {}, payload)) };
    if (decision.do === 'retry') await settle(job, held, { ...known, state: 'queued', not_before: at + decision.inMs });
    else
      await settle(job, held, { ...known, state: 'parked' }, (tx, row, parkedAt) =>
        recordParked(tx, eventLog, row, job.kind, decision.reason, parkedAt),
      );
  }

  /** A step that was done and is not remembered would be done again: it waits for the store like a receipt. */
  const stepsOf = (key: string, held: HeldJob) => ({
    find: async (name: string): Promise<Json | undefined> => {
      const step = await findStep(store.db, key, name);
      return step ? (JSON.parse(step.result) as Json) : undefined;
    },
    save: (name: string, result: Json): Promise<void> =>
      held.persist(() => saveStep(store.db, { key, name, result: JSON.stringify(result), done_at: now().getTime() })),
  });

  return {
    start() {
      stopped = false;
      forgetCommits = store.onCommit(wakeSoon);
      loop = run();
    },
    async stop() {
      stopped = true;
      forgetCommits();
      clearTimeout(commitTimer);
      commitTimer = undefined;
      wake();
      await loop;
      await Promise.all(underWay);
    },
  };
}

/** The case is in the back office: what was kept for delivery is erased with the same commit. */
export async function recordDelivered(
  tx: Tx,
  eventLog: EventLog,
  row: ApplicationRow,
  ref: CaseRef,
  at: number,
  facts: { replayed?: boolean; attempts?: number },
): Promise<void> {
  await updateApplication(tx, row, {
    status: 'DELIVERED',
    status_since: at,
    parked_reason: null,
    payload: null,
    case_ref: ref.id,
    case_number: ref.publicNumber ?? null,
  });
  await eventLog.append(tx, [newEvent(row, 'application.delivered', at, { status: 'DELIVERED', previousStatus: row.status, ...facts })]);
}

async function recordParked(
  tx: Tx,
  eventLog: EventLog,
  row: ApplicationRow,
  delivery: 'submit' | 'withdraw',
  reason: ParkedReason,
  at: number,
): Promise<void> {
  const status = delivery === 'submit' ? 'PARKED' : row.status;
  await updateApplication(tx, row, { parked_reason: reason, status, ...(status === row.status ? {} : { status_since: at }) });
  await eventLog.append(tx, [newEvent(row, 'application.parked', at, { status, previousStatus: row.status, delivery, reason })]);
}

function toSubmission(row: ApplicationRow): Submission {
  if (row.payload === null) throw new CityCallError('the application was delivered before', { kind: 'malformed', effect: 'unknown' });
  const payload = JSON.parse(row.payload) as Payload;
  return {
    service: row.service_key,
    serviceName: payload.serviceName,
    localKey: payload.localKey,
    formRevision: row.form_revision,
    applicant: payload.applicant,
    formData: payload.formData,
    channel: row.channel,
    submittedAt: new Date(row.submitted_at),
  };
}

/** A refused or unreadable look-up says nothing about the submission itself. */
const keepsTrying = (kind: CallFailure['kind']): CallFailure['kind'] =>
  kind === 'rejected' || kind === 'malformed' || kind === 'unsupported' ? 'unavailable' : kind;

/** What a delivery came to: a case, or for a withdrawal what the case shows of it. */
type Landed = { readonly ref: CaseRef; readonly replayed: boolean } | Withdrawn;

/** A withdrawal that the back office took at a moment (epoch milliseconds), and the case as it is now; null if it is gone. */
interface Withdrawn {
  readonly confirmed: boolean;
  readonly seen: CaseSnapshot | null;
  readonly takenAt: number;
}

/** The step under which is kept when the back office took a withdrawal. No adapter's step has a colon in front. */
const takenStep = ':taken';

/** What the adapter said, or nothing: the words of other errors may be anybody's. */
const wordsOf = (error: unknown): string => (error instanceof CityCallError ? error.message : '');

/** What is known of former attempts; a clear look-up improves it. */
interface Knowledge {
  effect: 'none' | 'unknown';
  /** One may have landed, and neither the back office nor the hub can say whether it did. */
  nobodyCanTell?: boolean;
}

/** An attempt that left nothing behind says nothing about a former one that may have, unless the back office refused the key itself. */
function toFailure(error: unknown, knowledge: Knowledge): CallFailure {
  if (!(error instanceof CityCallError)) return { kind: 'unavailable', effect: 'unknown' };
  const { failure } = error;
  return failure.effect === 'none' && failure.kind !== 'rejected' ? { ...failure, effect: knowledge.effect } : failure;
}
