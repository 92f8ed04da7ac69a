import type { Localised } from '#contract';
import type { DataRule } from './data-schema.ts';
import type { SchemaObject } from './form-schema.ts';

/*
 * Rules are written for people: prose, at times with a script beside it. A few sentences are so common and so plain that
 * their meaning is certain; those are checked by the form. A sentence must match from its first word to its last, and name
 * fields or groups that stand side by side where the rule stands. Everything else is reported, never guessed.
 */

/** A property that a rule may speak of. */
export interface RuleField {
  /** Name of the property. */
  readonly name: string;
  readonly id: string;
  readonly label: string;
}

const what = '(?:(?:das|die|der|dem|den) )?(?:(?:Daten)?feld(?:er|ern)?(?:gruppen?)? |angaben? )?';
const one = `${what}#(\\d+)`;
const list = `${what}((?:#\\d+(?:, | und | oder | und\\/oder |, ${what}| und ${what}| oder ${what})?)+)`;
const filled = '(?:befüllt|ausgefüllt|angegeben)';

interface Sentence {
  readonly form: RegExp;
  readonly meaning: 'one' | 'some' | 'not-both' | 'then';
}

const sentences: readonly Sentence[] = [
  { form: new RegExp(`^es (?:muss|ist) entweder ${one} oder ${one} (?:${filled}|an)(?: werden| sein)?$`, 'i'), meaning: 'one' },
  { form: new RegExp(`^es muss genau (?:eine[rs]?|ein) (?:der|dieser|von) ?${list} ${filled} (?:werden|sein)$`, 'i'), meaning: 'one' },
  {
    form: new RegExp(`^(?:es muss )?mindestens (?:eine[rs]?|ein) (?:der|dieser|von) ?${list} (?:muss )?${filled} (?:werden|sein)$`, 'i'),
    meaning: 'some',
  },
  { form: new RegExp(`^${one} und ${one} dürfen nicht (?:beide|gleichzeitig) leer sein$`, 'i'), meaning: 'some' },
  { form: new RegExp(`^${one} und ${one} dürfen nicht (?:beide|gleichzeitig) ${filled} (?:werden|sein)$`, 'i'), meaning: 'not-both' },
  {
    form: new RegExp(`^wenn ${one} ${filled} (?:ist|wird|wurde), (?:so |dann )?muss (?:auch )?${one} ${filled} (?:werden|sein)$`, 'i'),
    meaning: 'then',
  },
];

/** Longest rule that is looked at; longer ones say more than one thing. */
const longest = 2000;

/** The rule as a part of its group's schema, or why it is none. */
export function ruleSchema(rule: DataRule, fields: readonly RuleField[]): { schema: SchemaObject } | { reason: Localised } {
  const text = rule.text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?[„"“][^„"“”]*["“”]/g, '')
    .replace(/[.!]\s*$/, '')
    .trim();
  // Ids become #0, #1 …: short of a digit, F60000000243 and F60000243 name the same field in versions 3 and 2.
  const named: string[] = [];
  const numbered = text.replaceAll(/\b[FG]\d{4,14}\b/g, (id) => `#${named.push(id) - 1}`);
  for (const { form, meaning } of text.length > longest ? [] : sentences) {
    const match = form.exec(numbered);
    if (!match) continue;
    const ids = [...match.slice(1).join(' ').matchAll(/\d+/g)].map(([index]) => named[Number(index)] ?? '');
    const meant = ids.map((id) => fields.find((field) => sameId(field.id, id)));
    const known = meant.filter((field) => field !== undefined);
    if (known.length < ids.length)
      return {
        reason: {
          de: `nennt ${ids.filter((_, index) => !meant[index]).join(', ')}: steht nicht neben der Regel`,
          en: `names ${ids.filter((_, index) => !meant[index]).join(', ')}, which does not stand beside the rule`,
        },
      };
    if (new Set(known).size < 2) break;
    return { schema: { 'x-fim': { kind: 'rule', id: rule.id }, ...checked(meaning, known) } };
  }
  return {
    reason: { de: 'nur in Worten oder als Skript: nur Menschen prüfen sie', en: 'only in words or as a script: only people check it' },
  };
}

/** Version 3 has longer numbers: F60000000243 was F60000243. */
const sameId = (a: string, b: string): boolean => a === b || shortId(a) === shortId(b);
const shortId = (id: string): string => id.replace(/^([FG]\d{2})000(\d{6})$/, '$1$2');

function checked(meaning: Sentence['meaning'], fields: readonly RuleField[]): SchemaObject {
  const names = fields.map(({ label }) => `„${label}“`).join(', ');
  const english = fields.map(({ label }) => `“${label}”`).join(', ');
  const each = fields.map(({ name }) => ({ required: [name] }));
  const [first, second] = fields;
  switch (meaning) {
    case 'one':
      return {
        'x-message': { de: `Bitte füllen Sie genau eines davon aus: ${names}.`, en: `Please fill in exactly one of: ${english}.` },
        oneOf: each,
      };
    case 'some':
      return {
        'x-message': { de: `Bitte füllen Sie mindestens eines davon aus: ${names}.`, en: `Please fill in at least one of: ${english}.` },
        anyOf: each,
      };
    case 'not-both':
      return {
        'x-message': { de: `Bitte füllen Sie nicht beides aus: ${names}.`, en: `Please do not fill in both: ${english}.` },
        not: { required: fields.map(({ name }) => name) },
      };
    case 'then':
      return {
        'x-message': {
          de: `Wenn Sie „${first?.label ?? ''}“ ausfüllen, brauchen wir auch „${second?.label ?? ''}“.`,
          en: `If you fill in “${first?.label ?? ''}”, please fill in “${second?.label ?? ''}” too.`,
        },
        dependentRequired: { [first?.name ?? '']: [second?.name ?? ''] },
      };
  }
}
