import { readFileSync } from 'node:fs';
import { readEventSchemas } from '../catalogue.ts';
import { asyncApiDocument } from './asyncapi.ts';
import { eventDeclarations } from './declarations.ts';
import { withEventEntries } from './page.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

/** What is generated from the schemas of events, by its path. */
const documents: Readonly<Record<string, () => string>> = {
  'schema/events/asyncapi.yaml': () =>
    asyncApiDocument(readEventSchemas(), (JSON.parse(read('package.json')) as { version: string }).version),
  'schema/events/events.ts': () => eventDeclarations(readEventSchemas()),
  'docs/reference/events.md': () => withEventEntries(read('docs/reference/events.md'), readEventSchemas()),
};

/** Plugin of graphql-codegen (codegen.ts), so that one command generates all: the GraphQL schema that it is given plays no part. */
export function plugin(_schema: unknown, _documents: unknown, { path }: { readonly path: string }): string {
  const generate = documents[path];
  if (!generate) throw new Error(`Nothing is generated for ${path} from the schemas of events.`);
  return generate();
}
