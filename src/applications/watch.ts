import type { Log } from '../infra/log.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import { followLog, type Follower } from '../infra/store/follow.ts';

/**
 * Tells who watches an application (or a case) that it changed. One reader follows the log for all watchers of this process, so that a
 * thousand subscriptions cost one; it sees the changes of every process.
 */
export interface Watch {
  /** Yields once at the start, then for each change or, where the reader is slow, once for several; ends when the signal aborts. */
  changesOf(id: string, signal: AbortSignal): AsyncIterable<void>;
  start(): void;
  stop(): Promise<void>;
}

export function createWatch(eventLog: EventLog, log: Log, aggregateType = 'application'): Watch {
  const watchers = new Map<string, Set<() => void>>();
  const ended = new AbortController();
  let follower: Follower | null = null;

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
      const leave = () => wake();
      signal.addEventListener('abort', leave);
      ended.signal.addEventListener('abort', leave);
      try {
        while (!signal.aborted && !ended.signal.aborted) {
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
        signal.removeEventListener('abort', leave);
        ended.signal.removeEventListener('abort', leave);
      }
    },
    start() {
      follower = followLog(eventLog, log, ({ aggregate }) => {
        if (aggregate.type === aggregateType) for (const tell of watchers.get(aggregate.id) ?? []) tell();
      });
    },
    async stop() {
      ended.abort();
      await follower?.stop();
    },
  };
}
