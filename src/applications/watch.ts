import type { EventLog } from '../infra/store/eventlog.ts';
import type { Log } from '../infra/log.ts';

/**
 * Tells who watches an application that it changed. One reader follows the log for all watchers of this process, so that a
 * thousand subscriptions cost one; it sees the changes of every process.
 */
export interface Watch {
  /** Yields once at the start, then for each change or, where the reader is slow, once for several; ends when the signal aborts. */
  changesOf(applicationId: string, signal: AbortSignal): AsyncIterable<void>;
  start(): void;
  stop(): Promise<void>;
}

export function createWatch(eventLog: EventLog, log: Log): Watch {
  const watchers = new Map<string, Set<() => void>>();
  const abort = new AbortController();
  let reading: Promise<void> = Promise.resolve();

  async function read(): Promise<void> {
    let at: number | null = null;
    while (!abort.signal.aborted) {
      try {
        at ??= await eventLog.head();
        for await (const events of eventLog.tail(at, abort.signal)) {
          for (const event of events) {
            at = event.seq;
            if (event.aggregate.type === 'application') for (const tell of watchers.get(event.aggregate.id) ?? []) tell();
          }
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        log.warn({ err: error }, 'the event log could not be followed; subscriptions wait');
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }

  return {
    async *changesOf(id, signal) {
      // Once at the start: what changed between a client's query and its subscription is not missed.
      let changed = true;
      let wake = () => {};
      const tell = () => {
        changed = true;
        wake();
      };
      const own = watchers.get(id) ?? new Set();
      watchers.set(id, own.add(tell));
      const ended = () => wake();
      signal.addEventListener('abort', ended);
      abort.signal.addEventListener('abort', ended);
      try {
        while (!signal.aborted && !abort.signal.aborted) {
          if (!changed)
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          if (!changed) continue;
          changed = false;
          yield;
        }
      } finally {
        own.delete(tell);
        if (own.size === 0) watchers.delete(id);
        signal.removeEventListener('abort', ended);
        abort.signal.removeEventListener('abort', ended);
      }
    },
    start() {
      reading = read();
    },
    async stop() {
      abort.abort();
      await reading;
    },
  };
}
