import { setImmediate as turn } from 'node:timers/promises';

/** Work that can be put down between its steps, each of a few milliseconds; what it returns is its result. */
export type Pieces<T> = Generator<undefined, T>;

/** How long pieces are done in one go before others have their turn, in milliseconds. */
const goMs = 10;

/** Does the work, or what is left of it, without a pause. */
export function atOnce<T>(pieces: Pieces<T>): T {
  for (;;) {
    const step = pieces.next();
    if (step.done) return step.value;
  }
}

/** Does something for each of many, and pauses after every so many of them. */
export function* forEachOf<T>(items: Iterable<T>, many: number, work: (item: T, at: number) => void): Pieces<void> {
  let at = 0;
  for (const item of items) {
    work(item, at);
    at += 1;
    if (at % many === 0) yield;
  }
}

/** As `map`, with pauses. */
export function* mapEach<T, U>(items: Iterable<T>, many: number, work: (item: T, at: number) => U): Pieces<U[]> {
  const results: U[] = [];
  yield* forEachOf(items, many, (item, at) => void results.push(work(item, at)));
  return results;
}

/** Something that is built once: in pieces ahead of its need, or at once by who cannot wait. */
export interface BuiltOnce<T> {
  /** The thing, built up to its end where it is not yet. */
  get(): T;
  /** Builds it and gives way to other work between the pieces. */
  prepare(): Promise<void>;
  /** Whether somebody has asked for it. */
  isWanted(): boolean;
}

/** Nothing is done before somebody asks. */
export function builtOnce<T>(build: () => Pieces<T>): BuiltOnce<T> {
  let built: { readonly value: T } | null = null;
  let pieces: Pieces<T> | null = null;
  const begun = () => (pieces ??= build());
  const finish = (value: T) => {
    built = { value };
    pieces = null;
    return built;
  };
  /** A failed build is begun anew by whoever asks next: its generator has nothing more to give. */
  function building<R>(work: () => R): R {
    try {
      return work();
    } catch (error) {
      pieces = null;
      throw error;
    }
  }
  let preparing: Promise<void> | null = null;
  async function prepare(): Promise<void> {
    for (let since = performance.now(); !built;) {
      const step = building(() => begun().next());
      if (step.done) finish(step.value);
      else if (performance.now() - since > goMs) {
        await turn();
        since = performance.now();
      }
    }
  }
  return {
    get: () => (built ?? finish(building(() => atOnce(begun())))).value,
    isWanted: () => built !== null || pieces !== null,
    prepare: () =>
      (preparing ??= prepare().catch((error: unknown) => {
        preparing = null;
        throw error;
      })),
  };
}

/** Does the work, and gives way to other work between the pieces. */
export async function inTurns<T>(pieces: Pieces<T>): Promise<T> {
  const once = builtOnce(() => pieces);
  await once.prepare();
  return once.get();
}
