import MiniSearch, { type Query } from 'minisearch';
import { comparable, fold, meaningful, splitCompound, termsOf, wordsOf } from './words.ts';

/** One service as the search sees it. */
export interface SearchableService {
  readonly key: string;
  /** Names it is known by in its own catalogue, in every language. */
  readonly names: readonly string[];
  /** Names that people or cities use for it. */
  readonly aliases: readonly string[];
  readonly summary: string;
  /** True where some city offers it. */
  readonly offered: boolean;
}

/** Finds services by what people call them; keys, best first. */
export type ServiceSearch = (query: string) => readonly string[];

/** Shortest word that is looked for inside other words; shorter ones would be found everywhere. */
const shortestPart = 4;

/**
 * An index over the services. A query is tried as it stands first, then more loosely, and the first way that finds
 * anything answers:
 *
 * 1. every word, as stem, as beginning of a word, as part of a compound (`parkausweis` in `Bewohnerparkausweis`) or
 *    itself taken apart into known words;
 * 2. every word with slight typing errors;
 * 3. some word of the query, or some part of one.
 *
 * Within the answer, services called exactly like the query come first, then offered ones, then by relevance.
 */
export function createServiceSearch(services: readonly SearchableService[]): ServiceSearch {
  const byKey = new Map(services.map((service) => [service.key, service]));
  const exact = new Map<string, string[]>();
  const vocabulary = new Set<string>();
  const index = new MiniSearch<SearchableService>({
    idField: 'key',
    fields: ['names', 'aliases', 'summary'],
    extractField: (service, field) => {
      const value = service[field as keyof SearchableService];
      return Array.isArray(value) ? value.join(' · ') : String(value);
    },
    tokenize: (text) => [...wordsOf(text)],
    processTerm: (word) => [...termsOf(word)],
  });
  index.addAll(services);
  for (const service of services)
    for (const name of [...service.names, ...service.aliases]) {
      const keys = exact.get(comparable(name)) ?? [];
      exact.set(comparable(name), [...keys, service.key]);
      for (const word of wordsOf(name)) for (const term of termsOf(word)) vocabulary.add(term);
    }
  const terms = [...vocabulary];
  const knows = (term: string) => term.length >= 3 && vocabulary.has(term);

  const anyOf = (queries: Query[]): Query => ({ combineWith: 'OR', queries });
  const allOf = (queries: Query[]): Query => ({ combineWith: 'AND', queries });
  const asIs = { tokenize: (text: string) => [text], processTerm: (term: string) => term };

  function closely(word: string): Query {
    const own = termsOf(word);
    const forms = own.flatMap((term) => [{ queries: [term], ...asIs, prefix: term.length >= 3 }]);
    const parts = terms
      .filter((term) => own.some((part) => contains(term, part)))
      .map((term) => ({ queries: [term], ...asIs, boostTerm: () => 0.6 }));
    const split = own.some(knows) ? null : splitCompound(fold(word), knows);
    const apart = split ? [allOf(split.map((part) => ({ queries: [part], ...asIs })))] : [];
    return anyOf([...forms, ...parts, ...apart] as Query[]);
  }
  const loosely = (word: string): Query =>
    anyOf(
      termsOf(word).map((term) => ({ queries: [term], ...asIs, fuzzy: term.length >= 9 ? 2 : term.length >= 4 ? 1 : false })) as Query[],
    );

  const options = { boost: { names: 3, aliases: 2, summary: 0.5 } };

  return (query) => {
    const words = meaningful(query);
    if (words.length === 0) return [];
    const ways = [
      () => allOf(words.map(closely)),
      () => allOf(words.map((word) => anyOf([closely(word), loosely(word)]))),
      () => anyOf(words.flatMap((word) => [closely(word), ...(splitCompound(fold(word), knows) ?? []).map(closely)])),
    ];
    const called = new Set(exact.get(comparable(query)));
    for (const way of ways) {
      const found = index.search(way(), options);
      if (found.length === 0) continue;
      return found
        .map(({ id, score }) => ({
          key: id as string,
          score,
          rank: (called.has(id as string) ? 0 : 2) + (byKey.get(id as string)?.offered ? 0 : 1),
        }))
        .toSorted((a, b) => a.rank - b.rank || b.score - a.score || (a.key < b.key ? -1 : 1))
        .map(({ key }) => key);
    }
    return [];
  };
}

/** True where a term is a compound with the part at its end or, for a long part, anywhere. */
function contains(term: string, part: string): boolean {
  if (part.length < shortestPart || term.length <= part.length) return false;
  // Four letters before a short part, or `pass` would be found in the stem of `Anpassung`.
  return part.length >= 6 ? term.includes(part) : term.endsWith(part) && term.length >= part.length + 4;
}
