import type { SchemaValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { daysMeant, dayRangeSchema, findDayFault, type DayRange } from './day-range.ts';

/** Keywords that forms have beside those of JSON Schema: what people read, where an element comes from, and what the catalogue checks. */
const annotations = ['x-title-en', 'x-description-en', 'x-fim', 'x-hub', 'x-message', 'x-expected', 'x-place'];

/**
 * A validator for one form (JSON Schema 2020-12, formats checked), with the keywords that forms have of their own:
 * `x-title-en`, `x-description-en`; `x-fim` (origin in a FIM data schema); `x-hub` (what cases between cities read there); `x-expected` (`{ de, en }`, what a pattern wants);
 * `x-message` (`{ de, en }`, told where this part of the form is not met); `x-decimals` (digits after the point, at most).
 * `x-day` (bounds of a date from today) and the format `partial-date`: day-range.ts; `x-place`: applications/places.ts.
 * Strict: an unknown keyword is an error, because it would silently accept everything.
 */
export function createFormValidator({ strict, now = () => new Date() }: { readonly strict: boolean; readonly now?: () => Date }): Ajv2020 {
  const ajv = new Ajv2020({
    strict,
    strictTypes: false,
    strictRequired: false,
    allErrors: true,
    verbose: true,
    validateFormats: true,
    ownProperties: true,
  });
  addFormats.default(ajv, { keywords: true });
  ajv.addVocabulary(annotations);
  ajv.addKeyword({
    keyword: 'x-decimals',
    type: 'number',
    schemaType: 'number',
    // `multipleOf` refuses 0.07 as a multiple of 0.01.
    validate: (places: number, value: number) => Number(value.toFixed(places)) === value,
  });
  ajv.addFormat('partial-date', (text) => daysMeant(text) !== null);
  const day: SchemaValidateFunction = (range: DayRange, text: string, _, at) => {
    const fault = findDayFault(range, text, (at?.parentData ?? {}) as object, now());
    day.errors = fault ? [{ keyword: 'x-day', params: { ...fault } }] : [];
    return fault === null;
  };
  ajv.addKeyword({ keyword: 'x-day', type: 'string', schemaType: 'object', metaSchema: dayRangeSchema, errors: true, validate: day });
  return ajv;
}
