import { HubError, type LoggedEvent } from '#contract';
import { pause, pauseAfter, type Backoff } from '../backoff.ts';
import type { Log } from '../log.ts';
import type { SubscribeOptions } from './bus.ts';

/** Around the handling of one event. */
export interface HandlingOptions {
  readonly request: Pick<SubscribeOptions, 'group' | 'handle' | 'onPoisoned' | 'poisonedAfter'>;
  readonly backoff: Backoff;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Attempts at an event before it counts as poisoned: with the usual pauses, some six seconds. */
const POISONED_AFTER = 6;

/** Hands the event to its handler until that succeeds or the event is kept as poisoned; true then, false if the signal came first. */
export async function handleUntilDone(event: LoggedEvent, { request, backoff, log, signal }: HandlingOptions): Promise<boolean> {
  const { group, poisonedAfter = POISONED_AFTER } = request;
  const facts = { group, event: event.id, type: event.type, seq: event.seq };
  /** Attempts that failed for the event's own sake: a store that is away for a while says nothing about it. */
  let failures = 0;
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      await request.handle(event);
      return true;
    } catch (error) {
      log.warn({ ...facts, attempt, err: error }, 'An event could not be handled; it comes again');
      if (!(error instanceof HubError && error.retryable)) failures += 1;
      if (request.onPoisoned && failures >= poisonedAfter) {
        try {
          await request.onPoisoned(event, { attempts: failures, error });
          log.error(
            { ...facts, attempt },
            'An event was parked, and its aggregate with it: repair what it failed on; it is tried again at the next start and every hour',
          );
          return true;
        } catch (failure) {
          log.warn({ ...facts, attempt, err: failure }, 'An event that fails could not be parked; it comes again');
        }
      }
      await pause(pauseAfter(backoff, attempt), signal);
    }
  }
  return false;
}
