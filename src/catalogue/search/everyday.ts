import { verbForms } from './verbs.ts';
import { plainOf, stem } from './words.ts';

/** What people say and what it means in the catalogue (reference/everyday.yaml). */
export interface EverydayWords {
  /** Words of a question that say nothing about the service. */
  readonly silent: readonly string[];
  /** Words that fit many services and count little. */
  readonly weak: readonly string[];
  /** Words of every conversation, which tell less than their rarity in the catalogue makes believe; a verb stands for its forms. */
  readonly common: readonly string[];
  /** Silent words that stand in the part of a sentence that says what is wanted. */
  readonly wishes: readonly string[];
  /** Infinitive of a verb that changes its vowel → its other forms, and nouns made of it. */
  readonly verbs: ReadonlyMap<string, readonly string[]>;
  /** LeiKa's number of an action → words for it. */
  readonly actions: ReadonlyMap<string, readonly string[]>;
  /** A word of the catalogue → words that mean the same. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  /** LeiKa key → what people say. */
  readonly services: ReadonlyMap<string, readonly string[]>;
  /** Object of LeiKa → words that go with what people want there. */
  readonly topics: ReadonlyMap<string, readonly string[]>;
  /** Life situation → what else it is called. */
  readonly situations: ReadonlyMap<string, readonly string[]>;
}

/** Where nothing is known of what people say. */
export const noEverydayWords: EverydayWords = {
  silent: [],
  weak: [],
  common: [],
  wishes: [],
  verbs: new Map(),
  actions: new Map(),
  words: new Map(),
  services: new Map(),
  topics: new Map(),
  situations: new Map(),
};

/** The same, by stems, ready for questions. */
export interface WordSense {
  isSilent(word: string): boolean;
  /** Whether it tells that its part of a sentence says what is wanted. */
  isWish(word: string): boolean;
  /** How much a word counts beside others, 0 to 1. */
  weightOf(word: string): number;
  /** Numbers of the actions that a word may mean. */
  actionsOf(word: string): readonly string[];
  /** Stems of the words for the same action. */
  sameAction(word: string): readonly string[];
  /** Whether an action is meant only where it is named. Applying, registering and issuing go without saying. */
  mustBeNamed(action: string): boolean;
  /** Stems of the catalogue's words for a word. */
  meanings(word: string): readonly string[];
  /** The catalogue's words that other words mean. */
  readonly meant: readonly string[];
}

/** A silent word in a name counts next to nothing: names that differ only by it stay apart. */
const weightOfSilent = 0.06;
const weightOfWeak = 0.5;
const weightOfAction = 0.6;
const weightOfCommon = 0.75;

/** Admission, issuing, registration (LeiKa 007, 012, 104). */
const unnamed = new Set(['007', '012', '104']);

/** Reads the words once. Arguments of the answers are words in their one spelling (`plainOf`). */
export function senseOf({ silent, weak, common, wishes, verbs, actions, words }: EverydayWords): WordSense {
  const silentWords = new Set([...silent, ...wishes].map(plainOf));
  const wishWords = new Set(wishes.map(plainOf));
  const weakWords = new Set(weak.map(plainOf));
  const weakStems = new Set(weak.map((word) => stem(plainOf(word))));
  const forms = verbForms(verbs);
  const commonStems = new Set(common.map((word) => stem(plainOf(word))));
  /** Roots of verbs; their nouns say more (`halten`, `Haltung`). */
  const commonRoots = new Set(common.filter((word) => word.endsWith('n')).flatMap((word) => forms.rootsOf(plainOf(word))));
  const isCommon = (word: string) =>
    !/ung(?:en)?$/.test(word) && (commonStems.has(stem(word)) || forms.rootsOf(word).some((root) => commonRoots.has(root)));
  const byStem = (entries: ReadonlyMap<string, readonly string[]>, target: (key: string) => string) => {
    const found = new Map<string, string[]>();
    for (const [key, list] of entries)
      for (const word of list) {
        const at = stem(plainOf(word));
        found.set(at, [...(found.get(at) ?? []), target(key)]);
      }
    return found;
  };
  const actionsByStem = byStem(actions, (key) => key);
  const stemsByAction = new Map([...actions].map(([action, list]) => [action, list.map((word) => stem(plainOf(word)))]));
  const meaningsByStem = byStem(words, (key) => stem(plainOf(key)));
  return {
    isSilent: (word) => silentWords.has(word),
    isWish: (word) => wishWords.has(word),
    weightOf(word) {
      if (silentWords.has(word)) return weightOfSilent;
      if (weakWords.has(word)) return weightOfWeak;
      if (actionsByStem.has(stem(word))) return weightOfAction;
      if (isCommon(word)) return weightOfCommon;
      // A word that means a weak one is weak: `Sohn` as much as `Kind`.
      return (meaningsByStem.get(stem(word)) ?? []).some((meaning) => weakStems.has(meaning)) ? weightOfWeak : 1;
    },
    actionsOf: (word) => actionsByStem.get(stem(word)) ?? [],
    sameAction: (word) => [...new Set((actionsByStem.get(stem(word)) ?? []).flatMap((action) => stemsByAction.get(action) ?? []))],
    mustBeNamed: (action) => actions.has(action) && !unnamed.has(action),
    meant: [...words.keys()],
    meanings: (word) => meaningsByStem.get(stem(word)) ?? [],
  };
}
