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

/**
 * Splits a compound into words of a vocabulary (stems), longest first part first: `hundesteueranmeldung` into `hundesteu`
 * and `anmeld`. Null where it does not come apart.
 */
export function splitCompound(word: string, knows: (stem: string) => boolean, depth = 3): readonly string[] | null {
  if (depth === 0) return null;
  for (let cut = word.length - 3; cut >= 3; cut -= 1) {
    const tail = stem(word.slice(cut));
    const rest = word.slice(0, cut);
    for (const joint of joints) {
      if (!rest.endsWith(joint)) continue;
      const head = rest.slice(0, rest.length - joint.length);
      if (head.length < 3) continue;
      if (!knows(stem(head))) continue;
      if (knows(tail)) return [stem(head), tail];
      const further = splitCompound(word.slice(cut), knows, depth - 1);
      if (further) return [stem(head), ...further];
    }
  }
  return null;
}
