import type { SchemaValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { daysMeant, dayRangeSchema, findDayFault, type DayRange } from './day-range.ts';

/** Keywords that forms have beside those of JSON Schema: what people read, where an element comes from, and what the catalogue checks. */
const annotations = ['x-title-en', 'x-description-en', 'x-fim', 'x-hub', 'x-message', 'x-expected', 'x-place'];

/** Longest text that can be of a format, but for those that hold content. */
const longestOfFormat = 2048;
const content = new Set(['byte', 'binary', 'password']);

const isUrl = (text: string): boolean => /^(https?|ftp):$/.test(URL.parse(text)?.protocol ?? '');

/** No format looks at more than that, and none of them goes back and forth over a text: the library's pattern for `url` does. */
function boundFormats(ajv: Ajv2020): void {
  ajv.addFormat('url', (text: string) => text.length <= longestOfFormat && isUrl(text));
  for (const [name, format] of Object.entries(ajv.formats)) {
    if (content.has(name) || name === 'url' || format === undefined) continue;
    const check = format instanceof RegExp ? format : typeof format === 'object' ? format.validate : format;
    if (typeof check === 'string' || typeof check === 'boolean') continue;
    const fits = check instanceof RegExp ? (text: string) => check.test(text) : (check as (text: string) => boolean);
    // Comparisons (formatMinimum) and formats of numbers stay as they are.
    if (typeof format === 'object' && !(format instanceof RegExp)) {
      if (format.type !== 'number')
        ajv.addFormat(name, { ...format, validate: (text: string) => text.length <= longestOfFormat && fits(text) } as Parameters<
          Ajv2020['addFormat']
        >[1]);
    } else ajv.addFormat(name, (text: string) => text.length <= longestOfFormat && fits(text));
  }
}

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
  boundFormats(ajv);
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
