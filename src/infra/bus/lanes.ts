import type { LoggedEvent } from '#contract';

/*
 * Lanes let one aggregate wait without the others. Each aggregate has a lane; a lane handles its events one after the
 * other, in the order they were added, and several lanes run side by side. `doneUpTo` is the place up to which every event
 * added has been handled: one event that waits holds the place, not the other lanes. Whoever restarts from the place has
 * events handled again that were done behind the one that waited, and none left out.
 */

/** Runs events in order per aggregate. */
export interface Lanes {
  /** Takes the next event, in log order; resolves when there is room for another. */
  add(event: LoggedEvent): Promise<void>;
  /** Says that the log was read up to `seq`, also where its last events are not for this reader. */
  readUpTo(seq: number): void;
  /** Every event up to here is done. */
  doneUpTo(): number;
  /** Resolves when no lane runs. */
  idle(): Promise<void>;
}

/**
 * Lanes from the place `start`, that hand each event to `handle`; a lane ends where it resolves to false. `add` waits while
 * `mostUnfinished` events are not done.
 */
export function createLanes(start: number, mostUnfinished: number, handle: (event: LoggedEvent) => Promise<boolean>): Lanes {
  const lanes = new Map<string, LoggedEvent[]>();
  /** In log order, for events come in log order: the first is the oldest. */
  const unfinished = new Set<number>();
  const runs = new Set<Promise<void>>();
  let read = start;
  let roomWanted: (() => void) | null = null;

  async function run(name: string, waiting: LoggedEvent[]): Promise<void> {
    for (let event = waiting[0]; event; event = waiting[0]) {
      if (!(await handle(event))) return;
      waiting.shift();
      unfinished.delete(event.seq);
      roomWanted?.();
    }
    lanes.delete(name);
  }

  const begin = (name: string, waiting: LoggedEvent[]) => {
    const running = run(name, waiting).finally(() => {
      runs.delete(running);
      roomWanted?.();
    });
    runs.add(running);
  };

  return {
    async add(event) {
      read = event.seq;
      unfinished.add(event.seq);
      const name = `${event.aggregate.type}/${event.aggregate.id}`;
      const lane = lanes.get(name);
      if (lane) lane.push(event);
      else {
        const waiting = [event];
        lanes.set(name, waiting);
        begin(name, waiting);
      }
      while (runs.size > 0 && unfinished.size >= mostUnfinished) {
        const { promise, resolve } = Promise.withResolvers<void>();
        roomWanted = resolve;
        await promise;
        roomWanted = null;
      }
    },
    readUpTo(seq) {
      read = Math.max(read, seq);
    },
    doneUpTo() {
      const [oldest] = unfinished;
      return oldest === undefined ? read : oldest - 1;
    },
    async idle() {
      while (runs.size > 0) await Promise.all(runs);
    },
  };
}

/** Lets at most `count` pieces of work run at a time, first come first served. */
export function createSlots(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
