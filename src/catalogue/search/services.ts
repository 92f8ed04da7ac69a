import { isLeikaKey } from '#contract';
import { joints } from './compounds.ts';
import { noEverydayWords, senseOf, type EverydayWords, type WordSense } from './everyday.ts';
import { buildLexicon, type Lexicon, type QueryWord, type Terms } from './lexicon.ts';
import { atOnce, forEachOf, mapEach, type Pieces } from './pieces.ts';
import type { Meter } from './typos.ts';
import { verbForms } from './verbs.ts';
import { queryClauses, spellingsOf } from './words.ts';

/** A name of a service, or something people call it, and how far that is to be trusted (0 to 1). */
export interface SearchablePhrase {
  readonly text: string;
  readonly trust: number;
}

/** One service as the search sees it. */
export interface SearchableService {
  readonly key: string;
  readonly phrases: readonly SearchablePhrase[];
  /** Words that go with it and are no name of it. */
  readonly topics?: string;
  /** Texts about it, which count little. */
  readonly summary: string;
  /** How many cities have an offer that answers for this key. */
  readonly cities: number;
}

/** A service that was found: one hit for an object of LeiKa and all its actions. */
export interface Hit {
  /** Keys of the object that the catalogue holds, the one that fits the words best first. */
  readonly keys: readonly string[];
  readonly score: number;
}

/** Finds services by what people call them. */
export interface ServiceSearch {
  /** Hits, best first. */
  find(query: string): readonly Hit[];
  /** How well texts answer a query, 0 to 1: the query is understood once, and each text looked at once. */
  likenessTo(query: string): (text: string) => number;
  /** Work that all queries so far have made (see `Meter`). */
  steps(): number;
}

/** Work in one of the indexes after which a query is answered by what has been found: its first words say what it is about. */
const mostSteps = 15_000;

/** Where fewer than this share of a query is answered, it is not. */
const leastScore = 0.25;
/** Hits below this share of the best one's score are left out. */
const leastShare = 0.42;

/** Likeness of a phrase that is the query, word by word: what a city offers does not come before it. */
const exactly = 1.6;

/**
 * What all words that go with an object count beside its best phrase. In a sentence that uses several of them they decide: no phrase
 * has them all.
 */
const pooledShare = 1.4;
/** Share of the length by which objects that many words go with are held back, or they would stand everywhere. */
const heldBack = 0.07;
/** What a part of a sentence counts that does not say what is wanted, where another one does. */
const narrative = 0.6;
/** Factor for objects of which nobody has written what people ask about: it is rarely what is meant. */
const rarelyAsked = 0.88;
/** Factor for what a city offers, and for each doubling of the number of cities. */
const offeredBy = { one: 1.12, doubling: 0.02 };

/** The hits that are near enough to the best of them to be shown. */
export const nearBest = <T extends { readonly score: number }>(hits: readonly T[]): readonly T[] =>
  hits.filter(({ score }) => score >= leastShare * (hits[0]?.score ?? 0));

/** Digits of a LeiKa key that name the object; other keys stand for themselves. */
const objectOf = (key: string): string => (isLeikaKey(key) ? key.slice(0, 8) : key);

/**
 * An index over the services.
 *
 * Every phrase is a bag of terms (see `Lexicon`), as is the query; how alike two bags are is the cosine between them. Of a
 * service the phrase most like the query counts, times its trust; then a factor for what cities offer. Keys of one object are
 * one hit. docs/reference/search.md tells the whole of it.
 */
export const createServiceSearch = (services: readonly SearchableService[], everyday: EverydayWords = noEverydayWords): ServiceSearch =>
  atOnce(buildServiceSearch(services, everyday));

/** The same in pieces: thousands of services take longer than others should wait. */
export function* buildServiceSearch(services: readonly SearchableService[], everyday: EverydayWords): Pieces<ServiceSearch> {
  const sense = senseOf(everyday);
  const verbs = verbForms(everyday.verbs);
  const meter: Meter = { steps: 0 };
  yield;
  const objects = [...Map.groupBy(services, ({ key }) => objectOf(key)).values()];
  const phrases: { text: string; trust: number; object: number; entry: SearchableService }[] = [];
  yield* forEachOf(objects, 200, (entries, object) => {
    for (const entry of entries) for (const { text, trust } of entry.phrases) phrases.push({ text, trust, object, entry });
  });
  const topics = objects.flatMap((entries, object) =>
    entries.flatMap(({ topics }) => (topics ? [{ text: topics, trust: 1, object }] : [])),
  );
  const lexicon = yield* buildLexicon(
    [...phrases, ...topics].map(({ text, object }) => ({ text, service: object })),
    sense,
    verbs,
    meter,
  );
  const index = yield* indexOf(lexicon.bags.slice(0, phrases.length), meter);
  const pooled = yield* indexOf(yield* bagsOf([...phrases, ...topics], lexicon.bags, objects.length), meter);
  const summaries = yield* indexOf(
    yield* mapEach(objects, 100, (entries) => lexicon.termsOf(entries.map(({ summary }) => summary).join(' '))),
    meter,
  );
  const offered = objects.map((entries) => {
    const cities = Math.max(...entries.map((entry) => entry.cities));
    const asked = entries.some((entry) => entry.topics) ? 1 : rarelyAsked;
    return asked * (cities === 0 ? 1 : offeredBy.one + offeredBy.doubling * Math.log2(cities));
  });

  /** The words that count as they stand, in any order: their stems would make `rent` and `Rente` one. */
  const signatureOf = (words: readonly string[]): string => loudOf(words, sense).toSorted().join(' ');
  const signatures = yield* mapEach(phrases, 500, ({ text }) => signatureOf(spellingsOf(text).map(({ form }) => form)));

  function find(query: string): readonly Hit[] {
    const clauses = queryClauses(query).map((clause) => verbs.rejoin(clause, (root) => lexicon.knowsRoot(root)));
    const words = clauses.flat();
    const asked = understand(tokensOf(clauses, sense), lexicon, sense);
    const best = new Map<number, number>();
    const byEntry = new Map<SearchableService, number>();
    for (const { way, reading } of asked) {
      const signature = signatureOf(way);
      for (const [phrase, likeness] of index.alike(reading)) {
        const { trust, object, entry } = phrases[phrase] as (typeof phrases)[number];
        const score = trust * (signatures[phrase] === signature ? exactly : likeness);
        if (score > (best.get(object) ?? 0)) best.set(object, score);
        if (score > (byEntry.get(entry) ?? 0)) byEntry.set(entry, score);
      }
    }
    for (const { reading } of asked.slice(0, 1))
      for (const [object, sum] of pooled.dots(reading)) best.set(object, (best.get(object) ?? 0) + pooledShare * sum);
    for (const { reading } of asked.slice(0, 1))
      for (const [object, share] of summaries.covered(reading)) {
        const score = Math.max(best.get(object) ?? 0, 0.3 * share) + 0.03 * share;
        best.set(object, score);
      }
    const actions = new Set(words.flatMap((word) => sense.actionsOf(word)));
    return [...best]
      .filter(([, score]) => score >= leastScore)
      .map(([object, score]) => ({ object, score: score * (offered[object] as number) }))
      .toSorted((a, b) => b.score - a.score || a.object - b.object)
      .map(({ object, score }) => ({ keys: leading(objects[object] as SearchableService[], byEntry, actions, sense), score }));
  }

  return {
    find,
    steps: () => meter.steps,
    likenessTo(query) {
      const asked = understand(tokensOf(queryClauses(query), sense), lexicon, sense);
      const known = new Map<string, number>();
      return (text) => {
        let found = known.get(text);
        if (found === undefined) {
          const alone = atOnce(indexOf([lexicon.termsOf(text)], meter));
          found = Math.max(0, ...asked.flatMap(({ reading }) => alone.alike(reading)[0]?.[1] ?? 0));
          known.set(text, found);
        }
        return found;
      };
    },
  };
}

/**
 * Keys of one object: first the variant whose action the words name, then the one whose names fit them, then the one that most
 * cities answer for, then the object itself. What an object is called, its variants are called too.
 */
function leading(
  entries: readonly SearchableService[],
  scores: ReadonlyMap<SearchableService, number>,
  actions: ReadonlySet<string>,
  sense: WordSense,
): readonly string[] {
  // To give notice of an end or to replace what was lost is not meant by who does not say so; to apply is.
  const unasked = ({ key }: SearchableService) => isLeikaKey(key) && sense.mustBeNamed(key.slice(8, 11)) && !actions.has(key.slice(8, 11));
  const object = entries.find(isObject);
  const common = (object && scores.get(object)) ?? 0;
  const rank = (entry: SearchableService): number =>
    Math.max(common, scores.get(entry) ?? 0) +
    (isLeikaKey(entry.key) && actions.has(entry.key.slice(8, 11)) ? (entry.key.endsWith('000') ? 2 : 1.8) : 0) +
    (entry.cities > 0 && !unasked(entry) ? 0.5 + 0.1 * Math.log2(entry.cities) : 0) +
    (entry === object ? 0.05 : 0);
  return entries
    .map((entry) => ({ key: entry.key, rank: rank(entry) }))
    .toSorted((a, b) => b.rank - a.rank || (a.key < b.key ? -1 : 1))
    .map(({ key }) => key);
}

const isObject = ({ key }: SearchableService): boolean => isLeikaKey(key) && key.endsWith('000000');

/** Words that are not silent; all of them where none is. */
function loudOf(words: readonly string[], sense: WordSense): readonly string[] {
  const left = words.filter((word) => !sense.isSilent(word));
  return left.length > 0 ? left : words;
}

/** A known word that two neighbours make together: `personal ausweis`, `zweitwohnung steuer`, `einsicht (ins) grundbuch`. */
function compoundOf(one: string, other: string, lexicon: Lexicon): string | null {
  if (one.length < 2 || other.length < 2 || one.length + other.length < 6) return null;
  const turned = one.length > 4 && other.length > 4 ? joints.map((joint) => other + joint + one) : [];
  return [...joints.map((joint) => one + joint + other), ...turned].find((word) => lexicon.knows(word)) ?? null;
}

/** Most words of a query that count. */
const mostLoud = 16;

/** A word of a query, and how much it counts by where it stands (0 to 1). */
interface Token {
  readonly word: string;
  readonly emphasis: number;
}

/**
 * Words of the clauses of a query. In a sentence that says what has happened and what is wanted, the latter counts more: `ich bin
 * umgezogen und muss meinen Hund anmelden`.
 */
function tokensOf(clauses: readonly (readonly string[])[], sense: WordSense): readonly Token[] {
  const telling = (clause: readonly string[]) => clause.some((word) => sense.weightOf(word) === 1);
  const wishes = clauses.map((clause) => clause.some((word) => sense.isWish(word)) && telling(clause));
  return clauses.flatMap((clause, at) => {
    const emphasis = wishes.includes(true) && !wishes[at] ? narrative : 1;
    return clause.map((word) => ({ word, emphasis }));
  });
}

/** The words of a query that count, as they stand, and with neighbours put together where that makes a known word. */
function understand(
  tokens: readonly Token[],
  lexicon: Lexicon,
  sense: WordSense,
): readonly { readonly way: readonly string[]; readonly reading: readonly QueryWord[] }[] {
  const loud = (list: readonly Token[]) => {
    const left = list.filter(({ word }) => !sense.isSilent(word));
    return (left.length > 0 ? left : list).slice(0, mostLoud);
  };
  const ways = [tokens];
  for (const list of [tokens, loud(tokens)]) {
    const together: Token[] = [];
    for (let at = 0; at < list.length; at += 1) {
      const one = list[at] as Token;
      const pair = compoundOf(one.word, list[at + 1]?.word ?? '', lexicon);
      together.push(pair === null ? one : { word: pair, emphasis: Math.max(one.emphasis, list[at + 1]?.emphasis ?? 0) });
      if (pair !== null) at += 1;
    }
    if (together.length < list.length) ways.push(together);
  }
  return ways.map((way) => {
    const list = loud(way);
    const reading = list.map(({ word, emphasis }, at) => scaled(lexicon.understand(word, at === list.length - 1), emphasis));
    return { way: way.map(({ word }) => word), reading };
  });
}

const scaled = ({ weight, readings }: QueryWord, factor: number): QueryWord => ({
  weight: weight * factor,
  readings: readings.map(({ terms, likelihood }) => ({
    terms: terms.map(([term, found]) => [term, found * factor] as const),
    likelihood,
  })),
});

/** Of each object all words that it is called by, each as heavy as where it is heaviest. */
function* bagsOf(
  phrases: readonly { readonly object: number; readonly trust: number }[],
  bags: readonly Terms[],
  many: number,
): Pieces<readonly Terms[]> {
  const pools = Array.from({ length: many }, () => new Map<number, number>());
  yield* forEachOf(phrases, 500, ({ object, trust }, at) => {
    const pool = pools[object] as Map<number, number>;
    for (const [term, weight] of bags[at] as Terms) pool.set(term, Math.max(pool.get(term) ?? 0, weight * trust));
  });
  return pools.map((pool) => [...pool]);
}

interface TermIndex {
  /** Numbers of the bags that share a term with the words, and their likeness (cosine). */
  alike(words: readonly QueryWord[]): readonly (readonly [number, number])[];
  /** As `alike`, but long bags are not less alike than short ones. */
  dots(words: readonly QueryWord[]): readonly (readonly [number, number])[];
  /** Numbers of the bags that share a term with the words, and the share of the words they have. */
  covered(words: readonly QueryWord[]): readonly (readonly [number, number])[];
}

/** Length of a word: of its heaviest likely reading, since a reading may weigh more than the word it stands for. */
const lengthOf = ({ weight, readings }: QueryWord): number =>
  Math.max(weight, ...readings.map(({ terms, likelihood }) => (likelihood < 0.85 ? 0 : Math.hypot(...terms.map((term) => term[1])))));

/** Where which term stands. */
function* indexOf(bags: readonly Terms[], meter: Meter): Pieces<TermIndex> {
  const lengths = new Float32Array(bags.length);
  const collected = new Map<number, number[]>();
  yield* forEachOf(bags, 500, (terms, bag) => {
    lengths[bag] = Math.hypot(...terms.map(([, weight]) => weight));
    for (const [term, weight] of terms) {
      const list = collected.get(term) ?? [];
      if (list.length === 0) collected.set(term, list);
      list.push(bag, weight);
    }
  });
  const postings = new Map<number, Float32Array>();
  yield* forEachOf(collected, 1000, ([term, list]) => void postings.set(term, Float32Array.from(list)));
  const sums = new Float64Array(bags.length);
  const meanLength = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, bags.length);

  /** Per bag the sum over the words of their best reading in it. */
  function total(words: readonly QueryWord[], of: (word: QueryWord, weight: number, found: number) => number): Map<number, number> {
    const totals = new Map<number, number>();
    const until = meter.steps + mostSteps;
    for (const word of words) {
      const best = new Map<number, number>();
      for (const { terms, likelihood } of word.readings) {
        const touched: number[] = [];
        for (const [term, weight] of terms) {
          const list = postings.get(term);
          if (!list || meter.steps >= until) continue;
          meter.steps += list.length / 2;
          for (let at = 0; at < list.length; at += 2) {
            const bag = list[at] as number;
            if (sums[bag] === 0) touched.push(bag);
            sums[bag] = (sums[bag] as number) + of(word, weight, list[at + 1] as number);
          }
        }
        for (const bag of touched) {
          const value = likelihood * (sums[bag] as number);
          if (value > (best.get(bag) ?? 0)) best.set(bag, value);
          sums[bag] = 0;
        }
      }
      for (const [bag, value] of best) totals.set(bag, (totals.get(bag) ?? 0) + value);
    }
    return totals;
  }

  return {
    alike(words) {
      const length = Math.hypot(...words.map(lengthOf));
      return [...total(words, (_, weight, found) => weight * found)].map(([bag, dot]) => [
        bag,
        Math.min(1, dot / (length * (lengths[bag] as number))),
      ]);
    },
    dots(words) {
      const length = Math.hypot(...words.map(lengthOf));
      return [...total(words, (_, weight, found) => weight * found)].map(([bag, dot]) => {
        const held = 1 + heldBack * ((lengths[bag] as number) / meanLength - 1);
        return [bag, dot / (length * held)];
      });
    },
    covered(words) {
      const whole = words.reduce((sum, { weight }) => sum + weight, 0);
      return [...total(words, (word, weight) => Math.min(word.weight, weight))].map(([bag, sum]) => [bag, Math.min(1, sum / whole)]);
    },
  };
}
