import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Json } from '#contract';

/** A case in a simulated back office. */
export interface SimulatedCase {
  readonly id: number;
  /** The idempotency key it came with, where it came with one. */
  readonly key: string | null;
  readonly status: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Grows by one with every change. */
  readonly version: number;
  /** What was submitted, as it came. */
  readonly content: Json;
}

/** The cases of one simulated back office, in memory or in a file that outlives its process. */
export interface SimulatedCases {
  list(): readonly SimulatedCase[];
  find(id: number): SimulatedCase | null;
  create(key: string | null, status: string, content: Json): SimulatedCase;
  /** Null where there is no such case. */
  setStatus(id: number, status: string): SimulatedCase | null;
  /** Where the last change of a case stands in the order of all changes, from 1. */
  changeNumber(id: number): number;
  /** Moves every case that stands in the path one status on, where it has not changed for `restMs`. */
  process(path: readonly string[], restMs: number): readonly SimulatedCase[];
}

/** With `file`, every state of a case is one line of JSON in it, written before the caller gets an answer. */
export function createCases(now: () => Date, file?: string): SimulatedCases {
  const cases = new Map<number, SimulatedCase>();
  const changeNumbers = new Map<number, number>();
  let changes = 0;
  const set = (one: SimulatedCase): SimulatedCase => {
    cases.set(one.id, one);
    changeNumbers.set(one.id, ++changes);
    return one;
  };
  const remember = (one: SimulatedCase): SimulatedCase => {
    if (file) appendFileSync(file, `${JSON.stringify(one)}\n`);
    return set(one);
  };
  if (file && existsSync(file)) for (const line of readFileSync(file, 'utf8').split('\n')) restore(line);

  function restore(line: string): void {
    // The last line may be cut where the process was killed; what it said was not answered yet.
    if (!line.endsWith('}')) return;
    const one = JSON.parse(line) as SimulatedCase & { createdAt: string; updatedAt: string };
    set({ ...one, createdAt: new Date(one.createdAt), updatedAt: new Date(one.updatedAt) });
  }

  const setStatus = (id: number, status: string): SimulatedCase | null => {
    const before = cases.get(id);
    return before ? remember({ ...before, status, version: before.version + 1, updatedAt: now() }) : null;
  };

  return {
    list: () => [...cases.values()],
    find: (id) => cases.get(id) ?? null,
    create: (key, status, content) =>
      remember({ id: cases.size + 1, key, status, content, version: 1, createdAt: now(), updatedAt: now() }),
    setStatus,
    changeNumber: (id) => changeNumbers.get(id) ?? 0,
    process(path, restMs) {
      const due = [...cases.values()].filter(({ updatedAt }) => now().getTime() - updatedAt.getTime() >= restMs);
      return due.flatMap(({ id, status }) => {
        const next = path.includes(status) ? path[path.indexOf(status) + 1] : undefined;
        return (next === undefined ? null : setStatus(id, next)) ?? [];
      });
    },
  };
}
