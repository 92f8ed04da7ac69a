import type { Localised } from '#contract';
import { germanOf } from './german.ts';

/** An issue as schemas state it; zod 4 says more than the Standard Schema asks for. */
export interface Issue {
  readonly message: string;
  readonly code?: unknown;
  readonly expected?: unknown;
  readonly origin?: unknown;
  readonly minimum?: unknown;
  readonly inclusive?: unknown;
  readonly maximum?: unknown;
  readonly format?: unknown;
  readonly values?: unknown;
}

const types: Readonly<Record<string, Localised>> = {
  string: { de: 'ein Text (in Anführungszeichen)', en: 'a text (in quotation marks)' },
  number: { de: 'eine Zahl', en: 'a number' },
  int: { de: 'eine ganze Zahl', en: 'a whole number' },
  boolean: { de: 'true oder false', en: 'true or false' },
  object: { de: 'eine Zuordnung (Name: Wert)', en: 'a mapping (name: value)' },
  record: { de: 'eine Zuordnung (Name: Wert)', en: 'a mapping (name: value)' },
  array: { de: 'eine Liste', en: 'a list' },
};

const formats: Readonly<Record<string, Localised>> = {
  url: { de: 'eine vollständige Adresse, zum Beispiel https://…', en: 'a whole address, for example https://…' },
  email: { de: 'eine E-Mail-Adresse', en: 'an e-mail address' },
  date: { de: 'ein Tag, zum Beispiel 2026-11-01', en: 'a day, for example 2026-11-01' },
};

/**
 * What a schema expects instead, in both languages: words of zod's own are translated, those that an adapter's author gave it
 * are looked up (german.ts), and quoted in German where nobody has translated them.
 */
export function expectedOf(issue: Issue): Localised {
  // zod's own words begin like this: an author's do not.
  const own = /^(Invalid|Too (small|big))\b/.test(issue.message);
  if (own) return known(issue) ?? { de: 'ein anderer Wert', en: 'another value' };
  const en = issue.message.replace(/^expected /, '');
  return { de: germanOf(en), en };
}

function known({ code, expected, origin, minimum, inclusive, maximum, format, values }: Issue): Localised | null {
  switch (code) {
    case 'invalid_type':
      return types[String(expected)] ?? null;
    case 'too_small':
      return atLeast(String(origin), Number(minimum), inclusive !== false);
    case 'too_big':
      return atMost(String(origin), Number(maximum));
    case 'invalid_format':
      return formats[String(format)] ?? null;
    case 'invalid_value':
      return Array.isArray(values) ? { de: values.join(' oder '), en: values.join(' or ') } : null;
    case 'invalid_union':
      return { de: 'eine der vorgesehenen Formen', en: 'one of the shapes there are' };
    default:
      return null;
  }
}

const entries = (count: number): Localised =>
  count === 1 ? { de: 'ein Eintrag', en: 'one entry' } : { de: `${count} Einträge`, en: `${count} entries` };

const characters = (count: number): string => (count === 1 ? 'one character' : `${count} characters`);

const atLeast = (origin: string, least: number, inclusive: boolean): Localised =>
  origin === 'string'
    ? { de: `ein Text von mindestens ${least} Zeichen`, en: `a text of at least ${characters(least)}` }
    : origin === 'array'
      ? { de: `mindestens ${entries(least).de}`, en: `at least ${entries(least).en}` }
      : inclusive
        ? { de: `eine Zahl ab ${least}`, en: `a number from ${least}` }
        : { de: `eine Zahl über ${least}`, en: `a number above ${least}` };

const atMost = (origin: string, most: number): Localised =>
  origin === 'string'
    ? { de: `ein Text von höchstens ${most} Zeichen`, en: `a text of at most ${characters(most)}` }
    : origin === 'array'
      ? { de: `höchstens ${entries(most).de}`, en: `at most ${entries(most).en}` }
      : { de: `eine Zahl bis ${most}`, en: `a number up to ${most}` };
