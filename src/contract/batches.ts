import type { Call } from './adapter.ts';

/** Asks for some ids; what the answer does not hold is not in the map. */
type AskFor<T> = (ids: readonly string[], call: Call) => Promise<ReadonlyMap<string, T>>;

/** Questions about single ids at a time. */
const AT_ONCE = 4;

/**
 * Loads by ids, many at once, from a back office that may answer for fewer than it was asked: some take the first of a list, or
 * as many as fit a page of theirs, and say nothing of the rest. What is missing is therefore asked for alone. If it is there after all, no later
 * question is longer than what was answered; `learnt` is told once for each new length.
 */
export function createBatches<T>(largest: number, ask: AskFor<T>, learnt: (size: number) => void = () => {}): AskFor<T> {
  let size = largest;
  return async (ids, call) => {
    const found = new Map<string, T>();
    /** Missing ids, with how many were found beside them. */
    const missing: (readonly [id: string, beside: number])[] = [];
    const length = size;
    if (length === 1) missing.push(...ids.map((id) => [id, 1] as const));
    else
      for (let from = 0; from < ids.length; from += length) {
        const part = ids.slice(from, from + length);
        const answer = await ask(part, call);
        const there = part.filter((id) => answer.has(id));
        for (const id of there) found.set(id, answer.get(id) as T);
        if (part.length > 1) missing.push(...part.filter((id) => !answer.has(id)).map((id) => [id, there.length] as const));
      }
    for (let from = 0; from < missing.length; from += AT_ONCE)
      await Promise.all(
        missing.slice(from, from + AT_ONCE).map(async ([id, beside]) => {
          const answer = await ask([id], call);
          if (!answer.has(id)) return;
          found.set(id, answer.get(id) as T);
          if (Math.max(1, beside) >= size) return;
          size = Math.max(1, beside);
          learnt(size);
        }),
      );
    return found;
  };
}
