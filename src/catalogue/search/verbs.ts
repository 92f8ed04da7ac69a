import { plainOf } from './words.ts';

/** Particles that stand before a German verb, or at the end of its clause: `abmelden`, `melde … ab`. */
const particles = [
  ...'ab an auf aus bei durch ein fest frei gegen her heim hin hoch los mit nach nieder raus rein rum'.split(' '),
  ...'um unter vor vorbei weg weiter wieder zu zuruck zusammen'.split(' '),
].toSorted((a, b) => b.length - a.length);
/** Prefixes that never leave their verb: `versterben`, `verstorben`. */
const prefixes = ['be', 'ent', 'er', 'ver', 'zer'];

const isParticle = new Set(particles);

/** Endings of verbs and of the nouns made of them, longest first. */
const ending = /(?:ungen|ung|enden|ende|end|etet|eten|ete|test|ten|te|et|est|en|st|t|e|n)$/;

/** Shortest root: shorter ones have nothing in common. */
const shortestRoot = 4;

/** Finds what forms of a verb, and nouns made of it, have in common. */
export interface VerbForms {
  /** Roots that a word may have: `anmelden`, `Anmeldung`, `angemeldet` and `anzumelden` share one. None for short words. */
  rootsOf(word: string): readonly string[];
  /** The words of a clause, with particles put back in front of their verb where that makes a known word. */
  rejoin(clause: readonly string[], knows: (word: string) => boolean): readonly string[];
}

/** `strong`: infinitives of verbs that change their vowel → their other forms and nouns. */
export function verbForms(strong: ReadonlyMap<string, readonly string[]>): VerbForms {
  const infinitives = new Map<string, string>();
  /** Forms that stand behind a prefix only: `storben` of `gestorben`. */
  const prefixed = new Map<string, string>();
  for (const [infinitive, forms] of strong)
    for (const form of forms.map(plainOf)) {
      infinitives.set(form, plainOf(infinitive));
      prefixed.set(form.replace(/^ge(?=...)/, ''), plainOf(infinitive));
    }

  const cut = (word: string): string => word.replace(ending, '');

  function rootsOf(word: string): readonly string[] {
    if (word.length < shortestRoot) return [];
    const found = new Set<string>();
    const add = (root: string) => root.length >= shortestRoot && found.add(root);
    const strongOne = infinitives.get(word);
    if (strongOne !== undefined) add(cut(strongOne));
    add(word);
    add(cut(word));
    if (/^ge.{3,}t$/.test(word)) add(cut(word.slice(2)));
    for (const first of [...particles, ...prefixes]) {
      if (!word.startsWith(first)) continue;
      const rest = word.slice(first.length);
      const infinitive = infinitives.get(rest) ?? prefixed.get(rest);
      if (infinitive !== undefined) add(first + cut(infinitive));
      if (!isParticle.has(first)) continue;
      const inner = /^(?:ge|zu)(.{3,}(?:t|en|n))$/.exec(rest)?.[1];
      if (inner !== undefined) add(first + cut(infinitives.get(inner) ?? inner));
    }
    return [...found];
  }

  return {
    rootsOf,
    rejoin(clause, knows) {
      const last = clause.at(-1) ?? '';
      if (clause.length < 2 || !isParticle.has(last)) return clause;
      for (let at = clause.length - 2; at >= 0; at -= 1) {
        const joined = rootsOf(clause[at] as string)
          .map((root) => last + root)
          .find(knows);
        if (joined !== undefined) return [...clause.slice(0, at), joined, ...clause.slice(at + 1, -1)];
      }
      return clause;
    },
  };
}
