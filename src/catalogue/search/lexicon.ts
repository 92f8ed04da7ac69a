import { edgeOf, splitCompound } from './compounds.ts';
import type { WordSense } from './everyday.ts';
import { forEachOf, mapEach, type Pieces } from './pieces.ts';
import { buildTypoSearch, type Meter } from './typos.ts';
import type { VerbForms } from './verbs.ts';
import { spellingsOf, stem } from './words.ts';

/** A weighted bag of terms: a word, and less the parts it is made of. */
export type Terms = readonly (readonly [term: number, weight: number])[];

/** One way to understand a word of a query, and how sure that is (0 to 1). */
export interface Reading {
  readonly terms: Terms;
  readonly likelihood: number;
}

/** A word of a query: what it weighs and the ways to understand it. None: nobody knows the word. */
export interface QueryWord {
  readonly weight: number;
  readonly readings: readonly Reading[];
}

/** The words that the catalogue and the people use. */
export interface Lexicon {
  /** Terms of the texts it was made of, in their order. */
  readonly bags: readonly Terms[];
  /** Terms of a text of the catalogue; each term once. */
  termsOf(text: string): Terms;
  /** Understands a word in its one spelling. `begun`: more letters may follow. */
  understand(word: string, begun: boolean): QueryWord;
  /** Whether it is a word of the catalogue as it stands. */
  knows(word: string): boolean;
  /** Whether it is the root of one (see `VerbForms`). */
  knowsRoot(root: string): boolean;
}

/** Share of a compound's parts in it: `hundesteuer` is `hundesteuer`, and half of it `hund` and `steuer`. */
const partShare = 0.5;
/** How sure it is that another form of a verb, or the noun made of it, is meant. */
const familyLikelihood = 0.85;
/** Most words that the beginning of one is taken for. */
const mostCompletions = 24;

/** Makes a lexicon of texts, each with the number of the service (from 0) that it stands at; in pieces. */
export function* buildLexicon(
  texts: readonly { readonly text: string; readonly service: number }[],
  sense: WordSense,
  verbs: VerbForms,
  meter: Meter,
): Pieces<Lexicon> {
  const ids = new Map<string, number>();
  const forms = new Set<string>();
  const idOf = (term: string): number => {
    const id = ids.get(term) ?? ids.size;
    ids.set(term, id);
    return id;
  };
  /** Words of a text: as they stand in their one spelling, and their terms. */
  const read = (text: string): [form: string, term: number][] =>
    spellingsOf(text).map(({ form, root }) => {
      forms.add(form);
      return [form, idOf(root)];
    });
  const tokens = yield* mapEach(texts, 100, ({ text }) => read(text));
  for (const word of sense.meant) read(word);
  const families = new Map<string, Set<number>>();
  yield* forEachOf(forms, 200, (form) => {
    const id = idOf(stem(form));
    for (const root of verbs.rootsOf(form)) families.set(root, (families.get(root) ?? new Set()).add(id));
  });
  const familyOf = (word: string): ReadonlySet<number> => new Set(verbs.rootsOf(word).flatMap((root) => [...(families.get(root) ?? [])]));
  /** Small words are no parts; an office or a form is one, but says nothing (`Gewerbeamt`). */
  const isPart = (part: string) => (forms.has(part) || ids.has(part)) && (part.length > 4 || part === 'amt' || !sense.isSilent(part));

  const partsByTerm = new Map<number, readonly number[]>();
  const termsOfParts = (parts: readonly string[]): readonly number[] =>
    parts.flatMap((part) => (sense.isSilent(part) ? [] : (ids.get(stem(part)) ?? ids.get(part) ?? [])));
  /** Parts of a compound, or what of it is known, and how sure that is. */
  const partsOf = (word: string): { readonly parts: readonly number[]; readonly likelihood: number } => {
    const whole = splitCompound(word, isPart);
    if (whole) return { parts: termsOfParts(whole), likelihood: 0.9 };
    const edge = edgeOf(word, isPart);
    return { parts: edge === null ? [] : termsOfParts([edge]), likelihood: 0.65 };
  };
  yield* forEachOf(forms, 200, (word) => {
    const id = idOf(stem(word));
    if (!partsByTerm.has(id)) partsByTerm.set(id, partsOf(word).parts);
  });

  // How telling a term is: one of a single service counts in full, one of all of them a quarter.
  const services = new Map<number, Set<number>>();
  yield* forEachOf(tokens, 500, (words, at) => {
    const { service } = texts[at] as (typeof texts)[number];
    for (const [, id] of words)
      for (const term of [id, ...(partsByTerm.get(id) ?? [])]) {
        const known = services.get(term);
        if (known) known.add(service);
        else services.set(term, new Set([service]));
      }
  });
  const all = Math.log(texts.reduce((most, { service }) => Math.max(most, service + 1), 2));
  const telling = new Map([...services].map(([term, at]) => [term, 1 - 0.75 * (Math.log(at.size) / all)]));
  const tellingOf = (term: number): number => telling.get(term) ?? 1;

  /** Parts of a word, weighted so that their squares sum up to `share` of the whole word's. */
  const spread = (parts: readonly number[], weight: number, share: number): [number, number][] => {
    const sum = parts.reduce((total, part) => total + tellingOf(part), 0);
    return parts.map((part) => [part, weight * Math.sqrt((share * tellingOf(part)) / sum)]);
  };
  const termsOfWord = (term: number, weight: number): Terms => [[term, weight], ...spread(partsByTerm.get(term) ?? [], weight, partShare)];
  const weightOf = (word: string, term: number): number => sense.weightOf(word) * tellingOf(term);

  /** Each term once, as heavy as where it is heaviest. */
  const bagOf = (words: readonly (readonly [form: string, term: number])[]): Terms => {
    const terms = new Map<number, number>();
    for (const [form, id] of words)
      for (const [term, weight] of termsOfWord(id, weightOf(form, id))) terms.set(term, Math.max(weight, terms.get(term) ?? 0));
    return [...terms];
  };

  const bags = yield* mapEach(tokens, 300, bagOf);
  const typos = yield* buildTypoSearch(forms, meter);
  const sortedForms = [...forms].toSorted();

  function completions(start: string): readonly string[] {
    const found: string[] = [];
    for (let at = firstFrom(sortedForms, start); found.length < mostCompletions; at += 1) {
      const form = sortedForms[at];
      if (!form?.startsWith(start)) break;
      if (form !== start) found.push(form);
    }
    return found;
  }

  return {
    knows: (word) => forms.has(word) || ids.has(stem(word)),
    knowsRoot: (root) => families.has(root),
    bags,
    termsOf: (text) =>
      bagOf(
        spellingsOf(text).flatMap(({ form, root }) => {
          const id = ids.get(root);
          return id === undefined ? [] : [[form, id] as const];
        }),
      ),
    understand(word, begun) {
      const own = ids.get(stem(word));
      const readings: Reading[] = [];
      const take = (term: number, weight: number, likelihood: number) => readings.push({ terms: termsOfWord(term, weight), likelihood });
      const weight = own === undefined ? sense.weightOf(word) : weightOf(word, own);
      if (own !== undefined) take(own, weight, 1);
      for (const meaning of sense.meanings(word)) {
        const id = ids.get(meaning);
        if (id !== undefined && id !== own) take(id, Math.max(weight, sense.weightOf(word) * tellingOf(id)), 0.9);
      }
      for (const other of sense.sameAction(word)) {
        const id = ids.get(other);
        if (id !== undefined && id !== own) take(id, weight, 0.8);
      }
      const family = familyOf(word);
      // A form that stands at few services tells no more than the common one.
      const telling = Math.min(...[...family].map(tellingOf));
      for (const id of family) if (id !== own) take(id, sense.weightOf(word) * telling, familyLikelihood);
      // Words that fit many services, and those of actions, are known to be right as they stand: they begin no other word.
      const exactOnly = sense.weightOf(word) < 1;
      if (own === undefined && family.size === 0 && !exactOnly) {
        const { parts, likelihood } = partsOf(word);
        if (parts.length > 0) readings.push({ terms: spread(parts, weight, 1), likelihood });
        for (const { word: form, distance } of typos(word)) {
          const id = ids.get(stem(form));
          if (id !== undefined && !sense.isSilent(form)) take(id, Math.max(weightOf(form, id), weight * 0.5), distance === 1 ? 0.85 : 0.7);
        }
      }
      if (word.length >= 3 && !exactOnly && (begun || own === undefined))
        for (const form of completions(word)) {
          const id = ids.get(stem(form));
          if (id !== undefined && id !== own)
            take(id, weightOf(form, id), (own === undefined ? 0.6 : 0.1) + 0.3 * (word.length / form.length));
        }
      return { weight: readings.length === 0 ? weight * 0.4 : weight, readings };
    },
  };
}

/** Index of the first of sorted texts that is not before `start`. */
function firstFrom(sorted: readonly string[], start: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
