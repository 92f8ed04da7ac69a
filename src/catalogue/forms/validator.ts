import type { SchemaValidateFunction } from 'ajv';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Json } from '#contract';
import { canonicalJson } from '../../infra/ids.ts';
import { missingPlaces, onceSchema, type OnceRule } from './once.ts';
import { daysMeant, dayRangeSchema, findDayFault, type DayRange } from './day-range.ts';
import { boundForm } from './form-bounds.ts';
import { linearPattern, type LinearPattern } from './pattern.ts';

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

/** Longest text that a pattern looks at. */
const longestMatched = 10_000;
/** What matching may cost within one submission: instructions of patterns times characters. */
const mostMatching = 1_500_000;

/** Patterns that are matched in linear time, within what is left for one submission. */
class Patterns {
  /** No bound while a form is made ready: what is matched then are the form's own keywords. */
  #left = Infinity;
  /** Whether a text was not looked at. */
  gaveUp = false;

  begin(): void {
    this.#left = mostMatching;
    this.gaveUp = false;
  }

  end(): void {
    this.#left = Infinity;
  }

  /** As ajv makes a pattern ready. */
  readonly engine = Object.assign((source: string) => this.#bounded(source, linearPattern(source)), { code: 'linearPattern' });

  #bounded(source: string, pattern: LinearPattern) {
    return {
      // By this ajv tells patterns apart.
      toString: () => source,
      test: (text: string): boolean => {
        this.#left -= pattern.size * (text.length + 1);
        if (text.length > longestMatched || this.#left < 0) {
          this.gaveUp = true;
          return false;
        }
        return pattern.test(text);
      },
    } as RegExp;
  }
}

/** Checks data against a form: what is wrong with them, nothing if all is well. */
export type FormValidate = (data: Json) => readonly ErrorObject[];

/** The error where data are too much to be checked; nothing else is said of them then. */
export const tooMuch = 'x-too-much';

const gaveUp: readonly ErrorObject[] = [{ keyword: tooMuch, instancePath: '', schemaPath: '#', params: {} }];

/**
 * Makes one form ready to be checked against (JSON Schema 2020-12, formats checked), with the keywords that forms have of their own:
 * `x-title-en`, `x-description-en`; `x-fim` (origin in a FIM data schema); `x-hub` (what cases between cities read there); `x-expected` (`{ de, en }`, what a pattern wants);
 * `x-message` (`{ de, en }`, told where this part of the form is not met); `x-decimals` (digits after the point, at most).
 * `x-day` (bounds of a date from today) and the format `partial-date`: day-range.ts; `x-place`: applications/places.ts.
 * `x-once` (what a city takes one application at a time for): once.ts.
 * Strict: an unknown keyword is an error, because it would silently accept everything. Neither form nor data can make the check take long:
 * form-bounds.ts, pattern.ts.
 * @throws Error, PatternError if it is no form, or one that would take long
 */
export function compileValidator(
  schema: object,
  { strict, now = () => new Date() }: { readonly strict: boolean; readonly now?: () => Date },
): FormValidate {
  const thoroughnessFor = boundForm(schema);
  const patterns = new Patterns();
  // An instance of its own for each form: two may use the same $id.
  const compile = (allErrors: boolean) => createAjv({ strict, now, allErrors, patterns }).compile(schema);
  const findAll = compile(true);
  let findFirst: ReturnType<typeof compile> | undefined;
  return (data) => {
    const thoroughness = thoroughnessFor(data);
    if (thoroughness === 'not') return gaveUp;
    const validate = thoroughness === 'all' ? findAll : (findFirst ??= compile(false));
    patterns.begin();
    const errors = validate(data) ? [] : (validate.errors ?? []);
    patterns.end();
    // What is negated could pass because nobody looked.
    return errors.length === 0 && patterns.gaveUp ? gaveUp : errors;
  };
}

interface Kind {
  readonly strict: boolean;
  readonly now: () => Date;
  readonly allErrors: boolean;
  readonly patterns: Patterns;
}

function createAjv({ strict, now, allErrors, patterns }: Kind): Ajv2020 {
  const ajv = new Ajv2020({
    strict,
    strictTypes: false,
    strictRequired: false,
    allErrors,
    verbose: true,
    validateFormats: true,
    ownProperties: true,
    // A part that many others refer to is compiled once, not once for each of them.
    inlineRefs: false,
    code: { regExp: patterns.engine },
  });
  addFormats.default(ajv, { keywords: true });
  boundFormats(ajv);
  ajv.addVocabulary(annotations);
  // The library's own compares each entry with each.
  ajv.removeKeyword('uniqueItems');
  const unique: SchemaValidateFunction = (wanted: boolean, list: readonly Json[]) => {
    const twice = wanted ? firstDouble(list) : null;
    unique.errors = twice ? [{ keyword: 'uniqueItems', params: twice }] : [];
    return twice === null;
  };
  ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', errors: true, validate: unique });
  ajv.addKeyword({
    keyword: 'x-decimals',
    type: 'number',
    schemaType: 'number',
    // `multipleOf` refuses 0.07 as a multiple of 0.01.
    validate: (places: number, value: number) => Number(value.toFixed(places)) === value,
  });
  ajv.addFormat('partial-date', (text) => daysMeant(text) !== null);
  const day: SchemaValidateFunction = (range: DayRange, text: string, _, at) => {
    const fault = findDayFault(range, text, at?.parentData ?? {}, now());
    day.errors = fault ? [{ keyword: 'x-day', params: { ...fault } }] : [];
    return fault === null;
  };
  ajv.addKeyword({ keyword: 'x-day', type: 'string', schemaType: 'object', metaSchema: dayRangeSchema, errors: true, validate: day });
  ajv.addKeyword({
    keyword: 'x-once',
    schemaType: 'object',
    metaSchema: onceSchema,
    compile: (rule: OnceRule, form) => {
      const missing = missingPlaces(rule, form);
      if (missing.length > 0) throw new Error(`x-once names ${missing.join(', ')}, which the form does not have`);
      // Whether another application holds it is found out when this one is taken.
      return () => true;
    },
  });
  return ajv;
}

/** Places of the first two entries that are equal. */
function firstDouble(list: readonly Json[]): { readonly i: number; readonly j: number } | null {
  const seen = new Map<string, number>();
  for (const [i, entry] of list.entries()) {
    const content = canonicalJson(entry);
    const j = seen.get(content);
    if (j !== undefined) return { i, j };
    seen.set(content, i);
  }
  return null;
}
