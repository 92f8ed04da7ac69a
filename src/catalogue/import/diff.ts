/** What an import changes: ids by what happens to them. */
export interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: number;
}

/** Compares revisions by id: what is stored against what the source now lists. */
export function diffRevisions(stored: ReadonlyMap<string, string>, listed: ReadonlyMap<string, string>): Changes {
  const ids = [...listed.keys()];
  const changed = ids.filter((id) => stored.has(id) && stored.get(id) !== listed.get(id));
  const added = ids.filter((id) => !stored.has(id));
  return {
    added,
    changed,
    removed: [...stored.keys()].filter((id) => !listed.has(id)),
    unchanged: ids.length - added.length - changed.length,
  };
}

/** Sources with fewer offers may lose any number of them at once. */
const smallSource = 4;
/** From so many offers on, a fifth is already too much. */
const largeSource = 20;

/**
 * True if a listing would remove more than half of what a source had, of a large one more than a fifth: much more often
 * a partial export than a city that closes. Formats that say how many entries they have are refused before, by that number.
 */
export const losesTooMuch = (stored: number, removed: number): boolean =>
  stored >= smallSource && removed > stored / (stored >= largeSource ? 5 : 2);
