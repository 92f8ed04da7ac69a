import {
  AdapterError,
  isJson,
  readJson,
  retryAfterMs,
  type AdapterErrorKind,
  type Call,
  type Host,
  type Json,
  type Reading,
} from '#contract';
import type { GraphqlConfig } from './config.ts';
import { isMutation } from './documents.ts';
import { at } from './pointer.ts';

export interface Answer {
  readonly data: Json;
  /** Set where some fields failed: what is missing in the data is not known to be absent. */
  readonly failed: AdapterError | null;
}

/** `reading`: lenient where cases are read, which are set aside one by one. */
export type Ask = (document: string, variables: Json, call: Call, reading?: Reading) => Promise<Answer>;

/** The cause of an error that says: the API would not take this document, whoever asks. */
export const documentRefused = 'the document was refused';

/** What servers commonly name in `extensions.code`. */
const usualCodes: Readonly<Record<string, AdapterErrorKind>> = {
  UNAUTHENTICATED: 'misconfigured',
  FORBIDDEN: 'misconfigured',
  GRAPHQL_PARSE_FAILED: 'misconfigured',
  GRAPHQL_VALIDATION_FAILED: 'misconfigured',
  BAD_USER_INPUT: 'rejected',
  RATE_LIMITED: 'retryable',
  TOO_MANY_REQUESTS: 'retryable',
  THROTTLED: 'retryable',
  SERVICE_UNAVAILABLE: 'unavailable',
  INTERNAL_SERVER_ERROR: 'unavailable',
};

/*
 * What an answer means (GraphQL over HTTP; the status says little, the body counts):
 *
 *   errors, no `data`     below 500: refused before anything was executed (a request error), nothing happened; from 500 on as with `data`
 *   errors and `data`     something was executed. A query hands back what there is. Of a mutation nothing happened only where every
 *                         error has a code that says so (refused, forbidden, throttled), none is below a root field, and no root
 *                         field has a value: what its resolver gave back was done before. Else its effect is unknown
 *   a code                `codes` of the config, then the usual ones; without a code a request error is a document that does not
 *                         fit the API: misconfigured; an error in execution is the API's own: unavailable
 *   no GraphQL body       by its status, as of any HTTP server
 */
export function createAsk(config: GraphqlConfig, host: Host): Ask {
  const [authName, authValue] = credentials(config.auth);
  const headers: Readonly<Record<string, string>> = {
    ...lowerCased(config.headers),
    accept: 'application/graphql-response+json, application/json;q=0.9',
    'content-type': 'application/json',
    ...(authName === null ? {} : { [authName.toLowerCase()]: authValue }),
  };
  const kindOf = (error: Json): AdapterErrorKind | undefined => {
    const code = at(error, '/extensions/code');
    if (typeof code !== 'string') return undefined;
    return (Object.hasOwn(config.codes, code) ? config.codes[code] : undefined) ?? usualCodes[code];
  };

  /** `executed`: the document may have run, in part or as a whole. */
  function toError(errors: readonly Json[], data: Json | undefined, executed: boolean, writes: boolean): AdapterError {
    const kinds = errors.map(kindOf);
    const known = kinds.find((kind) => kind !== undefined);
    const kind = known ?? (executed ? 'unavailable' : 'misconfigured');
    const refusing = kinds.every((each) => each !== undefined && each !== 'unavailable') && !errors.some(isBelowRoot);
    const settled = !writes || !executed || (refusing && Object.values(data ?? {}).every((value) => value === null));
    const code = at(errors[0], '/extensions/code');
    const words = executed ? 'the API failed while it answered' : 'the API refused the question: does the document fit it?';
    const refused = !executed && (known === undefined || code === 'GRAPHQL_VALIDATION_FAILED');
    return new AdapterError(kind, settled ? 'none' : 'unknown', kind === 'rejected' ? 'the back office refused' : words, {
      ...(typeof code === 'string' && /^\w{1,60}$/.test(code) ? { evidence: `code ${code}` } : {}),
      ...(refused ? { cause: documentRefused } : {}),
    });
  }

  return async (document, variables, call, reading = {}) => {
    const writes = isMutation(document);
    const unsure = writes ? 'unknown' : 'none';
    const body = JSON.stringify({ query: document, variables });
    const response = await host.fetch(config.url, { method: 'POST', headers, body, signal: call.signal }).catch((error: unknown) => {
      // Every question is a POST; one that only asks changed nothing, whatever became of it.
      throw error instanceof AdapterError && !writes ? new AdapterError(error.kind, 'none', error.message, { cause: error }) : error;
    });
    const answer = await bodyOf(response, unsure, reading);
    const errors = at(answer, '/errors');
    if (Array.isArray(errors) && errors.length > 0) {
      const data = at(answer, '/data');
      const failed = toError(errors as readonly Json[], data, data !== undefined || response.status >= 500, writes);
      if (writes || data === undefined || data === null) throw failed;
      return { data, failed };
    }
    const data = at(answer, '/data');
    if (!response.ok || data === undefined || data === null) throw statusError(response, host.now(), unsure);
    return { data, failed: null };
  };
}

/** An error in a field of what a root field gave back: the root field itself was done. */
const isBelowRoot = (error: Json): boolean => {
  const path = at(error, '/path');
  return Array.isArray(path) && path.length > 1;
};

/** One header that is said twice is said once: ours comes last. */
const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function credentials(auth: GraphqlConfig['auth']): [string, string] | [null, ''] {
  if (auth === 'none') return [null, ''];
  if ('header' in auth) return [auth.header, auth.secret];
  if (auth.scheme === 'bearer') return ['authorization', `Bearer ${auth.secret}`];
  return ['authorization', `Basic ${Buffer.from(`${auth.user}:${auth.secret}`).toString('base64')}`];
}

/** The JSON of an answer; null where a failure came without any. */
async function bodyOf(response: Response, unsure: 'none' | 'unknown', reading: Reading): Promise<Json> {
  if (response.ok) return readJson(response, unsure, reading);
  return isJson(response) ? readJson(response, unsure).catch(() => null) : null;
}

function statusError(response: Response, now: Date, unsure: 'none' | 'unknown'): AdapterError {
  const { status } = response;
  const asked = retryAfterMs(response, now);
  const pause = asked === undefined ? {} : { retryAfterMs: asked };
  if (status === 408 || status === 425 || status === 429 || (status === 503 && asked !== undefined))
    return new AdapterError('retryable', 'none', `the API asks for a pause (${status})`, pause);
  if (status >= 500) return new AdapterError('unavailable', unsure, `the API failed with ${status}`);
  if (status === 401 || status === 403)
    return new AdapterError('misconfigured', 'none', `the credentials or rights are not accepted (${status})`);
  if (status >= 300) return new AdapterError('misconfigured', 'none', `${status}: is url the address of the GraphQL API?`);
  return new AdapterError('malformed', unsure, 'the answer is no GraphQL answer: it has neither data nor errors');
}
