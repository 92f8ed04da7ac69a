import MiniSearch, { type Query } from 'minisearch';
import type { Municipality } from '../catalogue.ts';
import { forEachOf, type Pieces } from './pieces.ts';
import { buildTypoSearch } from './typos.ts';
import { plainOf, queryWords, wordsOf } from './words.ts';

/** Finds municipalities by name; ARS, best first: exact name, then beginning of the name, then the larger ones. */
export type MunicipalitySearch = (query: string) => readonly string[];

/** Kinds of municipalities, which people write before or behind the name. Some names begin so: `Markt Schwaben`. */
const kinds = new Set(
  'stadt landeshauptstadt hauptstadt bundeshauptstadt bundesstadt hansestadt universitatsstadt kreisstadt klingenstadt lutherstadt wissenschaftsstadt gemeinde markt marktgemeinde ortsgemeinde flecken kreisfreie freie grosse und city town municipality of'.split(
    ' ',
  ),
);
/** Words within names that people leave out or write otherwise: `Frankfurt/Main`, `Halle an der Saale`. */
const between = new Set('am an in im bei beim ob der dem den die vor auf zu zur zum der'.split(' '));
/** Abbreviations and English names → how the list of municipalities has it. */
const sameAs: Readonly<Record<string, string>> = {
  st: 'sankt',
  skt: 'sankt',
  ffm: 'frankfurt',
  munich: 'munchen',
  cologne: 'koln',
  nuremberg: 'nurnberg',
  hanover: 'hannover',
  brunswick: 'braunschweig',
  hamelin: 'hameln',
};

const normal = (word: string): string => sameAs[word] ?? word;
const namesWords = (text: string): readonly string[] => wordsOf(text).map((word) => normal(plainOf(word)));
const without = (words: readonly string[], small: ReadonlySet<string>): readonly string[] => {
  const left = words.filter((word) => !small.has(word));
  return left.length > 0 ? left : words;
};

/**
 * An index over the names of municipalities: umlauts in any spelling, beginnings, abbreviations, typing errors. A query is
 * tried as it stands, then without the kind of municipality, then without small words; each with typing errors where it
 * finds nothing. Built in pieces.
 */
export function* buildMunicipalitySearch(municipalities: readonly Municipality[]): Pieces<MunicipalitySearch> {
  const byArs = new Map<string, { readonly name: string; readonly bare: string; readonly population: number }>();
  const index = new MiniSearch<Municipality>({
    idField: 'ars',
    fields: ['name'],
    tokenize: (text) => [...namesWords(text)],
    processTerm: (word) => word,
  });
  const known = new Set<string>();
  yield* forEachOf(municipalities, 200, (municipality) => {
    const { ars, name, population } = municipality;
    index.add(municipality);
    const words = namesWords(name);
    for (const word of words) known.add(word);
    byArs.set(ars, { name: words.join(' '), bare: without(words, between).join(' '), population: population ?? 0 });
  });
  const typos = yield* buildTypoSearch(known);
  const asIs = { tokenize: (text: string) => [text], processTerm: (term: string) => term };
  const begins = (word: string): Query => ({ queries: [word], ...asIs, prefix: true });
  const nearly = (word: string): Query => ({
    combineWith: 'OR',
    queries: [begins(word), ...(known.has(word) ? [] : typos(word)).map((typo): Query => ({ queries: [typo.word], ...asIs }))],
  });

  return (query) => {
    const words = queryWords(query).map(normal);
    if (words.length === 0) return [];
    const ways = [words, without(words, kinds), without(without(words, kinds), between)];
    const tries = [begins, nearly].flatMap((of) => ways.map((way) => ({ way, queries: way.map(of) })));
    for (const { way, queries } of tries) {
      const found = index.search({ combineWith: 'AND', queries });
      if (found.length === 0) continue;
      const [asked, bare] = [way.join(' '), without(way, between).join(' ')];
      return found
        .map(({ id, score }) => {
          const entry = byArs.get(id as string) ?? { name: '', bare: '', population: 0 };
          const rank = entry.name === asked ? 0 : entry.bare === bare ? 1 : entry.name.startsWith(asked) ? 2 : 3;
          return { ars: id as string, rank, score, population: entry.population };
        })
        .toSorted((a, b) => a.rank - b.rank || b.population - a.population || b.score - a.score)
        .map(({ ars }) => ars);
    }
    return [];
  };
}
