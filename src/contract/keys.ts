import { isLeikaKey, type RegionalKey, type ServiceKey } from './vocabulary.ts';

/*
 * Keys are not compared as texts. Two keys may differ and mean the same:
 *
 *   services        a LeiKa key is 99 GGG KKK VVV DDD: group, object, action, detail (FIM/LeiKa handbook). 000 holds for
 *                   everything below it, and two keys may be stated to name one service
 *   municipalities  a municipality keeps its former keys: a token, a city's file and a row of the store may each name another
 *
 * test/architecture.test.ts finds comparisons that go past these rules.
 */

/** What is known of keys beyond what they say themselves. */
export interface KnownKeys {
  /** Other keys that are stated to name the same service. */
  readonly equivalentsOf: (key: ServiceKey) => readonly ServiceKey[];
  /** Every key that a municipality has or had, the asked one first. */
  readonly keysOf: (ars: RegionalKey) => readonly RegionalKey[];
}

/** How keys of services and municipalities are compared, everywhere. */
export interface KeyRules {
  /** Keys under which an offer of the service may stand, best first: its own, those stated to be the same, broader ones. */
  readonly keysAnswering: (asked: ServiceKey) => readonly ServiceKey[];
  /** True if what is filed under the first key answers who asks for the second: the same, stated to be the same, or broader. */
  readonly answers: (filed: ServiceKey, asked: ServiceKey) => boolean;
  /** True if one of the two answers for the other, whichever it is. */
  readonly concerns: (one: ServiceKey, other: ServiceKey) => boolean;
  /** Every key that the municipality has or had, the asked one first. */
  readonly keysOfMunicipality: (ars: RegionalKey) => readonly RegionalKey[];
  /** True if both keys are of one municipality; false if one is missing. */
  readonly sameMunicipality: (one: string | null | undefined, other: string | null | undefined) => boolean;
  /** Takes what is known over, in place of what was known before. */
  readonly learn: (known: KnownKeys) => void;
}

/** Makes the rules; until they learn more they know only what keys say themselves. */
export function createKeyRules(known: KnownKeys = { equivalentsOf: () => [], keysOf: (ars) => [ars] }): KeyRules {
  let { equivalentsOf, keysOf } = known;
  const keysAnswering = (asked: ServiceKey) => [...new Set([asked, ...equivalentsOf(asked), ...broaderKeys(asked)])];
  const answers = (filed: ServiceKey, asked: ServiceKey) => filed === asked || keysAnswering(asked).includes(filed);
  return {
    keysAnswering,
    answers,
    concerns: (one, other) => answers(one, other) || answers(other, one),
    keysOfMunicipality: (ars) => keysOf(ars),
    sameMunicipality: (one, other) =>
      typeof one === 'string' &&
      typeof other === 'string' &&
      (one === other ||
        keysOf(one as RegionalKey).includes(other as RegionalKey) ||
        // A former key that differs by the association of municipalities leads to the present one, and not back.
        keysOf(other as RegionalKey).includes(one as RegionalKey)),
    learn: (more) => ({ equivalentsOf, keysOf } = more),
  };
}

/** The key without its detail, then without its action; none for a local key or an object key. */
export function broaderKeys(key: ServiceKey): readonly ServiceKey[] {
  if (!isLeikaKey(key)) return [];
  const broader = [`${key.slice(0, 11)}000`, `${key.slice(0, 8)}000000`] as ServiceKey[];
  return [...new Set(broader)].filter((candidate) => candidate !== key);
}

/** True if both are one text. For keys that were copied one from the other, and where nothing else is known yet. */
export const spelledAlike = (one: string | null, other: string | null): boolean => one === other;

/** True if the region holds the municipality, or is it: a key of 12, 9, 5, 3 or 2 digits begins with those above it. */
export const isWithin = (ars: RegionalKey, region: RegionalKey): boolean => ars.startsWith(region);

/** True for a LeiKa key that names an object alone and holds for all its actions. */
export const isObjectKey = (key: ServiceKey): boolean => isLeikaKey(key) && key.endsWith('000000');
