import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Localised } from '#contract';
import { say, shown, type Complaint } from './complaint.ts';
import type { Path, Source } from './source.ts';

const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, strictTypes: false });
ajv.addKeyword({ keyword: 'x-expected', schemaType: 'object' });
addFormats.default(ajv, ['date', 'date-time']);

const typeWords: Readonly<Record<string, Localised>> = {
  string: { de: 'ein Text (in Anführungszeichen)', en: 'a text (in quotation marks)' },
  boolean: { de: 'true oder false', en: 'true or false' },
  integer: { de: 'eine ganze Zahl', en: 'a whole number' },
  object: { de: 'eine Zuordnung (Name: Wert)', en: 'a mapping (name: value)' },
  array: { de: 'eine Liste', en: 'a list' },
};

/** How to say what a schema of schema/ has against a file. */
export function createShapeCheck(schemaFile: string): (source: Source) => readonly Complaint[] {
  const schema = JSON.parse(readFileSync(new URL(`../../../schema/${schemaFile}`, import.meta.url), 'utf8')) as object;
  const validate = ajv.compile(schema);
  return (source) => {
    if (validate(source.value)) return [];
    return (validate.errors ?? []).flatMap((error) => toComplaint(source, error, schemaFile) ?? []);
  };
}

/** What schema/city.schema.json has against a file. */
export const complaintsOfShape = createShapeCheck('city.schema.json');

function toComplaint(source: Source, error: ErrorObject, schemaFile: string): Complaint | null {
  const path = pathOf(error.instancePath);
  const parent = (error.parentSchema ?? {}) as {
    'x-expected'?: Localised;
    properties?: Record<string, { 'x-expected'?: Localised; type?: string }>;
  };
  const params = error.params as Record<string, unknown>;
  const expected = parent['x-expected'];
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      return source.complain([...path, key], say.unknownKey(key, Object.keys(parent.properties ?? {})), 'key');
    }
    case 'required': {
      const key = String(params['missingProperty']);
      const wanted = parent.properties?.[key];
      return source.complain(
        [...path, key],
        say.missing(
          key,
          wanted?.['x-expected'] ?? typeWords[wanted?.type ?? ''] ?? { de: `siehe schema/${schemaFile}`, en: `see schema/${schemaFile}` },
        ),
      );
    }
    case 'enum':
      return source.complain(
        path,
        say.notOneOf(typeof error.data === 'string' ? error.data : shown(error.data), params['allowedValues'] as string[]),
      );
    case 'const':
      return source.complain(path, say.notOneOf(shown(error.data), [String(params['allowedValue'])]));
    case 'type':
      return source.complain(
        path,
        say.invalid(shown(error.data), expected ?? typeWords[String(params['type'])] ?? { de: String(params['type']) }),
      );
    case 'propertyNames':
      return source.complain(
        [...path, String(params['propertyName'])],
        say.invalid(shown(params['propertyName']), {
          de: 'ein Name aus Kleinbuchstaben, Ziffern und Bindestrichen',
          en: 'a name of lower-case letters, digits and hyphens',
        }),
        'key',
      );
    case 'pattern':
      // The complaint about the name itself comes as propertyNames.
      if (error.schemaPath.includes('/propertyNames/')) return null;
      return source.complain(
        path,
        say.invalid(
          shown(error.data),
          expected ?? { de: `etwas nach dem Muster ${String(params['pattern'])}`, en: `something like ${String(params['pattern'])}` },
        ),
      );
    case 'uniqueItems': {
      const items = error.data as readonly unknown[];
      const at = Math.max(Number(params['i']), Number(params['j']));
      return source.complain([...path, at], say.invalid(shown(items[at]), { de: 'jeder Eintrag nur einmal', en: 'each entry only once' }));
    }
    case 'minimum':
    case 'maximum':
      return source.complain(
        path,
        say.invalid(shown(error.data), {
          de: `eine Zahl ${String(params['comparison'])} ${String(params['limit'])}`,
          en: `a number ${String(params['comparison'])} ${String(params['limit'])}`,
        }),
      );
    default:
      return source.complain(path, say.invalid(shown(error.data), expected ?? { de: error.message ?? error.keyword }));
  }
}

const pathOf = (pointer: string): Path =>
  pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
