import { readFileSync, writeFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { complaintAbout, persistDocuments } from '../gateway/persisted.ts';
import { createSchema } from '../gateway/schema.ts';

/**
 * Registers documents: checks each file against the schema (the hub's own where no file has another) and writes all of them as one JSON file, hash → text, which the
 * hub reads by PERSISTED_DOCUMENTS. Resolves to the exit code: 0 written, 1 a document does not fit.
 */
export function runDocuments(
  files: readonly string[],
  { out, schema: file }: { out?: string; schema?: string },
  print: (line: string) => void,
): number {
  const schema = file === undefined ? createSchema() : buildSchema(readFileSync(file, 'utf8'));
  const documents = files.map((name) => ({ name, text: readFileSync(name, 'utf8').trim() }));
  const complaints = documents.flatMap(({ name, text }) => {
    const wrong = complaintAbout(text, schema);
    return wrong === null ? [] : [`${name}: ${wrong}`];
  });
  for (const complaint of complaints) print(complaint);
  if (complaints.length > 0) return 1;
  const json = `${JSON.stringify(persistDocuments(documents.map(({ text }) => text)), null, 2)}\n`;
  if (out === undefined) print(json.trimEnd());
  else writeFileSync(out, json);
  return 0;
}
