import { atOnce, forEachOf, type Pieces } from './pieces.ts';

/** Of a word this many letters are looked at for one that is missing, too many or another: typing errors behind them are found all the same. */
const looked = 7;

/** Counts the work that a query makes: entries of lists that were read, rows of letters that were compared. */
export interface Meter {
  steps: number;
}

/** Of a word so many that may be meant are compared at most, whatever it is. */
const mostCompared = 500;

/** Finds words that differ from a misspelt one by a letter or two; nearest first. */
export type TypoSearch = (word: string) => readonly { readonly word: string; readonly distance: number }[];

/**
 * An index of words by their beginning with one letter left out, which two words share that differ by one letter there.
 * What it brings up is compared letter by letter: one error up to seven letters, two in longer words.
 */
export const createTypoSearch = (words: Iterable<string>): TypoSearch => atOnce(buildTypoSearch(words));

/** The same in pieces. */
export function* buildTypoSearch(words: Iterable<string>, meter: Meter = { steps: 0 }): Pieces<TypoSearch> {
  const byDelete = new Map<string, string[]>();
  yield* forEachOf(words, 500, (word) => {
    for (const key of deletes(word)) {
      const list = byDelete.get(key);
      if (list) list.push(word);
      else byDelete.set(key, [word]);
    }
  });
  return (word) => {
    if (word.length < 4) return [];
    const most = word.length < 8 ? 1 : 2;
    const candidates = new Set(deletes(word).flatMap((key) => byDelete.get(key) ?? []));
    const compared = [...candidates].filter(({ length }) => Math.abs(length - word.length) <= most).slice(0, mostCompared);
    meter.steps += candidates.size + compared.length * word.length;
    return compared
      .map((candidate) => ({ word: candidate, distance: distanceUpTo(most, word, candidate) }))
      .filter(({ distance }) => distance <= most)
      .toSorted((a, b) => a.distance - b.distance || (a.word < b.word ? -1 : 1))
      .slice(0, 8);
  };
}

function deletes(word: string): readonly string[] {
  if (word.length < 4) return [];
  const start = word.slice(0, looked);
  return [...new Set([start, ...Array.from(start, (_, at) => start.slice(0, at) + word.slice(at + 1, looked))])];
}

/** Letters to change, add, leave out or swap with their neighbour; more than `most` is not told apart. */
export function distanceUpTo(most: number, a: string, b: string): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforeLast[j - 2] as number) + 1);
      row.push(cost);
    }
    if (Math.min(...row) > most) return most + 1;
    [beforeLast, last] = [last, row];
  }
  return last[b.length] as number;
}
