import { isObjectKey, type ServiceKey } from '#contract';
import type { CatalogueEntry, Offer } from './catalogue.ts';
import type { OfferShelf } from './memory.ts';
import type { EverydayWords } from './search/everyday.ts';
import { mapEach, type Pieces } from './search/pieces.ts';
import type { SearchablePhrase, SearchableService } from './search/services.ts';
import { comparable } from './search/words.ts';

/** How far a name is to be trusted, by where it comes from. */
const trust = { own: 1, everyday: 1, city: 0.95, keyword: 0.75, short: 0.7, variant: 0.9 } as const;

/** What the search is to know of each service: its names, what people and cities call it, and what cities say about it; in pieces. */
export function searchablesOf(
  services: ReadonlyMap<string, CatalogueEntry>,
  offers: OfferShelf,
  synonyms: ReadonlyMap<string, readonly string[]>,
  everyday: EverydayWords,
  answering: (key: ServiceKey) => readonly Offer[],
): Pieces<SearchableService[]> {
  return mapEach(services.values(), 200, (entry) => {
    const { key, name } = entry;
    const standing = offers.byKey.get(key) ?? [];
    const own = isObjectKey(key) || entry.summary !== null ? trust.own : trust.variant;
    return {
      key,
      phrases: [
        ...Object.values(name).map((text) => ({ text, trust: own })),
        ...[...(synonyms.get(key) ?? []), ...(everyday.services.get(key) ?? [])].map((text) => ({ text, trust: trust.everyday })),
        ...cityWords(standing, ({ name }) => Object.values(name), trust.city, 0.02),
        ...cityWords(standing, ({ keywords = [] }) => keywords, trust.keyword, 0.07),
        ...shortNames(entry).map((text) => ({ text, trust: trust.short })),
      ],
      topics: everyday.topics.get(key)?.join(' ') ?? '',
      summary: [entry.summary?.de, entry.summary?.en, ...new Set(standing.map(({ record }) => record.summary?.de))].join(' '),
      cities: new Set(answering(key).map(({ ars }) => ars)).size,
    };
  });
}

/**
 * What cities call a service, each once for all of them. What one city says is trusted in part; what many say, with each doubling
 * of their number more, up to a name of its own.
 */
function cityWords(
  offers: readonly Offer[],
  said: (record: Offer['record']) => readonly string[],
  trusted: number,
  more: number,
): SearchablePhrase[] {
  const words = offers.flatMap(({ ars, record }) => said(record).map((text) => ({ ars, text })));
  return [...Map.groupBy(words, ({ text }) => comparable(text)).values()].map((same) => ({
    text: (same[0] as { readonly text: string }).text,
    trust: Math.min(1, trusted + more * Math.log2(new Set(same.map(({ ars }) => ars)).size)),
  }));
}

/** Short names that the legal basis gives, `BAföG` of `Bundesausbildungsförderungsgesetz (BAföG)`, where they name the benefit too. */
function shortNames({ key, legalBasis }: CatalogueEntry): string[] {
  if (!isObjectKey(key)) return [];
  return legalBasis.flatMap((law) => /^[^§(]*\(([A-ZÄÖÜ][\p{L}-]{2,15})\)/u.exec(law)?.[1] ?? []);
}
