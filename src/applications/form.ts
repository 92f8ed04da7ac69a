import type { ErrorObject } from 'ajv/dist/2020.js';
import { LRUCache } from 'lru-cache';
import type { FormRecord, Json } from '#contract';
import { valueAt } from '../catalogue/forms/marks.ts';
import { compileValidator, tooMuch, type FormValidate } from '../catalogue/forms/validator.ts';
import type { FieldProblem } from './applications.ts';

/** Problems listed at most; a form with more has something else wrong with it. */
const mostProblems = 50;

interface Words {
  readonly de: string;
  readonly en: string;
}

interface SchemaNode {
  readonly $ref?: string;
  readonly title?: string;
  readonly 'x-title-en'?: string;
  readonly 'x-message'?: Words;
  readonly 'x-expected'?: Words;
  readonly properties?: Record<string, SchemaNode>;
  readonly items?: SchemaNode;
}

/**
 * Validates form data against the offer's JSON Schema (2020-12) and says what is wrong in words a citizen understands, by
 * the titles of the form's own fields. Compiled forms are kept by offer and revision.
 */
export function createFormCheck(
  now: () => Date = () => new Date(),
): (offerId: string, form: FormRecord, formData: Json) => readonly FieldProblem[] {
  const compiled = new LRUCache<string, FormValidate>({ max: 500 });

  return (offerId, form, formData) => {
    const key = `${offerId} ${form.revision}`;
    let validate = compiled.get(key);
    if (!validate) {
      validate = compileValidator(form.schema as object, { strict: false, now });
      compiled.set(key, validate);
    }
    return fieldProblems(validate(formData), form.schema as SchemaNode);
  };
}

/** Keywords that only repeat what a deeper error says. */
const echoes = new Set(['if', 'oneOf', 'anyOf', 'allOf', 'not']);

/** What the part of the form that failed says about itself. */
const partOf = ({ parentSchema }: ErrorObject): SchemaNode & Record<string, unknown> => parentSchema ?? {};

/** True for alternatives that speak for themselves: their part has words of its own, or they are the values of a list. */
function speaks(error: ErrorObject): boolean {
  const part = partOf(error);
  const alternatives = part[error.keyword];
  const values =
    Array.isArray(alternatives) && alternatives.every((one: unknown) => typeof one === 'object' && one !== null && 'const' in one);
  return echoes.has(error.keyword) && (part['x-message'] !== undefined || values);
}

function fieldProblems(all: readonly ErrorObject[], schema: SchemaNode): FieldProblem[] {
  const speaking = new Set(all.filter(speaks));
  const spoken = new Set([...speaking].map(({ schemaPath }) => schemaPath));
  // Why each single alternative does not hold would only confuse.
  const isSpokenFor = kept((schemaPath) => spoken.size > 0 && pathsAbove(schemaPath).some((path) => spoken.has(path)));
  const errors = all.filter((error) => !isSpokenFor(error.schemaPath));
  const direct = errors.filter((error) => !echoes.has(error.keyword) || speaking.has(error));
  const shown = (direct.length > 0 ? direct : errors).slice(0, mostProblems);
  const seen = new Set<string>();
  return shown.flatMap((error) => {
    const problem = fieldProblem(error, schema);
    const mark = `${problem.pointer} ${problem.code}`;
    if (seen.has(mark)) return [];
    seen.add(mark);
    return [problem];
  });
}

/** Thousands of errors come from a few parts of a form. */
function kept(find: (schemaPath: string) => boolean): (schemaPath: string) => boolean {
  const known = new Map<string, boolean>();
  return (schemaPath) => {
    const found = known.get(schemaPath) ?? find(schemaPath);
    known.set(schemaPath, found);
    return found;
  };
}

const pathsAbove = (path: string): readonly string[] => {
  const names = path.split('/');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
};

const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
const unescapePointer = (name: string): string => name.replaceAll('~1', '/').replaceAll('~0', '~');

function fieldProblem(error: ErrorObject, schema: SchemaNode): FieldProblem {
  const params = error.params as Record<string, unknown>;
  const inner =
    error.keyword === 'required' || error.keyword === 'dependentRequired'
      ? params['missingProperty']
      : error.keyword === 'additionalProperties'
        ? params['additionalProperty']
        : undefined;
  const pointer = typeof inner === 'string' ? `${error.instancePath}/${escapePointer(inner)}` : error.instancePath;
  const { 'x-message': message, 'x-expected': expected } = partOf(error);
  return { pointer, code: error.keyword, message: message ?? sentence(error.keyword, params, titleAt(schema, pointer), expected) };
}

/** Title of the field at a pointer, the name in the data where the form gives no title. Parts may refer to others of the form. */
function titleAt(schema: SchemaNode, pointer: string): Words {
  let nodes: readonly SchemaNode[] = [schema];
  const names = pointer.split('/').slice(1).map(unescapePointer);
  for (const name of names)
    nodes = nodes
      .flatMap((node) => referred(schema, node))
      .flatMap((node) => (/^\d+$/.test(name) && node.items ? node.items : own(node.properties, name)) ?? []);
  const node = nodes.flatMap((one) => referred(schema, one)).find(({ title }) => title !== undefined);
  const de = node?.title ?? names.at(-1) ?? 'Formular';
  return { de, en: node?.['x-title-en'] ?? (names.length === 0 && node === undefined ? 'form' : de) };
}

const own = <T>(of: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  of && Object.hasOwn(of, name) ? of[name] : undefined;

/** Longest chain of references that is followed. */
const mostReferences = 10;

/** A part of a form with those that it refers to, itself first: what it says of itself counts most. */
function referred(schema: SchemaNode, node: SchemaNode): readonly SchemaNode[] {
  const chain = [node];
  for (let ref = node.$ref; ref?.startsWith('#/') && chain.length < mostReferences; ref = chain.at(-1)?.$ref) {
    const found = valueAt(schema as Json, decodeURIComponent(ref.slice(1)));
    if (typeof found !== 'object' || found === null) break;
    chain.push(found as SchemaNode);
  }
  return chain;
}

const formats: Record<string, Words> = {
  date: { de: 'ein Datum im Format JJJJ-MM-TT', en: 'a date as YYYY-MM-DD' },
  'partial-date': {
    de: 'ein Datum, auch eines, von dem nur Jahr oder Monat bekannt ist (JJJJ-MM-TT, JJJJ-MM, JJJJ)',
    en: 'a date, also one of which only year or month is known (YYYY-MM-DD, YYYY-MM, YYYY)',
  },
  'date-time': { de: 'Datum und Uhrzeit nach RFC 3339', en: 'a date and time as in RFC 3339' },
  email: { de: 'eine E-Mail-Adresse', en: 'an e-mail address' },
  uri: { de: 'eine Internetadresse', en: 'a web address' },
  uuid: { de: 'die Kennung einer hochgeladenen Anlage', en: 'the id of an uploaded attachment' },
};

const types: Readonly<Record<string, Words>> = {
  string: { de: 'ein Text', en: 'a text' },
  number: { de: 'eine Zahl', en: 'a number' },
  integer: { de: 'eine ganze Zahl', en: 'a whole number' },
  boolean: { de: 'Ja oder Nein (true oder false)', en: 'yes or no (true or false)' },
  array: { de: 'eine Liste', en: 'a list' },
  object: { de: 'eine Gruppe von Angaben', en: 'a group of entries' },
};

function sentence(keyword: string, params: Record<string, unknown>, title: Words, expected?: Words): Words {
  const limit = typeof params['limit'] === 'number' || typeof params['limit'] === 'string' ? String(params['limit']) : '';
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return { de: `Bitte füllen Sie das Feld „${title.de}“ aus.`, en: `Please fill in “${title.en}”.` };
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return { de: `Das Feld „${title.de}“ gibt es in diesem Formular nicht.`, en: `This form has no field “${title.en}”.` };
    case 'minLength':
      return limit === '1'
        ? sentence('required', params, title)
        : { de: `„${title.de}“ braucht mindestens ${limit} Zeichen.`, en: `“${title.en}” needs at least ${limit} characters.` };
    case 'maxLength':
      return {
        de: `„${title.de}“ darf höchstens ${limit} Zeichen haben.`,
        en: `“${title.en}” may have at most ${limit === '1' ? 'one character' : `${limit} characters`}.`,
      };
    case 'exclusiveMinimum':
      return { de: `„${title.de}“ muss größer als ${limit} sein.`, en: `“${title.en}” must be greater than ${limit}.` };
    case 'exclusiveMaximum':
      return { de: `„${title.de}“ muss kleiner als ${limit} sein.`, en: `“${title.en}” must be less than ${limit}.` };
    case 'minimum':
      return { de: `„${title.de}“ muss mindestens ${limit} sein.`, en: `“${title.en}” must be at least ${limit}.` };
    case 'maximum':
      return { de: `„${title.de}“ darf höchstens ${limit} sein.`, en: `“${title.en}” must be at most ${limit}.` };
    case 'minItems':
      return limit === '1'
        ? { de: `„${title.de}“ braucht mindestens einen Eintrag.`, en: `“${title.en}” needs at least one entry.` }
        : { de: `„${title.de}“ braucht mindestens ${limit} Einträge.`, en: `“${title.en}” needs at least ${limit} entries.` };
    case 'maxItems':
      return limit === '1'
        ? { de: `„${title.de}“ darf höchstens einen Eintrag haben.`, en: `“${title.en}” may have at most one entry.` }
        : { de: `„${title.de}“ darf höchstens ${limit} Einträge haben.`, en: `“${title.en}” may have at most ${limit} entries.` };
    case 'uniqueItems':
      return { de: `„${title.de}“ darf keinen Eintrag zweimal haben.`, en: `“${title.en}” may have no entry twice.` };
    case 'minProperties':
      return { de: `Bitte füllen Sie „${title.de}“ aus.`, en: `Please fill in “${title.en}”.` };
    case 'maxProperties':
      return {
        de: `Bitte füllen Sie bei „${title.de}“ höchstens ${limit === '1' ? 'eine Angabe' : `${limit} Angaben`} aus.`,
        en: `Please fill in at most ${limit === '1' ? 'one' : limit} of the entries of “${title.en}”.`,
      };
    case 'formatMinimum':
      return { de: `„${title.de}“ darf nicht vor dem ${germanDay(limit)} liegen.`, en: `“${title.en}” must not be before ${limit}.` };
    case 'formatMaximum':
      return { de: `„${title.de}“ darf nicht nach dem ${germanDay(limit)} liegen.`, en: `“${title.en}” must not be after ${limit}.` };
    case 'formatExclusiveMinimum':
      return { de: `„${title.de}“ muss nach dem ${germanDay(limit)} liegen.`, en: `“${title.en}” must be after ${limit}.` };
    case 'formatExclusiveMaximum':
      return { de: `„${title.de}“ muss vor dem ${germanDay(limit)} liegen.`, en: `“${title.en}” must be before ${limit}.` };
    case 'x-day':
      return sentence(params['bound'] === 'latest' ? 'formatMaximum' : 'formatMinimum', params, title);
    case 'x-decimals':
      return { de: `„${title.de}“ hat zu viele Nachkommastellen.`, en: `“${title.en}” has too many decimal places.` };
    case 'multipleOf': {
      const step = String(params['multipleOf']);
      return { de: `„${title.de}“ muss ein Vielfaches von ${step} sein.`, en: `“${title.en}” must be a multiple of ${step}.` };
    }
    case 'format': {
      const known = formats[String(params['format'])];
      return {
        de: `„${title.de}“ muss ${known?.de ?? `das Format ${String(params['format'])}`} sein.`,
        en: `“${title.en}” must be ${known?.en ?? `in the format ${String(params['format'])}`}.`,
      };
    }
    case 'pattern':
      return expected
        ? { de: `„${title.de}“ muss ${expected.de} sein.`, en: `“${title.en}” must be ${expected.en}.` }
        : patternText(title, String(params['pattern']));
    case 'enum':
    case 'oneOf':
    case 'anyOf':
      return {
        de: `Bitte wählen Sie bei „${title.de}“ einen der angebotenen Werte.`,
        en: `Please choose one of the given values for “${title.en}”.`,
      };
    case 'const':
      return params['allowedValue'] === true
        ? { de: `„${title.de}“ muss bestätigt werden.`, en: `“${title.en}” must be confirmed.` }
        : sentence('enum', params, title);
    case tooMuch:
      return {
        de: 'Das Formular enthält mehr oder längere Angaben, als geprüft werden können.',
        en: 'The form holds more or longer entries than can be checked.',
      };
    case 'type': {
      const kinds = [params['type']].flat().flatMap((type) => (type === 'null' ? [] : [types[String(type)]]));
      const known = kinds.filter((kind) => kind !== undefined);
      return known.length > 0 && known.length === kinds.length
        ? {
            de: `„${title.de}“ muss ${known.map(({ de }) => de).join(' oder ')} sein.`,
            en: `“${title.en}” must be ${known.map(({ en }) => en).join(' or ')}.`,
          }
        : { de: `„${title.de}“ hat die falsche Art von Wert.`, en: `“${title.en}” has the wrong kind of value.` };
    }
    default:
      return { de: `„${title.de}“ ist nicht gültig.`, en: `“${title.en}” is not valid.` };
  }
}

/** Patterns of digits alone are told in words; others as they stand: no form has said what they mean. */
function patternText(title: Words, pattern: string): Words {
  const [, least, most = least] = /^\^(?:\(\?:)?(?:\[0-9\]|\\d)\{(\d+)(?:,(\d+))?\}\)?\$$/.exec(pattern) ?? [];
  if (least === undefined)
    return {
      de: `„${title.de}“ hat nicht die Form, die das Formular verlangt: ${pattern}`,
      en: `“${title.en}” does not have the form that is asked for: ${pattern}`,
    };
  const isOne = most === '1';
  const [de, en] = least === most ? [least, least] : [`${least} bis ${most}`, `${least} to ${most}`];
  return {
    de: `„${title.de}“ muss aus ${isOne ? 'einer Ziffer' : `${de} Ziffern`} bestehen.`,
    en: `“${title.en}” must consist of ${isOne ? 'one digit' : `${en} digits`}.`,
  };
}

/** 2026-01-31 as German people write it. */
const germanDay = (day: string): string => day.replace(/^(\d{4})-(\d{2})-(\d{2})$/, '$3.$2.$1');
