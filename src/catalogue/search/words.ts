import { LRUCache } from 'lru-cache';
import { newStemmer } from 'snowball-stemmers';

const german = newStemmer('german');
const stems = new LRUCache<string, string>({ max: 50_000 });

/** Longest query that is looked at; what stands behind it is not read. */
export const longestQuery = 200;
/** Longest name of a place that is looked at. */
const longestName = 100;
/** Longest word that is looked at. */
const longestWord = 40;
/** Most words of a query that are looked at, and of a sentence: many of its words say nothing. */
const mostWords = 16;
const mostOfSentence = 36;

const wide: Record<string, string> = { ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss' };

/** Umlauts and ß of a text in lower case as two letters. */
export const spelledOut = (text: string): string => text.replaceAll(/[äöüß]/g, (letter) => wide[letter] ?? letter);

const withoutAccents = (text: string): string => text.normalize('NFD').replaceAll(/\p{Mn}/gu, '');

/** Lower case, umlauts as two letters, other accents gone: `Köln` and `koeln` are equal. */
export const fold = (text: string): string => withoutAccents(spelledOut(text.normalize('NFC').toLowerCase()));

/** Words of a text as they stand: letters and digits, the rest separates. */
export const wordsOf = (text: string): readonly string[] => text.normalize('NFC').match(/[\p{L}\p{N}]+/gu) ?? [];

/** Text by which names are compared for equality: folded words, one space between. */
export const comparable = (text: string): string => wordsOf(text).map(fold).join(' ');

/**
 * A word in the one spelling under which it is indexed and looked for: `Pässe`, `Paesse` and `passe` are equal. `ue` and
 * its like are one letter unless they belong to the sound before them (`neue`, `bauen`, `quelle`).
 */
export const plainOf = (word: string): string =>
  withoutAccents(word.toLowerCase())
    .replaceAll('ß', 'ss')
    .replaceAll(/(?<![aeq])([aou])e/g, '$1')
    .slice(0, longestWord);

/** Words of a short query, a name of a place, in their one spelling, as many as are looked at. */
export const queryWords = (query: string): readonly string[] => wordsOf(query.slice(0, longestName)).slice(0, mostWords).map(plainOf);

/** What parts a sentence: marks, and words that begin a clause. */
const marks = /[,;.!?:\n–—]+(?=\s|$)/u;
const clauseStarts = new Set('und aber oder denn weil dass das ob wenn damit obwohl and but or because that if so'.split(' '));

/** Words of a query by the clauses of its sentence: marks part them, and the words that begin a clause. */
export function queryClauses(query: string): readonly (readonly string[])[] {
  const clauses: string[][] = [];
  let count = 0;
  for (const part of query.slice(0, longestQuery).split(marks)) {
    let clause: string[] = [];
    clauses.push(clause);
    for (const word of wordsOf(part).map(plainOf)) {
      if (count === mostOfSentence) break;
      count += 1;
      if (clauseStarts.has(word)) clauses.push((clause = []));
      clause.push(word);
    }
  }
  return clauses.filter((clause) => clause.length > 0);
}

/** Stem of a word in its one spelling (Snowball, German). */
export function stem(word: string): string {
  let found = stems.get(word);
  if (found === undefined) {
    found = german.stem(word);
    stems.set(word, found);
  }
  return found;
}

/** A word of a text in its one spelling, and its stem. */
interface Spelling {
  readonly form: string;
  readonly root: string;
}

/** Texts of the catalogue are read again with every import; most are the same as before. */
const spellings = new LRUCache<string, readonly Spelling[]>({ max: 30_000 });

/** Words of a text, in their order. */
export function spellingsOf(text: string): readonly Spelling[] {
  let found = spellings.get(text);
  if (found === undefined) {
    found = wordsOf(text).map((word) => {
      const form = plainOf(word);
      return { form, root: stem(form) };
    });
    spellings.set(text, found);
  }
  return found;
}
