import { dirname, join, resolve } from 'node:path';
import type { FormRecord, Json } from '#contract';
import { compileForm, formRevision } from '../../forms/form-record.ts';
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
  const schema = /\.xml$/i.test(path) ? (await readXdatenfelder(file)).schema : await readJsonSchema(file);
  compileForm(schema);
  return { revision: formRevision(schema), schema };
}

/** A form from a file in XDatenfelder; code lists that it refers to are looked for in a folder, by default `codelists` beside it. */
export async function readXdatenfelder(file: string, codeLists = join(dirname(file), 'codelists')): Promise<ConvertedForm> {
  return convertXdatenfelder(await readSource(file, mostXmlBytes), await readCodeLists(codeLists));
}

async function readJsonSchema(file: string): Promise<Json> {
  const { name, text } = await readSource(file, maxBytes);
  const schema = JSON.parse(text) as Json;
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema))
    throw new Error(`${name} is not a JSON Schema: an object is expected`);
  return schema;
}
