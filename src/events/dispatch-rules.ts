import { pauseAfter, type Backoff } from '../infra/backoff.ts';

/*
 * What becomes of a delivery that failed, and of the city's channel. Pure: time is passed in.
 *
 * A failure is about the channel (nobody answers, the answer is 500 or 401) or about the event (it was looked at and refused). Which of
 * the two a 500 is shows only in time: where other events have got through since, it is this event that is poison.
 *
 *   delivery  waiting ──failed──▶ waiting, later and later ──refused three times, or alone in failing five times, or for days──▶ parked
 *   channel   running ──failed──▶ failing: one attempt at a time, later and later ──for a day──▶ paused, until a person resumes it
 *                ▲─────────────────── something got through ──────────────────┘
 *
 * A parked event holds the later ones of its case or application, and nothing else.
 */

/** Why an attempt failed. `status` for 410: the city wants no more events there. */
export const failureClasses = [
  'TIMEOUT',
  'UNREACHABLE',
  'ADDRESS_REFUSED',
  'REDIRECT',
  'UNAUTHORISED',
  'NOT_THERE',
  'GONE',
  'BUSY',
  'SERVER_ERROR',
  'REFUSED',
  'UNSUPPORTED',
  'MISCONFIGURED',
  'INTERNAL',
] as const;
export type FailureClass = (typeof failureClasses)[number];

/** An attempt that failed. */
export interface DeliveryFailure {
  readonly class: FailureClass;
  /** HTTP status, where there was one. */
  readonly status?: number;
  /** What the city asked for. */
  readonly retryAfterMs?: number;
}

/** When what is tried again. */
export interface DispatchPolicy {
  /** Between attempts at an event. */
  readonly event: Backoff;
  /** Between attempts at a channel that fails. */
  readonly channel: Backoff;
  /** Refusals of an event before it is parked. */
  readonly refusals: number;
  /** Failures of an event, while others get through, before it is parked. */
  readonly poisonedAfter: number;
  /** For how long an event is tried. */
  readonly giveUpAfterMs: number;
  /** For how long a channel may fail before it is paused. */
  readonly pauseAfterMs: number;
}

const minutes = 60_000;

export const dispatchDefaults: DispatchPolicy = {
  event: { firstMs: 5000, mostMs: 60 * minutes },
  channel: { firstMs: 2000, mostMs: 15 * minutes },
  refusals: 3,
  poisonedAfter: 5,
  giveUpAfterMs: 72 * 60 * minutes,
  pauseAfterMs: 24 * 60 * minutes,
};

/** Longest pause that a city may ask for. */
const longestAskedMs = 60 * minutes;

const aboutTheEvent: ReadonlySet<FailureClass> = new Set(['REFUSED', 'UNSUPPORTED']);

/** True if the channel answered and had something against the event. */
export const isAboutEvent = (failure: DeliveryFailure): boolean => aboutTheEvent.has(failure.class);

/** What is known of a delivery when an attempt at it has failed. */
export interface DeliveryState {
  /** Attempts since it was queued or released, this one among them. */
  readonly attempts: number;
  readonly firstFailedAt: number;
  /** When an event last got through to the city; null if none has. */
  readonly othersSucceededAt: number | null;
}

export type ParkReason = 'REFUSED' | 'UNSUPPORTED' | 'POISONED' | 'TIMED_OUT';
export type DeliveryDecision = { readonly do: 'retry'; readonly at: number } | { readonly do: 'park'; readonly reason: ParkReason };

/** What becomes of a delivery after a failure. `chance` from 0 to 1 spreads attempts. */
export function decideDelivery(
  failure: DeliveryFailure,
  { attempts, firstFailedAt, othersSucceededAt }: DeliveryState,
  policy: DispatchPolicy,
  now: number,
  chance: number,
): DeliveryDecision {
  if (failure.class === 'UNSUPPORTED') return { do: 'park', reason: 'UNSUPPORTED' };
  if (failure.class === 'REFUSED' && attempts >= policy.refusals) return { do: 'park', reason: 'REFUSED' };
  if (attempts >= policy.poisonedAfter && othersSucceededAt !== null && othersSucceededAt > firstFailedAt)
    return { do: 'park', reason: 'POISONED' };
  if (now - firstFailedAt >= policy.giveUpAfterMs) return { do: 'park', reason: 'TIMED_OUT' };
  const asked = Math.min(failure.retryAfterMs ?? 0, longestAskedMs);
  return { do: 'retry', at: now + Math.max(asked, Math.round(pauseAfter(policy.event, attempts, chance))) };
}

/** How a city's channel fares. */
export interface ChannelState {
  /** In a row. */
  readonly failures: number;
  readonly failingSince: number | null;
  /** No attempt before. */
  readonly notBefore: number;
  readonly succeededAt: number | null;
  readonly pausedAt: number | null;
  readonly pauseReason: string | null;
}

/** The channel after something got through. */
export const afterSuccess = (state: ChannelState, now: number): ChannelState => ({
  ...state,
  failures: 0,
  failingSince: null,
  notBefore: 0,
  succeededAt: now,
});

/**
 * The channel after a failure. Attempts that ran side by side fail together and count once: only one that began when the channel
 * could be tried says something new.
 */
export function afterFailure(
  state: ChannelState,
  failure: DeliveryFailure,
  startedAt: number,
  policy: DispatchPolicy,
  now: number,
  chance: number,
): ChannelState {
  if (isAboutEvent(failure)) return { ...state, failures: 0, failingSince: null, notBefore: 0 };
  if (startedAt < state.notBefore) return state;
  const failures = state.failures + 1;
  const failingSince = state.failingSince ?? now;
  const asked = Math.min(failure.retryAfterMs ?? 0, longestAskedMs);
  const notBefore = now + Math.max(asked, Math.round(pauseAfter(policy.channel, failures, chance)));
  const pause = failure.class === 'GONE' ? 'GONE' : now - failingSince >= policy.pauseAfterMs ? 'FAILING' : null;
  const paused = pause !== null && state.pausedAt === null ? { pausedAt: now, pauseReason: pause } : {};
  return { ...state, failures, failingSince, notBefore, ...paused };
}

/** Failures in a row that are an outage and not a poisoned event: what waited for its end need not wait out its own pause. */
export const outageFailures = 3;
