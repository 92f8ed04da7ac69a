import { HubError } from '#contract';
import { pause } from '../infra/backoff.ts';
import type { CoordinationDeps } from './coordination.ts';
import { eraseOldFacts } from './facts.ts';
import { listDue, lockCase } from './records.ts';
import type { Runtime } from './run.ts';

/*
 * Time that is over is an input like others. Every process looks, in its own rhythm, for what is due by the time it is given;
 * no lease is needed, for whoever comes second finds that the state does not wait for it any more.
 */

/** How often somebody looks. */
export interface ClockTiming {
  /** In milliseconds. @default 1000 */
  readonly pollMs: number;
}

/** Tells cases what is due, and erases what has been kept long enough. */
export interface Clock {
  start(): void;
  stop(): Promise<void>;
}

/** Told in one look at most. */
const BATCH = 200;
/** How many looks a deadline is left out that could not be told. */
const REST_LOOKS = 60;
/** Between looks at what may be erased, and at what was kept because it failed; the first is at the start. */
const lookEveryMs = 3_600_000;

export function createClock({ store, now, findKind, log }: CoordinationDeps, runtime: Runtime, { pollMs }: ClockTiming): Clock {
  let abort = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function tell(caseId: string, step: string): Promise<void> {
    await runtime.transaction(async (tx) => {
      const rows = await lockCase(store, tx, { id: caseId });
      const kind = rows && findKind(rows.file.kind);
      const due = rows?.waiting.find((one) => one.step === step)?.due_at ?? null;
      if (!kind || due === null || due > now().getTime()) return;
      if (!(await runtime.decide(tx, kind, rows, { kind: 'due', step }, ''))) log.warn({ case: caseId, step }, 'a deadline led to nothing');
    });
  }

  async function run(signal: AbortSignal): Promise<void> {
    let lookedAt = Number.NEGATIVE_INFINITY;
    /** Deadlines that could not be told, and until which look they rest: they must not stand in the way of the others. */
    const resting = new Map<string, number>();
    for (let look = 1; !signal.aborted; look += 1) {
      for (const [name, until] of resting) if (until <= look) resting.delete(name);
      try {
        for (const { case_id, step } of await listDue(store.db, now().getTime(), BATCH + resting.size)) {
          if (signal.aborted) return;
          const name = `${case_id} ${step}`;
          if (resting.has(name)) continue;
          await tell(case_id, step).catch((error: unknown) => {
            if (error instanceof HubError && error.retryable) throw error; // the store is away, for all of them
            resting.set(name, look + REST_LOOKS);
            log.warn({ case: case_id, step, err: error }, 'a deadline could not be told; it is tried again, the others go on');
          });
        }
      } catch (error) {
        log.warn({ err: error }, 'deadlines of cases could not be checked; the next attempt follows');
      }
      try {
        if (now().getTime() - lookedAt > lookEveryMs) {
          lookedAt = now().getTime();
          await runtime.retryParked();
          await eraseOldFacts(store, now().getTime());
        }
      } catch (error) {
        log.warn({ err: error }, 'what is kept of cases could not be erased in time; the next attempt follows');
      }
      await pause(pollMs, signal);
    }
  }

  return {
    start() {
      abort = new AbortController();
      running = run(abort.signal);
    },
    async stop() {
      abort.abort();
      await running;
    },
  };
}
