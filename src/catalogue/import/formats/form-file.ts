import { dirname, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import type { FormRecord, Json } from '#contract';
import { canonicalJson, sha256 } from '../../../infra/ids.ts';
import { readSource } from '../source.ts';

/** Largest form, in bytes. */
const maxBytes = 512 * 1024;

/**
 * Reads a form: a JSON Schema 2020-12 beside the file that names it. Its revision is the hash of its content, so it
 * changes exactly when the form does.
 * @throws Error with a sentence that says what is wrong with the form
 */
export async function readForm(path: string, namedIn: string): Promise<FormRecord> {
  const { name, text } = await readSource(resolve(dirname(namedIn), path), maxBytes);
  const schema = JSON.parse(text) as Json;
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema))
    throw new Error(`${name} is not a JSON Schema: an object is expected`);
  const revision = sha256(canonicalJson(schema)).slice(0, 12);
  // Cities share forms, and every start reads them again: once is enough to know that a form is sound.
  if (!sound.has(revision)) compile(schema as Record<string, Json>);
  sound.set(revision, true);
  return { revision, schema };
}

const sound = new LRUCache<string, true>({ max: 1000 });

function compile(schema: Record<string, Json>): void {
  // Strict: a misspelt keyword would silently accept everything.
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addVocabulary(['x-title-en', 'x-description-en']);
  ajv.compile(schema);
}
