import type { LoggedEvent } from '#contract';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { EventLog } from './eventlog.ts';

/** How long a follower rests after the store failed, in milliseconds. */
const REST_MS = 1000;

/** A running follower. */
export interface Follower {
  /** Resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Shows every event from now on, of this process and of others, in the order of the log. Keeps no cursor: for what lives in
 * memory and dies with the process. Where the store is away it waits and goes on where it was.
 */
export function followLog(eventLog: EventLog, log: Log, see: (event: LoggedEvent) => void | Promise<void>): Follower {
  const abort = new AbortController();
  const { signal } = abort;

  async function read(): Promise<void> {
    let at: number | null = null;
    while (!signal.aborted) {
      try {
        at ??= await eventLog.head();
        for await (const events of eventLog.tail(at, signal))
          for (const event of events) {
            await see(event);
            at = event.seq;
          }
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error }, 'the event log could not be followed; it is tried again');
        await sleep(REST_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  const reading = read();
  return {
    async stop() {
      abort.abort();
      await reading;
    },
  };
}
