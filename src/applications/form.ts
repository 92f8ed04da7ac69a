import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import type { FormRecord, Json } from '#contract';
import type { FieldProblem } from './applications.ts';

/** Problems listed at most; a form with more has something else wrong with it. */
const mostProblems = 50;

interface SchemaNode {
  readonly title?: string;
  readonly 'x-title-en'?: string;
  readonly properties?: Record<string, SchemaNode>;
  readonly items?: SchemaNode;
}

/**
 * Validates form data against the offer's JSON Schema (2020-12) and says what is wrong in words a citizen understands, by
 * the titles of the form's own fields. Compiled forms are kept by offer and revision.
 */
export function createFormCheck(): (offerId: string, form: FormRecord, formData: Json) => readonly FieldProblem[] {
  const compiled = new LRUCache<string, ValidateFunction>({ max: 500 });

  return (offerId, form, formData) => {
    const key = `${offerId} ${form.revision}`;
    let validate = compiled.get(key);
    if (!validate) {
      validate = compile(form);
      compiled.set(key, validate);
    }
    if (validate(formData)) return [];
    return fieldProblems(validate.errors ?? [], form.schema as SchemaNode);
  };
}

function compile(form: FormRecord): ValidateFunction {
  // A fresh instance per form: two forms may use the same $id.
  const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: true, ownProperties: true });
  addFormats.default(ajv);
  return ajv.compile(form.schema as object);
}

/** Keywords that only repeat what a deeper error says. */
const echoes = new Set(['if', 'oneOf', 'anyOf', 'allOf', 'not']);

function fieldProblems(errors: readonly ErrorObject[], schema: SchemaNode): FieldProblem[] {
  const direct = errors.filter((error) => !echoes.has(error.keyword));
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

const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
const unescapePointer = (name: string): string => name.replaceAll('~1', '/').replaceAll('~0', '~');

function fieldProblem(error: ErrorObject, schema: SchemaNode): FieldProblem {
  const params = error.params as Record<string, unknown>;
  const inner =
    error.keyword === 'required'
      ? params['missingProperty']
      : error.keyword === 'additionalProperties'
        ? params['additionalProperty']
        : undefined;
  const pointer = typeof inner === 'string' ? `${error.instancePath}/${escapePointer(inner)}` : error.instancePath;
  return { pointer, code: error.keyword, message: sentence(error.keyword, params, titleAt(schema, pointer)) };
}

/** Title of the field at a pointer, the name in the data where the form gives no title. */
function titleAt(schema: SchemaNode, pointer: string): { de: string; en: string } {
  let node: SchemaNode | undefined = schema;
  const names = pointer.split('/').slice(1).map(unescapePointer);
  for (const name of names) node = /^\d+$/.test(name) && node?.items ? node.items : node?.properties?.[name];
  const de = node?.title ?? names.at(-1) ?? 'Formular';
  return { de, en: node?.['x-title-en'] ?? de };
}

const formats: Record<string, { de: string; en: string }> = {
  date: { de: 'ein Datum im Format JJJJ-MM-TT', en: 'a date as YYYY-MM-DD' },
  'date-time': { de: 'Datum und Uhrzeit nach RFC 3339', en: 'a date and time as in RFC 3339' },
  email: { de: 'eine E-Mail-Adresse', en: 'an e-mail address' },
  uri: { de: 'eine Internetadresse', en: 'a web address' },
};

function sentence(keyword: string, params: Record<string, unknown>, title: { de: string; en: string }): { de: string; en: string } {
  const limit = typeof params['limit'] === 'number' ? String(params['limit']) : '';
  switch (keyword) {
    case 'required':
      return { de: `Bitte füllen Sie das Feld „${title.de}“ aus.`, en: `Please fill in “${title.en}”.` };
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return { de: `Das Feld „${title.de}“ gibt es in diesem Formular nicht.`, en: `This form has no field “${title.en}”.` };
    case 'minLength':
      return limit === '1'
        ? sentence('required', params, title)
        : { de: `„${title.de}“ braucht mindestens ${limit} Zeichen.`, en: `“${title.en}” needs at least ${limit} characters.` };
    case 'maxLength':
      return { de: `„${title.de}“ darf höchstens ${limit} Zeichen haben.`, en: `“${title.en}” may have at most ${limit} characters.` };
    case 'minimum':
    case 'exclusiveMinimum':
      return { de: `„${title.de}“ muss mindestens ${limit} sein.`, en: `“${title.en}” must be at least ${limit}.` };
    case 'maximum':
    case 'exclusiveMaximum':
      return { de: `„${title.de}“ darf höchstens ${limit} sein.`, en: `“${title.en}” must be at most ${limit}.` };
    case 'minItems':
      return { de: `„${title.de}“ braucht mindestens ${limit} Einträge.`, en: `“${title.en}” needs at least ${limit} entries.` };
    case 'maxItems':
      return { de: `„${title.de}“ darf höchstens ${limit} Einträge haben.`, en: `“${title.en}” may have at most ${limit} entries.` };
    case 'format': {
      const expected = formats[String(params['format'])];
      return {
        de: `„${title.de}“ muss ${expected?.de ?? `das Format ${String(params['format'])}`} sein.`,
        en: `“${title.en}” must be ${expected?.en ?? `in the format ${String(params['format'])}`}.`,
      };
    }
    case 'pattern':
      return { de: `„${title.de}“ hat nicht die erwartete Form.`, en: `“${title.en}” does not have the expected form.` };
    case 'enum':
    case 'oneOf':
    case 'anyOf':
      return {
        de: `Bitte wählen Sie bei „${title.de}“ einen der angebotenen Werte.`,
        en: `Please choose one of the given values for “${title.en}”.`,
      };
    case 'const':
      return { de: `„${title.de}“ muss bestätigt werden.`, en: `“${title.en}” must be confirmed.` };
    case 'type':
      return { de: `„${title.de}“ hat die falsche Art von Wert.`, en: `“${title.en}” has the wrong kind of value.` };
    default:
      return { de: `„${title.de}“ ist nicht gültig.`, en: `“${title.en}” is not valid.` };
  }
}
