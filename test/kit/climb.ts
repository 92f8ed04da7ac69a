import { performance } from 'node:perf_hooks';

/*
 * Hill climbing: changes a thing a little, keeps what is worse, begins anew where nothing gets worse. Of searches for the worst that somebody
 * may send.
 */

/** What is searched among. */
export interface Subject<T, W extends Weight> {
  /** Something to begin with. */
  begin(): T;
  /** The same, a little different. */
  change(thing: T): T;
  /** How bad it is; `surely` where it may become the worst: asked more often, so that no chance is believed. */
  weigh(thing: T, surely: boolean): Promise<W>;
}

export interface Weight {
  /** 1 is as much as is allowed. */
  readonly badness: number;
}

export interface Worst<T, W extends Weight> {
  readonly thing: T;
  readonly weight: W;
}

export interface ClimbOptions<T, W extends Weight> {
  /** Things to try. @default no end */
  readonly most?: number;
  /** @default no end */
  readonly ms?: number;
  /** Ends the search when something is this bad. @default never */
  readonly enough?: number;
  /** Called with each that is worse than all before it. */
  readonly onWorse?: (worst: Worst<T, W>, tried: number) => void;
}

/** How often nothing may get worse before it begins anew. */
const patience = 10;
/** Beginnings that are looked at for each climb, which starts at the worst of them. */
const scouts = 10;

/** Searches until the time is over, so many were tried, or it is bad enough. */
export async function climb<T, W extends Weight>(
  subject: Subject<T, W>,
  { most = Infinity, ms = Infinity, enough = Infinity, onWorse }: ClimbOptions<T, W> = {},
): Promise<{ readonly worst: Worst<T, W>; readonly tried: number }> {
  const end = performance.now() + ms;
  let worst: Worst<T, W> | null = null;
  let tried = 0;
  const isOver = () => tried >= most || performance.now() >= end || (worst !== null && worst.weight.badness >= enough);
  const look = async (thing: T): Promise<W> => {
    tried += 1;
    const seen = await subject.weigh(thing, false);
    if (worst === null || seen.badness > worst.weight.badness) {
      const weight = await subject.weigh(thing, true);
      if (worst === null || weight.badness > worst.weight.badness) {
        worst = { thing, weight };
        onWorse?.(worst, tried);
      }
    }
    return seen;
  };
  for (let climbs = 0; climbs === 0 || !isOver(); climbs += 1) {
    let at = subject.begin();
    let { badness } = await look(at);
    for (let scout = 1; scout < scouts && !isOver(); scout += 1) {
      // Now and then from the worst that is known, some steps away.
      const other = worst !== null && scout % 5 === 0 ? subject.change(subject.change((worst as Worst<T, W>).thing)) : subject.begin();
      const seen = await look(other);
      if (seen.badness > badness) [at, badness] = [other, seen.badness];
    }
    for (let idle = 0; idle < patience && !isOver();) {
      const next = subject.change(at);
      const seen = await look(next);
      if (seen.badness > badness) [at, badness, idle] = [next, seen.badness, 0];
      else idle += 1;
    }
  }
  return { worst: worst as unknown as Worst<T, W>, tried };
}
