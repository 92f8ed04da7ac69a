import { setTimeout as sleep } from 'node:timers/promises';
import { execute, type ExecutionResult, type GraphQLError, type GraphQLSchema } from 'graphql';
import { Client } from 'undici';
import { createContext, type Features } from '../../src/gateway/context.ts';
import { publicError } from '../../src/gateway/errors.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import { createRows } from '../../src/federation/rows/rows.ts';
import { variableErrors } from '../../src/gateway/values-unsaid.ts';
import type { Principal } from '../../src/identity/identity.ts';
import { createIdentity } from '../../src/identity/oidc.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { isValid, parsed, unprovenDocument, type DocumentOptions, type RandomDocument } from './documents.ts';
import { hubValues } from './hub-values.ts';
import { createRandom, type Random } from './random.ts';
import type { SandboxHub } from './sandbox-hub.ts';
import { shrink } from './shrink.ts';

/*
 * Holds the hub, asked over HTTP as callers ask it, against graphql-js: the same schema, the same features, nothing in
 * between. Each document is asked twice, the second time with other variables, and a third time as the first by whoever is answered from
 * what is kept: what is kept, remembered or prepared after the first time must not change what comes later.
 */

/** An answer as it is compared: status, and the body's bytes without what belongs to one request alone. */
export interface Compared {
  readonly status: number;
  readonly body: string;
}

/** A document that two ways answer differently. */
export interface Difference {
  readonly seed: number;
  readonly persona: string | null;
  readonly accept: string;
  readonly document: RandomDocument;
  readonly expected: Compared;
  readonly answered: Compared;
}

export type Ask = (document: RandomDocument, persona: string | null, accept: string) => Promise<Compared>;

const personas = [
  null,
  null,
  null,
  'citizen',
  'citizen-eid',
  'citizen-low',
  'portal',
  'state',
  'operator',
  'clerk-duesseldorf',
  'clerk-koeln',
] as const;

/** Longer than any run takes, in seconds. */
const tokensHold = 7 * 86_400;

const accepts = ['application/json', 'application/graphql-response+json'] as const;

/** What changes from one moment to the next, whoever answers. */
const restless = new Set(['AdapterStatus.checkedAt', 'Kita.asOf', 'Office.asOf', 'Roadwork.asOf', 'Query.__schema', 'Query.__type']);

/** Without request ids, and without the extensions that the hub adds to every answer. */
function compared(status: number, { data, errors }: ExecutionResult): Compared {
  const told = errors?.map(({ message, locations, path, extensions: { requestId: _requestId, ...extensions } }) => ({
    message,
    locations,
    path,
    extensions,
  }));
  // The order of keys counts, and JSON keeps it.
  return { status, body: JSON.stringify({ ...(told && { errors: told }), ...(data !== undefined && { data }) }) };
}

/** What the hub adds to an answer of data alone. */
const ownEnd = /,"extensions":\{"requestId":"[\w.-]+"(?:,"cost":\d+)?\}\}$/;

/** The same of an answer as the hub sent it: data alone byte for byte as it came. */
function comparedText(status: number, text: string): Compared {
  const end = text.startsWith('{"data":') ? ownEnd.exec(text.slice(-200)) : null;
  if (end) return { status, body: `${text.slice(0, -end[0].length)}}` };
  return compared(status, JSON.parse(text) as ExecutionResult);
}

/** How graphql-js executes a document, or another executor in its place. */
export type Executor = (schema: GraphQLSchema, document: RandomDocument, context: object) => ExecutionResult | Promise<ExecutionResult>;

export const plainly: Executor = async (schema, { query, variables, operationName = null }, contextValue) => {
  const document = parsed(query);
  const result = await execute({ schema, document, variableValues: variables, operationName, contextValue });
  // Said in other words than graphql-js: their test is test/gateway/values-unsaid.test.ts.
  const unsaid = result.data === undefined ? variableErrors(schema, document, operationName, variables) : [];
  return unsaid.length > 0 ? { errors: unsaid } : result;
};

/** Asks an executor on the features of a running hub, and puts its errors into public form as the hub does. */
export async function askExecutor({ hub, issuer }: SandboxHub, executor: Executor): Promise<Ask> {
  const schema = createSchema();
  const metrics = createMetrics();
  const log = createLog('silent');
  const features: Features = {
    catalogue: hub.catalogue,
    applications: hub.applications,
    coordination: hub.coordination,
    events: hub.events,
    cities: hub.cities,
    rows: createRows({ cities: hub.cities, log, metrics }),
    federation: hub.federation,
  };
  const identity = createIdentity({ issuer: issuer.url, audience: 'staedtebund' });
  const principals = new Map<string | null, Principal | null>();
  for (const persona of new Set(personas))
    principals.set(persona, persona === null ? null : await identity.authenticate(`Bearer ${await issuer.token(persona, tokensHold)}`));
  return async (document, persona, accept) => {
    const exchange = { requestId: 'same', traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01`, signal: new AbortController().signal };
    const context = createContext(exchange, {
      language: 'DE',
      principal: principals.get(persona) ?? null,
      features,
      helpUrl: () => null,
      rate: null,
      generation: null,
    });
    const result = await executor(schema, document, context);
    const errors = result.errors?.map((error) => publicError(error, { requestId: null, language: 'DE', onUnexpected: () => {} }));
    // Refused before anything ran, there is no data: the media type of its own says so with the status (GraphQL over HTTP).
    const status = result.data === undefined && accept === 'application/graphql-response+json' ? 400 : 200;
    return compared(status, { ...result, ...(errors && { errors: errors.map(withoutHttp) }) } as ExecutionResult);
  };
}

/** How an error asks for a status is not told. */
const withoutHttp = ({ message, locations, path, extensions: { http: _http, ...extensions } }: GraphQLError) => ({
  message,
  locations,
  path,
  extensions,
});

/** Asks a running hub over HTTP, by one connection that stays open. */
export async function askHub({ hub, issuer }: SandboxHub): Promise<Ask> {
  const tokens = new Map<string, string>();
  for (const persona of new Set(personas)) if (persona !== null) tokens.set(persona, await issuer.token(persona, tokensHold));
  const connection = new Client(hub.url);
  return async (document, persona, accept) => {
    const token = persona === null ? {} : { authorization: `Bearer ${tokens.get(persona)}` };
    const { statusCode, body } = await connection.request({
      method: 'POST',
      path: '/graphql',
      headers: { 'content-type': 'application/json', accept, ...token },
      body: JSON.stringify(document),
    });
    return comparedText(statusCode, await body.text());
  };
}

/** A question, and the same with other variables. */
const pairOf = (document: RandomDocument, random: Random): [RandomDocument, RandomDocument] => [document, varied(document, random)];

/** The same question with other variables: flipped, left out, null. */
function varied(document: RandomDocument, random: Random): RandomDocument {
  const variables = Object.entries(document.variables).flatMap(([name, value]): [string, unknown][] => {
    if (typeof value === 'boolean' && random.chance(0.6)) return [[name, !value]];
    if (random.chance(0.1)) return [];
    return [[name, random.chance(0.1) ? null : value]];
  });
  return { ...document, variables: Object.fromEntries(variables) };
}

export interface DifferentialOptions {
  readonly sandbox: SandboxHub;
  readonly expected: Ask;
  readonly subject: Ask;
  readonly seed: number;
  readonly count: number;
  /** Ends the search early. */
  readonly enough?: (found: readonly Difference[], asked: number) => boolean;
  readonly documents?: DocumentOptions;
}

export interface Findings {
  readonly asked: number;
  /** Compared nothing: beyond the hub's own limits. */
  readonly limited: number;
  /** Compared nothing: a city did not answer in time, several times in a row. */
  readonly skipped: number;
  readonly found: readonly Difference[];
}

/** How often a document is asked anew because a city did not answer in time. */
const mostRepeats = 4;

/** Documents that are asked at the same time: nobody waits for what another one waits for. */
const lanes = 4;

/** Asks `count` documents from `seed` on; what differs, made small. */
export async function findDifferences(options: DifferentialOptions): Promise<Findings> {
  const { sandbox, expected, subject, seed: first, count, enough = () => false } = options;
  const schema = createSchema();
  const values = hubValues(sandbox);
  const found: Difference[] = [];
  const told = { asked: 0, limited: 0, skipped: 0 };

  const inTurn = async (
    one: RandomDocument,
    two: RandomDocument,
    persona: string | null,
    accept: string,
  ): Promise<Omit<Difference, 'seed'> | null> => {
    const right = [await expected(one, persona, accept), await expected(two, persona, accept)] as const;
    // What is kept for the next who asks, is kept for the anonymous alone.
    for (const [at, each] of (persona === null ? [one, two, one] : [one, two]).entries()) {
      const answered = await subject(each, persona, accept);
      const should = right[at % 2] as Compared;
      if (!isAlike(should, answered)) return { persona, accept, document: each, expected: should, answered };
    }
    return null;
  };

  async function compare(seed: number): Promise<void> {
    const random = createRandom(seed);
    const persona = random.pick(personas);
    const accept = random.pick(accepts);
    const make = (): RandomDocument => unprovenDocument(schema, random, { values, avoid: restless, ...options.documents });
    let [document, other] = pairOf(make(), random);
    let different = await inTurn(document, other, persona, accept);
    // What is no document is refused by the hub, and executed by graphql-js: another one takes its place.
    while (different !== null && !isValid(schema, document)) {
      [document, other] = pairOf(make(), random);
      different = await inTurn(document, other, persona, accept);
    }
    // A city that did not answer in time did so by chance: both sides are asked anew, until the answers tell of something else.
    for (let repeats = 0; different !== null && isByChance(different) && repeats < mostRepeats; repeats += 1) {
      await sleep(250 * 2 ** repeats);
      different = await inTurn(document, other, persona, accept);
    }
    if (different === null) return;
    // The limits are the hub's own, and have tests of their own.
    if (isLimited(different)) return void (told.limited += 1);
    if (isByChance(different)) return void (told.skipped += 1);
    const again = (smaller: RandomDocument) => inTurn(smaller, varied(smaller, createRandom(seed)), persona, accept);
    const small = await shrink(
      schema,
      different.document,
      async (smaller) => {
        const still = await again(smaller);
        return still !== null && !isLimited(still) && !isByChance(still);
      },
      200,
    );
    found.push({ seed, ...((await again(small)) ?? different) });
  }

  let begun = 0;
  const lane = async () => {
    while (begun < count && !enough(found, begun)) {
      await compare(first + (begun += 1) - 1);
      told.asked += 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { ...told, found: found.toSorted((a, b) => a.seed - b.seed) };
}

/**
 * Whether two answers are the same. Where a null went up from several places of lists, which of them is told as its reason is up to the one
 * that failed first: then the errors may differ in places of those lists, and in nothing else.
 */
export function isAlike(one: Compared, other: Compared): boolean {
  if (one.status !== other.status) return false;
  return one.body === other.body || withoutPlaces(one.body) === withoutPlaces(other.body);
}

interface Told {
  readonly data?: unknown;
  readonly errors?: readonly { readonly path?: readonly (string | number)[] }[];
}

/** The body without the places in lists of errors below what became null. */
function withoutPlaces(body: string): string {
  const { data, errors } = JSON.parse(body) as Told;
  const isAbove = (path: readonly (string | number)[]): boolean => {
    let at: unknown = data ?? null;
    return !path.every((key) => {
      if (at === null) return false;
      at = (at as Record<string | number, unknown>)[key] ?? null;
      return true;
    });
  };
  const told = errors?.map(({ path = [], ...rest }) => ({
    ...rest,
    path: isAbove(path) ? path.map((key) => (typeof key === 'number' ? '*' : key)) : path,
  }));
  return JSON.stringify({ errors: told, data });
}

const isLimited = ({ answered }: Omit<Difference, 'seed'>): boolean => answered.body.includes('"LIMIT_EXCEEDED"');

const isByChance = ({ expected, answered }: Omit<Difference, 'seed'>): boolean =>
  [expected, answered].some(({ body }) => /"CITY_(TIMED_OUT|UNAVAILABLE)"/.test(body));

/** A difference as a person reads it. */
export const differenceText = ({ seed, persona, accept, document, expected, answered }: Difference): string =>
  [
    `seed ${seed}, ${persona ?? 'anonymous'}, ${accept}`,
    document.query,
    JSON.stringify({ variables: document.variables, operationName: document.operationName }),
    `graphql-js: ${expected.status} ${expected.body}`,
    `otherwise:  ${answered.status} ${answered.body}`,
  ].join('\n');
