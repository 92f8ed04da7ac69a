import { plainOf, stem, wordsOf } from './words.ts';

/** Names of the life situations that a text means. */
export type SituationSearch = (text: string) => ReadonlySet<string>;

/**
 * Finds life situations by their names and by what else they are called; where none is called so, by some of their words, so
 * that `wohnen` means `Wohnen & Umzug`.
 */
export function createSituationSearch(names: Iterable<string>, also: ReadonlyMap<string, readonly string[]>): SituationSearch {
  const read = (text: string) => wordsOf(text).map((word) => stem(plainOf(word)));
  const called = [...new Set([...names, ...also.keys()])].map((name) => ({
    name,
    words: new Set(read(name)),
    calls: new Set([name, ...(also.get(name) ?? [])].map((text) => read(text).join(' '))),
  }));
  return (text) => {
    const asked = read(text);
    const exact = called.filter(({ calls }) => calls.has(asked.join(' ')));
    const partly = called.filter(({ words }) => asked.length > 0 && asked.every((word) => words.has(word)));
    return new Set((exact.length > 0 ? exact : partly).map(({ name }) => name));
  };
}
