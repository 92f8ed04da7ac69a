import { setTimeout as sleep } from 'node:timers/promises';
import { execute, parse, type ExecutionResult, type GraphQLError, type GraphQLSchema } from 'graphql';
import { createContext, type Features } from '../../src/gateway/context.ts';
import { publicError } from '../../src/gateway/errors.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import { createRows } from '../../src/federation/rows/rows.ts';
import { variableErrors } from '../../src/gateway/values-unsaid.ts';
import type { Principal } from '../../src/identity/identity.ts';
import { createIdentity } from '../../src/identity/oidc.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { randomDocument, type DocumentOptions, type RandomDocument } from './documents.ts';
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

const accepts = ['application/json', 'application/graphql-response+json'] as const;

/** What changes from one moment to the next, whoever answers. */
const restless = new Set(['AdapterStatus.checkedAt', 'Kita.asOf', 'Office.asOf', 'Roadwork.asOf', 'Query.__schema', 'Query.__type']);

/** Without request ids, and without the extensions that the hub adds to every answer. */
export function compared(status: number, { data, errors }: ExecutionResult): Compared {
  const told = errors?.map(({ message, locations, path, extensions: { requestId: _requestId, ...extensions } }) => ({
    message,
    locations,
    path,
    extensions,
  }));
  // The order of keys counts, and JSON keeps it.
  return { status, body: JSON.stringify({ ...(told && { errors: told }), ...(data !== undefined && { data }) }) };
}

/** How graphql-js executes a document, or another executor in its place. */
export type Executor = (schema: GraphQLSchema, document: RandomDocument, context: object) => ExecutionResult | Promise<ExecutionResult>;

export const plainly: Executor = async (schema, { query, variables, operationName = null }, contextValue) => {
  const document = parse(query);
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
    principals.set(persona, persona === null ? null : await identity.authenticate(`Bearer ${await issuer.token(persona)}`));
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
    return compared(
      status,
      JSON.parse(JSON.stringify({ ...result, ...(errors && { errors: errors.map(withoutHttp) }) })) as ExecutionResult,
    );
  };
}

const withoutHttp = (error: GraphQLError) => {
  const { http: _http, ...extensions } = error.extensions;
  return { ...error.toJSON(), extensions };
};

/** Asks a running hub over HTTP. */
export async function askHub({ hub, issuer }: SandboxHub): Promise<Ask> {
  const tokens = new Map<string, string>();
  for (const persona of new Set(personas)) if (persona !== null) tokens.set(persona, await issuer.token(persona));
  return async (document, persona, accept) => {
    const token = persona === null ? {} : { authorization: `Bearer ${tokens.get(persona)}` };
    const response = await fetch(`${hub.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, ...token },
      body: JSON.stringify(document),
    });
    return compared(response.status, (await response.json()) as ExecutionResult);
  };
}

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

/** Asks `count` documents from `seed` on; what differs, made small. */
export async function findDifferences(options: DifferentialOptions): Promise<Findings> {
  const { sandbox, expected, subject, seed, count, enough = () => false } = options;
  const schema = createSchema();
  const values = hubValues(sandbox);
  const found: Difference[] = [];
  let limited = 0;
  let skipped = 0;
  let asked = 0;
  for (; asked < count && !enough(found, asked); asked += 1) {
    const random = createRandom(seed + asked);
    const persona = random.pick(personas);
    const accept = random.pick(accepts);
    const document = randomDocument(schema, random, { values, avoid: restless, ...options.documents });
    const other = varied(document, random);

    const inTurn = async (one: RandomDocument, two: RandomDocument): Promise<Omit<Difference, 'seed'> | null> => {
      const right = [await expected(one, persona, accept), await expected(two, persona, accept)] as const;
      // What is kept for the next who asks, is kept for the anonymous alone.
      for (const [at, each] of (persona === null ? [one, two, one] : [one, two]).entries()) {
        const answered = await subject(each, persona, accept);
        const should = right[at % 2] as Compared;
        if (should.status !== answered.status || should.body !== answered.body)
          return { persona, accept, document: each, expected: should, answered };
      }
      return null;
    };
    let different = await inTurn(document, other);
    // A city that did not answer in time did so by chance: both sides are asked anew, until the answers tell of something else.
    for (let repeats = 0; different !== null && isByChance(different) && repeats < mostRepeats; repeats += 1) {
      await sleep(250 * 2 ** repeats);
      different = await inTurn(document, other);
    }
    if (different === null) continue;
    // The limits are the hub's own, and have tests of their own.
    if (isLimited(different)) {
      limited += 1;
      continue;
    }
    if (isByChance(different)) {
      skipped += 1;
      continue;
    }
    const again = async (smaller: RandomDocument) => {
      const still = await inTurn(smaller, varied(smaller, createRandom(seed + asked)));
      return still !== null && !isLimited(still) && !isByChance(still);
    };
    const small = await shrink(schema, different.document, again, 200);
    found.push({ seed: seed + asked, ...((await inTurn(small, varied(small, createRandom(seed + asked)))) ?? different) });
  }
  return { asked, limited, skipped, found };
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
