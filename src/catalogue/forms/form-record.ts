import { LRUCache } from 'lru-cache';
import type { Json } from '#contract';
import { canonicalJson, sha256 } from '../../infra/ids.ts';
import { compileValidator } from './validator.ts';

/** The revision of a form: 12 hexadecimal digits that change exactly when its content does. */
export const formRevision = (schema: Json): string => sha256(canonicalJson(schema)).slice(0, 12);

/** Cities share forms, and every start reads them again: once is enough to know that a form is sound. */
const sound = new LRUCache<string, true>({ max: 1000 });

/**
 * Makes sure that a form can be filled in and checked.
 * @throws Error with the validator's own words where it is no sound JSON Schema
 */
export function compileForm(schema: Json): void {
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema))
    throw new Error('is not a JSON Schema: an object is expected');
  const content = sha256(canonicalJson(schema));
  if (sound.has(content)) return;
  compileValidator(schema, { strict: true });
  sound.set(content, true);
}
