import { dirname, join, resolve } from 'node:path';
import type { FormRecord, Json } from '#contract';
import { compileForm, formRevision } from '../../forms/form-record.ts';
import { PatternError } from '../../forms/pattern.ts';
import { convertXdatenfelder, mostXmlBytes, readCodeLists, type ConvertedForm } from '../../forms/xdatenfelder.ts';
import { readSource } from '../source.ts';

/** Largest form written as JSON Schema, in bytes. */
const maxBytes = 512 * 1024;

/**
 * Reads a form beside the file that names it: a JSON Schema 2020-12, or a data schema of FIM (XDatenfelder) where its name
 * ends in `.xml`. Its revision is the hash of its content, so it changes exactly when the form does.
 * @throws Error with a sentence that says what is wrong with the form
 */
export async function readForm(path: string, namedIn: string): Promise<FormRecord> {
  const file = resolve(dirname(namedIn), path);
  if (!/\.xml$/i.test(path)) return readJsonSchema(file);
  const { schema } = await readXdatenfelder(file);
  compileForm(schema);
  return { revision: formRevision(schema), schema };
}

/** A form from a file in XDatenfelder; code lists that it refers to are looked for in a folder, by default `codelists` beside it. */
export async function readXdatenfelder(file: string, codeLists = join(dirname(file), 'codelists')): Promise<ConvertedForm> {
  return convertXdatenfelder(await readSource(file, mostXmlBytes), await readCodeLists(codeLists));
}

async function readJsonSchema(file: string): Promise<FormRecord> {
  const { name, text } = await readSource(file, maxBytes);
  const schema = JSON.parse(text) as Json;
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema))
    throw new Error(`${name} is not a JSON Schema: an object is expected`);
  try {
    compileForm(schema);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const at = text.indexOf(JSON.stringify(error.pattern));
    throw new Error(`${name}${at < 0 ? '' : `:${text.slice(0, at).split('\n').length}`}: ${error.message}`, { cause: error });
  }
  return { revision: formRevision(schema), schema };
}
