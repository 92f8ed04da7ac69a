import { GraphQLError, type ExecutionResult } from 'graphql';
import type { GraphQLParams, YogaServerInstance } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Context } from '../context.ts';

/*
 * The short way through the engine for what nearly every request is: a JSON body that asks one thing, answered in one piece.
 * yoga's plugins, its parser, validation and execution run as ever; what is left out is its Request and Response of the
 * platform, the abort signals around them and their streams, which cost as much as all the rest of a small question.
 *
 * Whatever is unusual (a body that is no object, a subscription, media types that only a stream can serve, an error thrown before
 * anything ran) goes the long way and is answered there.
 */

/** As much of a Response as the route looks at. */
export interface Answered {
  readonly status: number;
  readonly headers: { get(name: string): string | null | undefined; forEach(each: (value: string, name: string) => void): void };
  readonly body: Response['body'];
  text(): Promise<string>;
}

const served = ['application/graphql-response+json', 'application/json'] as const;

const chosen = new LRUCache<string, { readonly type: string | null }>({ max: 200 });

const matches = (asked: string, type: string): boolean => {
  const [askedBefore, askedAfter] = asked.split('/');
  const [before, after] = type.split('/');
  return (askedBefore === '*' || askedBefore === before) && (askedAfter === '*' || askedAfter === after);
};

/** The media type that an Accept header gets, as the engine chooses it; null if it gets none of ours. */
export function mediaTypeFor(accept: string): string | null {
  const known = chosen.get(accept);
  if (known) return known.type;
  let type: string | null = null;
  for (const entry of accept.replaceAll(/\s/g, '').toLowerCase().split(',').toReversed()) {
    const [asked = '', ...params] = entry.split(';');
    if ((params.find((param) => param.includes('charset=')) ?? 'charset=utf-8') !== 'charset=utf-8') continue;
    for (const one of served) if (matches(asked, one)) type = one;
  }
  chosen.set(accept, { type });
  return type;
}

/** The question of a body, where it is one that this way can answer. */
function paramsOf(body: Buffer): GraphQLParams | null {
  let given: unknown;
  try {
    given = JSON.parse(body.toString());
  } catch {
    return null;
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return null;
  const { query } = given as { query?: unknown };
  return typeof query === 'string' && /\bsubscription\b/.test(query) ? null : (given as GraphQLParams);
}

/** Answers a POST; null if it has to go the long way. */
export async function askDirectly(
  yoga: YogaServerInstance<Context, object>,
  { body, accept, url }: { readonly body: Buffer; readonly accept: string; readonly url: string },
  context: Context,
): Promise<Answered | null> {
  const contentType = mediaTypeFor(accept);
  const params = contentType === null ? null : paramsOf(body);
  if (contentType === null || params === null) return null;
  const headers = new Map([['accept', accept]]);
  const request = { method: 'POST', url, headers: { get: (name: string) => headers.get(name) ?? null } } as unknown as Request;
  let result: ExecutionResult | AsyncIterable<ExecutionResult> | undefined;
  try {
    result = await yoga.getResultForParams({ params, request }, context);
  } catch (error) {
    // Refused by a plugin before anything ran: the long way refuses it again, and puts it into words. What ran never runs twice.
    if (context.outcome.kind !== null) throw error;
    return null;
  }
  if (result === undefined || Array.isArray(result)) return null;
  if (Symbol.asyncIterator in result) {
    // Nobody has begun to read it; the long way opens it anew.
    await result[Symbol.asyncIterator]().return?.();
    return null;
  }
  return toAnswered(result, contentType);
}

interface HttpExtension {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Set by the engine for what GraphQL over HTTP answers with 200 in `application/json`. */
  readonly spec?: boolean;
}

/** The answer with the status that its errors ask for; how they ask is not told. */
function toAnswered(result: ExecutionResult, contentType: string): Answered {
  const headers = new Map([['content-type', `${contentType}; charset=utf-8`]]);
  let status = 0;
  const errors = result.errors?.map((error) => {
    const { http, ...extensions } = error.extensions as { http?: HttpExtension };
    for (const [name, value] of Object.entries(http?.headers ?? {})) headers.set(name.toLowerCase(), value);
    if (http?.status && !(contentType === 'application/json' && http.spec) && http.status > status) status = http.status;
    if (http === undefined) return error;
    const { message, nodes, source, positions, path } = error;
    const place = { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path: path ?? null };
    return new GraphQLError(message, { ...place, extensions });
  });
  const text = JSON.stringify(errors ? { ...result, errors } : result);
  return { status: status || 200, headers, body: null, text: async () => text };
}
