import { LRUCache } from 'lru-cache';
import { newStemmer } from 'snowball-stemmers';

const german = newStemmer('german');
const stems = new LRUCache<string, string>({ max: 50_000 });

const wide: Record<string, string> = { ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss' };
const narrow: Record<string, string> = { ä: 'a', ö: 'o', ü: 'u', ß: 'ss' };

const without = (text: string, table: Record<string, string>): string =>
  text
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[äöüß]/g, (letter) => table[letter] ?? letter)
    .normalize('NFD')
    .replaceAll(/\p{Mn}/gu, '');

/** Lower case, umlauts as two letters, other accents gone: `Köln` and `koeln` are equal. */
export const fold = (text: string): string => without(text, wide);

/** Words of a text as they stand: letters and digits, the rest separates. */
export const wordsOf = (text: string): readonly string[] => text.normalize('NFC').match(/[\p{L}\p{N}]+/gu) ?? [];

/** Text by which names are compared for equality: folded words, one space between. */
export const comparable = (text: string): string => wordsOf(text).map(fold).join(' ');

/** Stem of a folded word (Snowball, German). */
export function stem(word: string): string {
  let found = stems.get(word);
  if (found === undefined) {
    found = german.stem(word);
    stems.set(word, found);
  }
  return found;
}

/**
 * Terms under which a word is indexed and looked for: its stem, and for an umlaut also the stem with the plain vowel,
 * so that `Pässe` meets `Pass` and a keyboard without umlauts finds both spellings.
 */
export function termsOf(word: string): readonly string[] {
  const folded = stem(fold(word));
  const plain = stem(without(word, narrow));
  return folded === plain ? [folded] : [folded, plain];
}

/** Small words that say nothing about a service. */
const silent = new Set(
  'der die das den dem des ein eine einen einer eines und oder für fuer von vom zu zum zur im in am an auf bei mit nach ich mein meine meinen'.split(
    ' ',
  ),
);

/** The words of a query that carry meaning; all of them where none does. */
export function meaningful(query: string): readonly string[] {
  const words = wordsOf(query).slice(0, 12);
  const loud = words.filter((word) => !silent.has(word.toLowerCase()));
  return loud.length > 0 ? loud : words;
}

/** Letters that German puts between the parts of a compound. */
const joints = ['', 's', 'es', 'n', 'en', 'er', 'e'];

/** Longest word that is taken apart. Longer ones are hardly words, and the work grows with them. */
export const longestWord = 40;

/**
 * Splits a compound into two to four words of a vocabulary (stems), longest first part first: `hundesteueranmeldung` into
 * `hundesteu` and `anmeld`. Null where it does not come apart, or is longer than `longestWord`.
 */
export function splitCompound(word: string, knows: (stem: string) => boolean, depth = 3): readonly string[] | null {
  if (word.length > longestWord) return null;
  /** What is known of each rest and depth: a rest is reached by several ways and taken apart once. */
  const known = new Map<string, readonly string[] | null>();
  const split = (from: number, left: number): readonly string[] | null => {
    const name = `${from} ${left}`;
    let parts = known.get(name);
    if (parts === undefined) known.set(name, (parts = left === 0 ? null : cut(from, left)));
    return parts;
  };
  function cut(from: number, left: number): readonly string[] | null {
    for (let at = word.length - 3; at >= from + 3; at -= 1) {
      const rest = word.slice(from, at);
      for (const joint of joints) {
        if (!rest.endsWith(joint)) continue;
        const head = rest.slice(0, rest.length - joint.length);
        if (head.length < 3 || !knows(stem(head))) continue;
        const tail = stem(word.slice(at));
        if (knows(tail)) return [stem(head), tail];
        const further = split(at, left - 1);
        if (further) return [stem(head), ...further];
      }
    }
    return null;
  }
  return split(0, depth);
}
