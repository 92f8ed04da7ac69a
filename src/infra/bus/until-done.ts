import type { LoggedEvent } from '#contract';
import { pause, pauseAfter, type Backoff } from '../backoff.ts';
import type { Log } from '../log.ts';

/** Around the handling of one event. */
export interface HandlingOptions {
  readonly group: string;
  readonly handle: (event: LoggedEvent) => Promise<void>;
  readonly backoff: Backoff;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Hands the event to its handler until that succeeds; true then, false where the signal came first. */
export async function handleUntilDone(event: LoggedEvent, { group, handle, backoff, log, signal }: HandlingOptions): Promise<boolean> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      await handle(event);
      return true;
    } catch (error) {
      log.warn(
        { group, event: event.id, type: event.type, seq: event.seq, attempt, err: error },
        'An event could not be handled; it comes again',
      );
      await pause(pauseAfter(backoff, attempt), signal);
    }
  }
  return false;
}
