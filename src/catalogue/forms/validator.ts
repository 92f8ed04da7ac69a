import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** Keywords that forms have beside those of JSON Schema: what people read, and where an element comes from. */
const annotations = ['x-title-en', 'x-description-en', 'x-fim', 'x-hub', 'x-message', 'x-expected'];

/**
 * A validator for one form (JSON Schema 2020-12, formats checked), with the keywords that forms have of their own:
 * `x-title-en`, `x-description-en`; `x-fim` (origin in a FIM data schema); `x-hub` (what cases between cities read there); `x-expected` (`{ de, en }`, what a pattern wants);
 * `x-message` (`{ de, en }`, told where this part of the form is not met); `x-decimals` (digits after the point, at most).
 * Strict: an unknown keyword is an error, because it would silently accept everything.
 */
export function createFormValidator({ strict }: { readonly strict: boolean }): Ajv2020 {
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
  return ajv;
}
