import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GraphQLError, parse, validate, type GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { HubError } from '#contract';
import type { Context } from './context.ts';
import { failure, type FailureCode } from './errors.ts';

/*
 * Persisted documents: a portal registers what it will ask, and then sends a hash instead of a text. Asked for by
 * `documentId` (GraphQL over HTTP, appendix Persisted Documents; with or without `sha256:` before it) or, as Apollo's clients do, by
 * `extensions.persistedQuery.sha256Hash`. Where only persisted documents are allowed, a caller without an access token can
 * ask nothing else, introspection included.
 */

/** Documents by the SHA-256 of their text, hexadecimal. */
export type PersistedDocuments = ReadonlyMap<string, string>;

/** The extra name a request may carry. */
export const documentIdName = 'documentId';

const hashOf = (document: string): string => createHash('sha256').update(document).digest('hex');

/**
 * Reads a file of documents: JSON, hash → text, as client generators write it. Every text must have its hash and fit the
 * schema: what fails here would fail for a citizen later. One that does not fit is given to `onMisfit` where there is one, and
 * kept: a subgraph that comes later may answer it.
 * @throws HubError CONFIG_INVALID naming the file, the hash and what is wrong
 */
export function readPersistedDocuments(
  file: string,
  schema: GraphQLSchema,
  onMisfit?: (hash: string, complaint: string) => void,
): PersistedDocuments {
  const refuse = (de: string, en: string): never => {
    throw new HubError('CONFIG_INVALID', { de: `PERSISTED_DOCUMENTS ${file}: ${de}`, en: `PERSISTED_DOCUMENTS ${file}: ${en}` });
  };
  const refuseMisfit = (hash: string, complaint: string) => refuse(`${hash} passt nicht zum Schema: ${complaint}`, `${hash}: ${complaint}`);
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return error instanceof SyntaxError
      ? refuse(`ist kein JSON (${error.message})`, `is not JSON (${error.message})`)
      : refuse(
          `lässt sich nicht lesen (${(error as NodeJS.ErrnoException).code})`,
          `cannot be read (${(error as NodeJS.ErrnoException).code})`,
        );
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return refuse(
      'muss ein JSON-Objekt sein: Hash → Dokument, wie `staedtebund documents` es schreibt',
      'must be one JSON object: hash → document, as `staedtebund documents` writes it',
    );
  return new Map(
    Object.entries(given).map(([name, document]): [string, string] => {
      const hash = bare(name);
      if (typeof document !== 'string') return refuse(`${name} ist kein Text`, `${name} is no text`);
      if (hashOf(document) !== hash)
        return refuse(
          `${name} ist nicht der SHA-256 seines Dokuments; schreiben Sie die Datei mit \`staedtebund documents\` neu`,
          `${name} is not the SHA-256 of its document; write the file anew with \`staedtebund documents\``,
        );
      const wrong = complaintAbout(document, schema);
      if (wrong !== null) (onMisfit ?? refuseMisfit)(hash, wrong);
      return [hash, document];
    }),
  );
}

/** What is wrong with a document, or null. */
export function complaintAbout(document: string, schema: GraphQLSchema): string | null {
  try {
    const [error] = validate(schema, parse(document), undefined, { maxErrors: 1 });
    const place = error?.locations?.[0];
    return error ? `${place ? `line ${place.line}: ` : ''}${error.message}` : null;
  } catch (error) {
    const { message, locations } = error as GraphQLError;
    return `${locations?.[0] ? `line ${locations[0].line}: ` : ''}${message}`;
  }
}

/** Documents as a file of their own: hash → text. */
export const persistDocuments = (documents: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(documents.map((document) => [hashOf(document), document]));

const bare = (hash: string): string => hash.replace(/^sha256:/, '');

function refusal(code: FailureCode, { language, requestId }: Context): GraphQLError {
  const { message, status } = failure(code, language);
  return new GraphQLError(message, { extensions: { code, requestId, http: { status } } });
}

/**
 * What clients of Apollo's protocol (automatic persisted queries) wait for: on this message and code, and no other, they send the
 * text and try again. As Apollo's server says it: in English, and with 200.
 */
const notFoundForLinks = ({ requestId }: Context): GraphQLError =>
  new GraphQLError('PersistedQueryNotFound', { extensions: { code: 'PERSISTED_QUERY_NOT_FOUND', requestId, http: { status: 200 } } });

/** True for a client that asks by `extensions.persistedQuery`. */
const isByLink = (params: object): boolean => ((params as { documentId?: unknown }).documentId ?? null) === null;

const idOf = (params: object): string | null => {
  const { documentId, extensions } = params as { documentId?: unknown; extensions?: { persistedQuery?: { sha256Hash?: unknown } } };
  const id = documentId ?? extensions?.persistedQuery?.sha256Hash;
  return typeof id === 'string' ? bare(id) : null;
};

/** Puts the text in the place of its hash. */
export function persistedPlugin(documents: PersistedDocuments, onlyThese: boolean): Plugin<Context> {
  return {
    onParams({ params, setParams, context: ofRequest }) {
      const context = ofRequest as unknown as Context;
      const id = idOf(params);
      // As a caller wrote it: the engine looks at its type later. Null is as good as absent.
      const given: unknown = params.query ?? null;
      if (id !== null && given === null) {
        const query = documents.get(id);
        if (query === undefined) throw isByLink(params) ? notFoundForLinks(context) : refusal('PERSISTED_DOCUMENT_NOT_FOUND', context);
        return setParams({ ...params, query });
      }
      if (!onlyThese || context.principal !== null) return;
      if (typeof given !== 'string' || !documents.has(hashOf(given))) throw refusal('PERSISTED_DOCUMENTS_ONLY', context);
    },
  };
}
