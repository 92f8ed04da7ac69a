import MiniSearch from 'minisearch';
import type { Municipality } from '../catalogue.ts';
import { comparable, fold, wordsOf } from './words.ts';

/** Finds municipalities by name; ARS, best first: exact name, then beginning of the name, then the larger ones. */
export type MunicipalitySearch = (query: string) => readonly string[];

/** An index over the names of municipalities: umlauts in either spelling, beginnings, slight typing errors. */
export function createMunicipalitySearch(municipalities: readonly Municipality[]): MunicipalitySearch {
  const byArs = new Map<string, { readonly name: string; readonly population: number }>();
  const index = new MiniSearch<Municipality>({
    idField: 'ars',
    fields: ['name'],
    tokenize: (text) => [...wordsOf(text)],
    processTerm: (word) => fold(word),
  });
  index.addAll(municipalities);
  for (const { ars, name, population } of municipalities) byArs.set(ars, { name: comparable(name), population: population ?? 0 });

  return (query) => {
    const asked = comparable(query).slice(0, 100);
    if (asked === '') return [];
    const close = index.search(asked, { combineWith: 'AND', prefix: true });
    const found =
      close.length > 0
        ? close
        : index.search(asked, { combineWith: 'AND', prefix: true, fuzzy: (term) => (term.length > 3 ? 0.2 : false) });
    return found
      .map(({ id, score }) => {
        const { name, population } = byArs.get(id as string) ?? { name: '', population: 0 };
        return { ars: id as string, rank: name === asked ? 0 : name.startsWith(asked) ? 1 : 2, score, population };
      })
      .toSorted((a, b) => a.rank - b.rank || b.population - a.population || b.score - a.score)
      .map(({ ars }) => ars);
  };
}
