import { dirname, join, resolve } from 'node:path';
import type { FormRecord, Json } from '#contract';
import { say, type Complaint, type Saying } from '../../../cities/load/complaint.ts';
import { parseSource, type Path } from '../../../cities/load/source.ts';
import { compileForm, formRevision } from '../../forms/form-record.ts';
import { PatternError } from '../../forms/pattern.ts';
import { convertXdatenfelder, mostXmlBytes, readCodeLists, type ConvertedForm } from '../../forms/xdatenfelder.ts';
import { RefusedFiles } from '../complaints.ts';
import { readSource } from '../source.ts';
import { whereBroken } from './json-file.ts';

/** Largest form written as JSON Schema, in bytes. */
const maxBytes = 512 * 1024;

/**
 * Reads a form beside the file that names it: a JSON Schema 2020-12, or a data schema of FIM (XDatenfelder) where its name
 * ends in `.xml`. Its revision is the hash of its content, so it changes exactly when the form does.
 * @throws RefusedFiles with the places if the form is wrong; HubError IMPORT_REFUSED if it cannot be read
 */
export async function readForm(path: string, namedIn: string): Promise<FormRecord> {
  const file = resolve(dirname(namedIn), path);
  const schema = /\.xml$/i.test(path) ? (await readXdatenfelder(file)).schema : await readJsonSchema(file);
  return { revision: formRevision(schema), schema };
}

/** A form from a file in XDatenfelder; code lists that it refers to are looked for in a folder, by default `codelists` beside it. */
export async function readXdatenfelder(file: string, codeLists = join(dirname(file), 'codelists')): Promise<ConvertedForm> {
  const form = convertXdatenfelder(await readSource(file, mostXmlBytes), await readCodeLists(codeLists));
  compileForm(form.schema);
  return form;
}

/** What is wrong with a form that could not be read: at its own places or, where it has none, for the place that names it. */
export function formComplaint(error: unknown, named: string): Saying | readonly Complaint[] {
  if (error instanceof RefusedFiles) return error.complaints;
  const message = error instanceof Error ? error.message : String(error);
  return /: cannot be read \(/.test(message) ? say.fileMissing(named) : say.unusableForm(message, named);
}

async function readJsonSchema(file: string): Promise<Json> {
  const { text } = await readSource(file, maxBytes);
  let schema: Json;
  try {
    schema = JSON.parse(text) as Json;
  } catch (error) {
    const [line, column] = whereBroken(text, error).split(':').map(Number);
    throw new RefusedFiles([{ file, line: line ?? 1, column: column ?? 1, path: '', ...say.notJson() }]);
  }
  try {
    compileForm(schema);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const pattern = error instanceof PatternError ? text.indexOf(JSON.stringify(error.pattern)) : -1;
    const line = text.slice(0, pattern).split('\n').length;
    throw new RefusedFiles([
      pattern < 0 ? complaintOf(file, text, schema, message) : { file, line, column: 1, path: '', ...say.unusableForm(message, file) },
    ]);
  }
  return schema;
}

/** The validator's words, at the place that they are about. */
function complaintOf(file: string, text: string, schema: Json, message: string): Complaint {
  // JSON is YAML: the reader of the cities' files knows the place of everything.
  const source = parseSource(file, text);
  const keyword = /unknown keyword: "([^"]+)"/.exec(message)?.[1];
  const at = keyword === undefined ? pathIn(message) : pathOfKey(schema, keyword, []);
  const saying = keyword === undefined ? say.unusableForm(message, file) : say.unknownKey(keyword, keywords);
  if (!('complain' in source)) return { file, line: 1, column: 1, path: '', ...saying };
  return source.complain(at ?? [], saying, keyword === undefined ? undefined : 'key');
}

/** Where the validator's message says it is: `data/properties/x`, or `at path "#/properties/x"`. */
function pathIn(message: string): Path | null {
  const pointer = /\bdata((?:\/[^\s/,]+)+)/.exec(message)?.[1] ?? /"#((?:\/[^"/]+)+)"/.exec(message)?.[1];
  return pointer === undefined
    ? null
    : pointer
        .slice(1)
        .split('/')
        .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Where a keyword first stands; never what a form names itself. */
function pathOfKey(schema: Json, keyword: string, path: Path): Path | null {
  if (schema === null || typeof schema !== 'object') return null;
  const isNames = !Array.isArray(schema) && ['properties', '$defs', 'patternProperties'].includes(String(path.at(-1)));
  if (!Array.isArray(schema) && !isNames && Object.hasOwn(schema, keyword)) return [...path, keyword];
  for (const [name, inner] of Object.entries(schema)) {
    const found = pathOfKey(inner, keyword, [...path, Array.isArray(schema) ? Number(name) : name]);
    if (found) return found;
  }
  return null;
}

/** Keywords that forms use, for the one that was meant. */
const keywords = (
  'type title description properties required additionalProperties items enum const pattern format minLength maxLength minimum ' +
  'maximum minItems maxItems uniqueItems default examples allOf anyOf oneOf not if then else $ref $defs x-title-en x-description-en ' +
  'x-expected x-message x-hub x-day x-place x-decimals'
).split(' ');
