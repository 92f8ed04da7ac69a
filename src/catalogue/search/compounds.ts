/** Letters that German puts between the parts of a compound. */
export const joints = ['', 's', 'n', 'es', 'en', 'er', 'e'];

/** Shortest part of a compound, but for the words below: shorter ones would be found everywhere. */
const shortestPart = 4;
const shortParts = new Set('amt bau ehe kfz pkw lkw rad tod weg tor gas hof bus tur eid ol'.split(' '));
const longestPart = 20;

/**
 * Takes a compound apart into words that are known: `hundesteueranmeldung` into `hund`, `steuer`, `anmeldung`. Of several
 * ways the one with the fewest parts; null if the word does not come apart. One pass over the word: the time grows
 * with its length and not with its square.
 */
export function splitCompound(word: string, knows: (part: string) => boolean): readonly string[] | null {
  // best[i]: the fewest parts that cover the first i letters, joints included.
  const best: (readonly string[] | null)[] = Array.from({ length: word.length + 1 }, (_, at) => (at === 0 ? [] : null));
  for (let from = 0; from < word.length; from += 1) {
    const before = best[from];
    if (!before) continue;
    for (let to = Math.min(word.length, from + longestPart); to >= from + 2; to -= 1) {
      const part = word.slice(from, to);
      if (part.length < shortestPart && !shortParts.has(part)) continue;
      if (part.length === word.length || !knows(part)) continue;
      const parts = [...before, part];
      for (const joint of joints) {
        const next = to + joint.length;
        if (next > word.length || (joint !== '' && next === word.length) || !word.startsWith(joint, to)) continue;
        const known = best[next];
        if (!known || known.length > parts.length) best[next] = parts;
      }
    }
  }
  const found = best[word.length] ?? null;
  return found && found.length > 1 ? found : null;
}

/** The end of a compound, else its beginning, where only that is known; null if neither is. */
export function edgeOf(word: string, knows: (part: string) => boolean): string | null {
  // Eight letters in all, or `pass` would be found in words that only happen to end or to begin so.
  for (let from = 3; from <= word.length - shortestPart; from += 1)
    if (word.length >= 8 && (from > 3 || word.length > 7) && knows(word.slice(from))) return word.slice(from);
  for (let to = word.length - shortestPart + 1; to >= shortestPart; to -= 1)
    if ((to > shortestPart || word.length > 8) && knows(word.slice(0, to))) return word.slice(0, to);
  return null;
}
