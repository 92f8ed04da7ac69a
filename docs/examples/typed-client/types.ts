import { writeFile } from 'node:fs/promises';
import { buildSchema, introspectionFromSchema } from 'graphql';

/** The schema as a type, for gql.tada: JSON is a type of TypeScript, so nothing else is needed. */
export const typesOf = (sdl: string): string =>
  `export type introspection = ${JSON.stringify(introspectionFromSchema(buildSchema(sdl), { descriptions: false }))};\n`;

// node types.ts http://127.0.0.1:4000
const hub = process.argv[2];
if (import.meta.main && hub) await writeFile('schema-types.ts', typesOf(await (await fetch(`${hub}/schema.graphql`)).text()));
