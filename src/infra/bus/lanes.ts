import type { LoggedEvent } from '#contract';

/*
 * Lanes let one aggregate wait without the others. Each aggregate has a lane; a lane handles its events one after the
 * other, in the order they were added, and several lanes run side by side. `doneUpTo` is the place up to which every event
 * added has been handled: one event that waits holds the place, not the other lanes. Whoever restarts from the place has
 * events handled again that were done behind the one that waited, and none left out.
 */

/** Runs events in order per aggregate. */
export interface Lanes {
  /** Takes the next event, in the order of places; resolves when there is room for another. @default place: the event's `seq` */
  add(event: LoggedEvent, place?: number): Promise<void>;
  /** Says that everything up to this place was read, even if its last events are not for this reader. */
  readUpTo(place: number): void;
  /** Every event up to here is done. */
  doneUpTo(): number;
  /** Resolves when no lane runs. */
  idle(): Promise<void>;
}

interface Waiting {
  readonly event: LoggedEvent;
  readonly place: number;
}

/**
 * Lanes from the place `start`, that hand each event to `handle`; a lane ends where it resolves to false. `add` waits while
 * `mostUnfinished` events are not done.
 */
export function createLanes(start: number, mostUnfinished: number, handle: (event: LoggedEvent) => Promise<boolean>): Lanes {
  const lanes = new Map<string, Waiting[]>();
  /** In order, for events come in the order of their places: the first is the oldest. */
  const unfinished = new Set<number>();
  const runs = new Set<Promise<void>>();
  let read = start;
  let roomWanted: (() => void) | null = null;

  async function run(name: string, waiting: Waiting[]): Promise<void> {
    for (let next = waiting[0]; next; next = waiting[0]) {
      if (!(await handle(next.event))) return;
      waiting.shift();
      unfinished.delete(next.place);
      roomWanted?.();
    }
    lanes.delete(name);
  }

  const begin = (name: string, waiting: Waiting[]) => {
    const running = run(name, waiting).finally(() => {
      runs.delete(running);
      roomWanted?.();
    });
    runs.add(running);
  };

  return {
    async add(event, place = event.seq) {
      read = place;
      unfinished.add(place);
      const name = `${event.aggregate.type}/${event.aggregate.id}`;
      const lane = lanes.get(name);
      if (lane) lane.push({ event, place });
      else {
        const waiting = [{ event, place }];
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
    readUpTo(place) {
      read = Math.max(read, place);
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
