import { setTimeout as pause } from 'node:timers/promises';
import {
  bulkhead,
  BulkheadRejectedError,
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
} from 'cockatiel';
import type { Adapter, Call, Json, WriteCall } from '#contract';
import type { CallLimits, CallOptions, WriteOptions } from './call-options.ts';
import { currentCall } from './current-call.ts';
import { CityCallError, toCallError } from './failure.ts';
import { createKeyLock } from './key-lock.ts';
import type { Redact } from './redaction.ts';
import { Aborted, untilAborted } from './until-aborted.ts';

/*
 * Every call to a back office, from the outside in:
 *
 *   deadline   `timeoutMs` (or what a read asks for) from the moment the call was made. A write that had to wait for its turn
 *              gets the full time from the moment it may begin, so that a queue never turns into unknown effects.
 *   key lock   writes only: one write per key at a time. The lock is held until the adapter itself has come to an end, also
 *              after the caller gave up, because what still runs may still land.
 *   retry      reads only: `retryable` and `unavailable`, at most `retries` times, with growing pauses or the pause that the
 *              back office asked for, never beyond the deadline. A write is never repeated here: who knows its effect decides.
 *   bulkhead   `concurrency` calls at a time, four times as many wait; what comes on top is turned away as `busy`.
 *              What nobody signed in asks for has half of them, and a queue of its own: it never stands before what citizens wait for.
 *   breaker    after `failures` failures in a row nothing is sent for `halfOpenMs`; then one call tries for all.
 *
 * What counts against the breaker: `unavailable`, `retryable`, `malformed` and a passed deadline: the back office is sick.
 * `rejected`, `unsupported` and `misconfigured` are answers of a healthy one. A caller who goes away says nothing about it.
 *
 * When the signal aborts, the adapter has a moment to say how far it got. If it does not, a read ends without effect and a
 * write with effect `unknown`. Whatever was still waiting (for its key, a slot, the breaker) ends without effect.
 */

/** How long an aborted adapter may take to say what happened, in milliseconds. */
const GRACE_MS = 250;

/** Outcome of a call for the metrics. */
export type CallOutcome = 'ok' | CityCallError['failure']['kind'];

/** The guarded way to one adapter of one city. */
export interface Calls {
  read<T>(run: (adapter: Adapter, call: Call) => Promise<T>, options: CallOptions): Promise<T>;
  write<T>(run: (adapter: Adapter, call: WriteCall) => Promise<T>, options: WriteOptions): Promise<T>;
  /** A read that skips bulkhead, retry and breaker: for the check that must work while all of them refuse. */
  probe<T>(run: (adapter: Adapter, call: Call) => Promise<T>): Promise<T>;
  /** False while the breaker is open. */
  accepts(): boolean;
  /** Resolves when nothing runs any more, or when the last deadline has passed. */
  idle(): Promise<void>;
}

export interface CallsOptions {
  readonly adapter: Adapter;
  readonly limits: CallLimits;
  readonly redact: Redact;
  readonly now: () => Date;
  readonly onEnd: (kind: 'read' | 'write', outcome: CallOutcome, seconds: number) => void;
  readonly onBreaker: (open: boolean) => void;
}

const sick: ReadonlySet<string> = new Set(['unavailable', 'retryable', 'malformed', 'deadline']);

export function createCalls({ adapter, limits, redact, now, onEnd, onBreaker }: CallsOptions): Calls {
  const abandoned = new WeakSet<CityCallError>();
  const running = new Set<Promise<unknown>>();
  const lock = createKeyLock();
  /** By `performance.now()`: no clock that is set brings the moment nearer or takes it away. */
  let openedAt = 0;

  const breaker = circuitBreaker(
    handleWhen((error) => {
      // In half-open state the library takes an error that is not handled for a success, and a call that never ran is none.
      if (!(error instanceof CityCallError) || abandoned.has(error)) return breaker.state === CircuitState.HalfOpen;
      return sick.has(error.failure.kind);
    }),
    // The library counts by the clock of the day; when it may try again is decided by `restsForMs`.
    { halfOpenAfter: Number.NEGATIVE_INFINITY, breaker: new ConsecutiveBreaker(limits.breaker.failures) },
  );
  breaker.onBreak(() => {
    openedAt = performance.now();
    onBreaker(true);
  });
  breaker.onReset(() => onBreaker(false));

  const restsForMs = (): number => (breaker.state === CircuitState.Open ? openedAt + limits.breaker.halfOpenMs - performance.now() : 0);
  const slots = bulkhead(limits.concurrency, limits.concurrency * 4);
  const anonymousSlots = bulkhead(Math.max(1, Math.floor(limits.concurrency / 2)), limits.concurrency * 2);
  const guarded = {
    execute: <T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> =>
      slots.execute(() => {
        if (restsForMs() > 0) throw new BrokenCircuitError();
        return breaker.execute(work, signal);
      }, signal),
  };
  const guardedAnonymous: typeof guarded = {
    execute: (work, signal) => anonymousSlots.execute(() => guarded.execute(work, signal), signal),
  };

  const retryAfter = ({ failure }: CityCallError, attempt: number): number =>
    failure.retryAfterMs ?? Math.round(100 * 2 ** (attempt - 1) * (0.5 + Math.random()));

  /** What to try again; a pause that ends after the deadline helps nobody. */
  const mayRetry = (error: unknown, deadline: Date): error is CityCallError => {
    if (!(error instanceof CityCallError) || abandoned.has(error)) return false;
    if (error.failure.kind !== 'retryable' && error.failure.kind !== 'unavailable') return false;
    return (error.failure.retryAfterMs ?? 0) < deadline.getTime() - now().getTime();
  };

  /** Runs the adapter until it ends or the signal aborts; in that case what it says within the grace counts. */
  async function attempt<T, C extends Call>(
    kind: 'read' | 'write',
    run: (adapter: Adapter, call: C) => Promise<T>,
    call: C,
    { caller, timeoutMs }: { readonly caller: AbortSignal | undefined; readonly timeoutMs: number },
  ): Promise<T> {
    const work = currentCall.run(call, async () => run(adapter, call));
    running.add(work);
    const forget = () => running.delete(work);
    work.then(forget, forget);
    try {
      return await untilAborted(work, call.signal, GRACE_MS);
    } catch (error) {
      if (!call.signal.aborted) throw toCallError(error, kind, redact);
      const known = error instanceof Aborted ? null : toCallError(error, kind, redact);
      const ended = new CityCallError(caller?.aborted ? 'the caller went away' : `no answer within ${timeoutMs} ms`, {
        kind: 'deadline',
        effect: kind === 'read' ? 'none' : (known?.failure.effect ?? 'unknown'),
      });
      if (caller?.aborted) abandoned.add(ended);
      throw ended;
    }
  }

  /** What did not begin has no effect. */
  const notBegun = (error: unknown): CityCallError => {
    if (error instanceof CityCallError) return error;
    if (error instanceof BrokenCircuitError) {
      const retryAfterMs = Math.ceil(Math.max(0, restsForMs()));
      return new CityCallError('the back office failed repeatedly and is left alone for a while', {
        kind: 'breaker-open',
        effect: 'none',
        retryAfterMs,
      });
    }
    if (error instanceof BulkheadRejectedError)
      return new CityCallError('too many calls to this back office wait', { kind: 'busy', effect: 'none' });
    return new CityCallError('the call ended before its turn came', { kind: 'busy', effect: 'none' });
  };

  async function measured<T>(kind: 'read' | 'write', work: () => Promise<T>): Promise<T> {
    const since = performance.now();
    const end = (outcome: CallOutcome) => onEnd(kind, outcome, (performance.now() - since) / 1000);
    try {
      const result = await work();
      end('ok');
      return result;
    } catch (error) {
      const failed = notBegun(error);
      end(failed.failure.kind);
      throw failed;
    }
  }

  const until = (caller: AbortSignal | undefined) => {
    const timer = AbortSignal.timeout(limits.timeoutMs);
    return { signal: caller ? AbortSignal.any([timer, caller]) : timer, deadline: new Date(now().getTime() + limits.timeoutMs) };
  };

  /**
   * The same for reads, which are many: `done` takes the timer away, since one that stays until it fires would be there by the
   * thousand where a back office is asked often.
   */
  const untilDone = (caller: AbortSignal | undefined, timeoutMs: number) => {
    const stop = new AbortController();
    const leave = () => stop.abort();
    const timer = setTimeout(leave, timeoutMs);
    if (caller?.aborted) stop.abort();
    else caller?.addEventListener('abort', leave, { once: true });
    const done = () => {
      clearTimeout(timer);
      caller?.removeEventListener('abort', leave);
    };
    return { signal: stop.signal, deadline: new Date(now().getTime() + timeoutMs), done };
  };

  return {
    read: (run, { traceparent, signal: caller, timeoutMs = limits.timeoutMs, isAnonymous = false }) =>
      measured('read', async () => {
        const { signal, deadline, done } = untilDone(caller, timeoutMs);
        let last: unknown;
        const tries = async () => {
          for (let attemptNumber = 1; ; attemptNumber += 1) {
            signal.throwIfAborted();
            try {
              const call: Call = { signal, deadline, traceparent, attempt: attemptNumber };
              const way = isAnonymous ? guardedAnonymous : guarded;
              return await way.execute(() => attempt('read', run, call, { caller, timeoutMs }), signal);
            } catch (error) {
              if (error instanceof CityCallError) last = error;
              if (attemptNumber > limits.retries || signal.aborted || !mayRetry(error, deadline)) throw error;
              await pause(retryAfter(error, attemptNumber), undefined, { signal });
            }
          }
        };
        try {
          return await untilAborted(tries(), signal, GRACE_MS * 2);
        } catch (error) {
          // Where the deadline came during a pause, the attempt before it is the reason.
          throw error instanceof CityCallError ? error : (last ?? error);
        } finally {
          done();
        }
      }),

    write: (run, { traceparent, attempt: number = 1, key, steps, signal: caller }) =>
      measured('write', async () => {
        const turn = until(caller);
        const release = await lock.acquire(key, turn.signal);
        const begun = Promise.withResolvers<void>();
        let untilAdapterEnds: Promise<unknown> = Promise.resolve();
        try {
          const work = guarded.execute(async () => {
            turn.signal.throwIfAborted();
            begun.resolve();
            const started: typeof run = (own, its) => {
              const work = run(own, its);
              untilAdapterEnds = work;
              return work;
            };
            const call: WriteCall = { ...until(caller), traceparent, attempt: number, key, step: memo(steps) };
            return attempt('write', started, call, { caller, timeoutMs: limits.timeoutMs });
          }, turn.signal);
          // Until it begins it may be given up at any time; from then on its own deadline counts.
          await Promise.race([begun.promise, untilAborted(work, turn.signal, 0)]);
          return await work;
        } finally {
          untilAdapterEnds.then(release, release);
        }
      }),

    probe: (run) => {
      const { signal, deadline } = until(undefined);
      return attempt('read', run, { signal, deadline, traceparent: '', attempt: 1 }, { caller: undefined, timeoutMs: limits.timeoutMs });
    },

    accepts: () => restsForMs() <= 0,

    async idle() {
      // An adapter that ignores its signal must not keep the hub from ending.
      await untilAborted(Promise.allSettled(running), AbortSignal.timeout(limits.timeoutMs), 2 * GRACE_MS).catch(() => {});
    },
  };
}

/** Each step once per key and name, also over restarts, because its result is remembered before the next one begins. */
const memo =
  (steps: WriteOptions['steps']): WriteCall['step'] =>
  async <T extends Json>(name: string, run: () => Promise<T>): Promise<T> => {
    const known = await steps.find(name);
    if (known !== undefined) return known as T;
    const result = await run();
    await steps.save(name, result);
    return result;
  };
