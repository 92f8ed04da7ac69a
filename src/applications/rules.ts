import { isInFuture, overStatuses } from '#contract';
import type { AdapterErrorKind, ApplicationStatus, HubEvent, Json, MappableStatus, Problem } from '#contract';
import type { CallFailure } from '../cities/cities.ts';

/*
 * Life of an application
 *
 *   SUBMITTED ── delivered ──▶ DELIVERED ── status-changed ──▶ RECEIVED, IN_REVIEW, ACTION_REQUIRED, GRANTED,
 *       │                                                      PARTLY_GRANTED, REFUSED, WITHDRAWN, CLOSED
 *       ├── parked ──▶ PARKED ── released (retry) ──▶ SUBMITTED
 *       │                     ── released (delivered) ──▶ DELIVERED
 *       │                     ── released (discard) ──▶ DISCARDED
 *       └── withdrawn (nothing was sent yet) ──▶ WITHDRAWN
 *
 * From DELIVERED on the back office alone decides the status; the hub only translates it. A withdrawal after delivery is
 * asked for (withdrawal-requested, no change of status) and takes effect when the back office shows it in the case (withdrawn).
 */

/** What the rules need to know of an application. */
export interface ApplicationState {
  readonly status: ApplicationStatus;
  readonly parkedReason: string | null;
  readonly caseRef: string | null;
  readonly nativeStatus: string | null;
  readonly nativeVersion: string | null;
  readonly nativeUpdatedAt: number | null;
}

/** Why a delivery waits for a person. */
export type ParkedReason =
  | 'UNKNOWN_EFFECT'
  | 'REJECTED'
  | 'UNSUPPORTED'
  | 'MALFORMED_REPLY'
  | 'MISCONFIGURED'
  | 'TIMED_OUT'
  | 'CASE_MISSING'
  | 'NOT_CONFIRMED';

/** Nothing follows these. */
export const ended: readonly ApplicationStatus[] = ['GRANTED', 'PARTLY_GRANTED', ...overStatuses];

/** Status after an event; events that do not concern the status leave it as it is. */
export function evolveStatus(status: ApplicationStatus | null, event: Pick<HubEvent, 'type' | 'facts'>): ApplicationStatus | null {
  switch (event.type) {
    case 'application.submitted':
      return 'SUBMITTED';
    case 'application.delivered':
      return 'DELIVERED';
    case 'application.status-changed':
      return event.facts['status'] as ApplicationStatus;
    case 'application.parked':
      return event.facts['delivery'] === 'submit' ? 'PARKED' : status;
    case 'application.released':
      return event.facts['status'] as ApplicationStatus;
    case 'application.withdrawn':
      return 'WITHDRAWN';
    default:
      return status;
  }
}

/** A change of a case, in the back office's words. */
export interface NativeChange {
  readonly nativeStatus: string;
  readonly version: string;
  readonly updatedAt: number;
}

export type ChangeDecision =
  | { readonly do: 'ignore'; readonly because: 'old' | 'known' }
  | { readonly do: 'hold' }
  | { readonly do: 'note' } // same status for the citizen, newer version in the back office
  | { readonly do: 'change'; readonly status: ApplicationStatus };

/**
 * Whether a change of the case changes the application. Old news never overwrites new; an unmapped status is held, never
 * dropped. A moment in the future, of the change or of the state before, says nothing about which is older: the change is taken.
 */
export function decideChange(
  state: ApplicationState,
  change: NativeChange,
  statusMap: ReadonlyMap<string, MappableStatus>,
  now: Date,
): ChangeDecision {
  if (state.nativeVersion === change.version) return { do: 'ignore', because: 'known' };
  const isTimely = (moment: number | null): boolean => moment === null || !isInFuture(moment, now);
  if (isTimely(change.updatedAt) && isTimely(state.nativeUpdatedAt) && isOlder(change, state)) return { do: 'ignore', because: 'old' };
  const mapped = statusMap.get(change.nativeStatus);
  if (!mapped) return { do: 'hold' };
  const status = mapped.toUpperCase() as ApplicationStatus;
  return status === state.status ? { do: 'note' } : { do: 'change', status };
}

const number = /^\d+$/;

/** By the moment; two of the same moment, in a clock that may count in seconds, by their versions where these are numbers. */
function isOlder(change: NativeChange, { nativeUpdatedAt, nativeVersion }: ApplicationState): boolean {
  if (nativeUpdatedAt === null || change.updatedAt !== nativeUpdatedAt)
    return nativeUpdatedAt !== null && change.updatedAt < nativeUpdatedAt;
  const countable = nativeVersion !== null && number.test(nativeVersion) && number.test(change.version);
  return countable && BigInt(change.version) < BigInt(nativeVersion);
}

export type WithdrawDecision =
  | { readonly do: 'refuse'; readonly problem: Problem }
  | { readonly do: 'cancel' } // nothing has gone out: the delivery is cancelled
  | { readonly do: 'ask' } // the back office must take it
  | { readonly do: 'nothing' }; // already asked for

/** What a wish to withdraw leads to. */
export function decideWithdraw(
  state: ApplicationState,
  submitJob: { readonly state: string; readonly effect: string } | null,
  more: { readonly alreadyAsked: boolean; readonly canWithdraw: boolean },
): WithdrawDecision {
  if (ended.includes(state.status))
    return { do: 'refuse', problem: { code: 'NOT_WITHDRAWABLE', facts: { status: state.status }, path: ['id'] } };
  if (more.alreadyAsked) return { do: 'nothing' };
  const untouched = submitJob && (submitJob.state === 'queued' || submitJob.state === 'parked') && submitJob.effect === 'none';
  if (untouched) return { do: 'cancel' };
  if (!more.canWithdraw) return { do: 'refuse', problem: { code: 'NOT_WITHDRAWABLE', facts: { status: state.status }, path: ['id'] } };
  return { do: 'ask' };
}

export interface RetryPolicy {
  /** First wait after a failure that left no effect, doubled each time. @default 1000 */
  readonly firstMs: number;
  /** Longest wait between two attempts. @default 300000 */
  readonly longestMs: number;
  /** Shortest wait before a look-up after an unknown effect: the back office may still be at work on it. @default 3000 */
  readonly settleMs: number;
  /** Age at which a delivery that never succeeded is parked. @default 72 hours */
  readonly parkAfterMs: number;
  /** How long a back office that took a withdrawal may take to show it in the case. @default 60000 */
  readonly confirmWithinMs: number;
}

export const retryDefaults: RetryPolicy = {
  firstMs: 1000,
  longestMs: 300_000,
  settleMs: 3000,
  parkAfterMs: 72 * 3_600_000,
  confirmWithinMs: 60_000,
};

/** Of these, each says that nothing more comes of an application that was to be withdrawn. */
const confirming: readonly (MappableStatus | undefined)[] = ['withdrawn', 'closed', 'refused'];

/** Whether the status of a case says that its withdrawal was taken. An answer alone does not: some systems answer 200 for a status they do not know. */
export const confirmsWithdrawal = (nativeStatus: string, statusMap: ReadonlyMap<string, MappableStatus>): boolean =>
  confirming.includes(statusMap.get(nativeStatus));

/**
 * What follows if the case does not show a withdrawal that was taken `sinceMs` ago: another look, or a person. `queued`: its back office
 * comes to withdrawals later, and may take as long as a delivery.
 */
export function decideUnconfirmed(
  { sinceMs, queued }: { readonly sinceMs: number; readonly queued: boolean },
  policy: RetryPolicy,
): { readonly do: 'look'; readonly inMs: number } | { readonly do: 'park' } {
  const left = (queued ? policy.parkAfterMs : policy.confirmWithinMs) - sinceMs;
  return left <= 0 ? { do: 'park' } : { do: 'look', inMs: Math.min(left, Math.max(policy.firstMs, Math.min(sinceMs, policy.longestMs))) };
}

export type FailureDecision =
  | { readonly do: 'retry'; readonly inMs: number; readonly effect: 'none' | 'unknown' }
  | { readonly do: 'park'; readonly reason: ParkedReason; readonly effect: 'none' | 'unknown' };

const parkedAtOnce: Partial<Record<AdapterErrorKind | CallFailure['kind'], ParkedReason>> = {
  rejected: 'REJECTED',
  unsupported: 'UNSUPPORTED',
};

/** One answer that was cut off or stumbled is an accident; so many in a row are a misunderstanding that no waiting mends. */
const malformedAttempts = 5;

/** A back office that asks for more, by a mistake or a clock that is wrong, would keep its applications from ever being tried again. */
const longestRetryAfterMs = 3_600_000;

/**
 * What follows a failed attempt. `attempts` counts from 1, `ageMs` since the delivery was queued, `random` in [0, 1) spreads
 * the waits. A back office that can neither honour nor look up a key gets no second attempt once an effect is possible.
 */
export function decideFailure(
  failure: CallFailure,
  job: { readonly attempts: number; readonly ageMs: number; readonly idempotency: 'native' | 'steps' | 'lookup' | 'none' },
  policy: RetryPolicy,
  random: number,
): FailureDecision {
  // It landed and a setting keeps the key out of it: no look-up will find it, and each attempt would file it once more.
  if (failure.effect === 'done' && failure.kind === 'misconfigured') return { do: 'park', reason: 'MISCONFIGURED', effect: 'unknown' };
  const effect = failure.effect === 'none' ? 'none' : 'unknown';
  if (effect === 'unknown' && job.idempotency === 'none') return { do: 'park', reason: 'UNKNOWN_EFFECT', effect };
  const misunderstood = failure.kind === 'malformed' && job.attempts >= malformedAttempts;
  const reason = misunderstood ? 'MALFORMED_REPLY' : parkedAtOnce[failure.kind];
  if (reason && effect === 'none') return { do: 'park', reason, effect };
  if (job.ageMs > policy.parkAfterMs)
    return { do: 'park', reason: failure.kind === 'misconfigured' ? 'MISCONFIGURED' : 'TIMED_OUT', effect };
  const doubled = Math.min(policy.longestMs, policy.firstMs * 2 ** Math.min(job.attempts - 1, 20));
  const spread = doubled * (0.75 + random * 0.5);
  const floor = Math.max(Math.min(failure.retryAfterMs ?? 0, longestRetryAfterMs), effect === 'unknown' ? policy.settleMs : 0);
  return { do: 'retry', inMs: Math.round(Math.max(spread, floor)), effect };
}

/** Facts of an event as the log takes them: nothing that names or describes a person. */
export const eventFacts = (facts: Record<string, Json | undefined>): Record<string, Json> =>
  Object.fromEntries(Object.entries(facts).filter((entry): entry is [string, Json] => entry[1] !== undefined));
