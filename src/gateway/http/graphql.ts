import type { YogaServerInstance } from 'graphql-yoga';
import type { Identity, Principal } from '../../identity/identity.ts';
import { createContext, type Context, type Features } from '../context.ts';
import { answerTooLong, failure } from '../errors.ts';
import { ownExtensions } from '../outcome.ts';
import type { Answers, KeptAnswer } from './answers.ts';
import { readBody } from './body.ts';
import { askDirectly, type Answered } from './direct.ts';
import { answer, answerFailure, type Exchange, type Route } from './exchange.ts';
import { rateHeaders, type CountCaller, type RateState } from './rate.ts';

/** What the GraphQL route needs. */
export interface GraphqlRoute {
  /** Event streams that one caller may have open at this hub. */
  readonly mostStreams: number;
  /** Longest answer to a query, in bytes. */
  readonly mostAnswerBytes: number;
  readonly yoga: YogaServerInstance<Context, object>;
  readonly features: Features;
  readonly identity: Identity;
  /** Longest body, in bytes. */
  readonly mostBytes: number;
  /** Null: callers are not counted. */
  readonly rate: CountCaller | null;
  /** Answers to be given more than once. */
  readonly answers: Answers;
  /** The address that an anonymous caller is counted under. */
  readonly address: (exchange: Exchange) => string;
  /** Where somebody is led who follows a link to the API. */
  readonly forBrowsers: '/graphiql' | '/';
}

/** A browser sends other types across origins without asking first; these two it must ask for (CSRF). */
const isJson = (type: string | undefined): boolean => /^application\/(graphql\+)?json\s*(;|$)/i.test(type ?? '');

/** What the caller takes, without the multipart form of incremental delivery, which we do not have. */
const acceptable = (accept = '*/*'): string =>
  accept
    .split(',')
    .filter((type) => !/^\s*multipart\//i.test(type))
    .join(',') || '*/*';

/** False if a GET holds something else than JSON in a place for JSON: the engine would take it for a fault of its own. */
function hasJson({ searchParams }: URL): boolean {
  try {
    for (const name of ['variables', 'extensions']) JSON.parse(searchParams.get(name) || 'null');
    return true;
  } catch {
    return false;
  }
}

const isBrowser = (accept = ''): boolean => /\btext\/html\b/i.test(accept);

/**
 * The one `Authorization` header; null if there is none, undefined if there are several or an empty one: who sends them
 * means to be known, and must not be answered as somebody else.
 */
function authorizationOf({ headersDistinct }: Exchange['request']): string | null | undefined {
  const given = headersDistinct['authorization'] ?? [];
  if (given.length === 0) return null;
  return given.length === 1 && given[0]?.trim() !== '' ? given[0] : undefined;
}

const ownHeaders = new Set(['content-length', 'transfer-encoding', 'connection', 'cache-control']);

/** GraphQL over HTTP: identity, rate, size and type are checked here, so that the engine sees only what may run. */
export function graphqlRoute(route: GraphqlRoute): Route {
  const { yoga, features, identity, mostBytes, rate, answers, address, forBrowsers } = route;
  const streams = createStreams(route.mostStreams);
  return async (exchange) => {
    const { request, language } = exchange;
    const { method } = request;
    if (method !== 'GET' && method !== 'POST')
      return answerFailure(exchange, failure('METHOD_NOT_ALLOWED', language), { allow: 'GET, POST, OPTIONS' });
    if (method === 'POST' && !isJson(request.headers['content-type']))
      return answerFailure(exchange, failure('UNSUPPORTED_MEDIA_TYPE', language), { connection: 'close' });
    const { searchParams, search } = exchange.url;
    // Somebody who follows a link: the API has nothing to show.
    if (method === 'GET' && !searchParams.has('query') && isBrowser(request.headers.accept))
      return answer(exchange, 303, 'text/plain; charset=utf-8', '', { location: forBrowsers + search, vary: 'accept' });
    // The stream is read before anything is awaited: a body without a listener would be lost or stall.
    const body = method === 'POST' ? await readBody(request, mostBytes) : undefined;
    if (body === null) return answerFailure(exchange, failure('BODY_TOO_LARGE', language), { connection: 'close' });
    let counted: RateState | null = null;
    const tooOften = async (caller: string): Promise<boolean> => {
      counted = rate && (await rate(caller, Date.now()));
      if (!counted) return false;
      for (const [name, value] of Object.entries(rateHeaders(counted))) exchange.response.setHeader(name, value);
      if (counted.exceeded) answerFailure(exchange, failure('RATE_LIMITED', language), { 'retry-after': String(counted.resetSeconds) });
      return counted.exceeded;
    };
    const authorization = authorizationOf(request);
    if (authorization === undefined) return answerFailure(exchange, failure('BAD_REQUEST', language));
    let principal: Principal | null;
    try {
      principal = await identity.authenticate(authorization);
    } catch (refusal) {
      // Forged tokens cost us a signature each: whoever sends them is counted too, by address.
      if (await tooOften(address(exchange))) return;
      throw refusal;
    }
    if (await tooOften(principal?.owner ?? address(exchange))) return;
    if (method === 'GET' && !hasJson(exchange.url)) return answerFailure(exchange, failure('BAD_REQUEST', language));
    // The caller may have left while we waited.
    if (exchange.response.destroyed) return;

    const accept = acceptable(request.headers.accept);
    const ask = async (): Promise<Answered> => {
      const generation = features.federation?.current() ?? null;
      // Until the last byte: a subscription may run on it for days.
      if (generation) {
        const leave = generation.enter();
        // Closed while we waited, it will not close again.
        if (exchange.response.destroyed) leave();
        else exchange.response.once('close', leave);
      }
      const context = createContext(exchange, { language, principal, features, helpUrl: exchange.helpUrl, rate: counted, generation });
      exchange.outcome = context.outcome;
      exchange.outcome.charactersLeft = route.mostAnswerBytes;
      if (body) {
        const answered = await askDirectly(yoga, { body, accept, url: exchange.url.href }, context);
        if (answered) return answered;
      }
      // Only what the engine looks at goes in: the rest of the headers would be copied for nothing.
      const headers: Record<string, string> = { accept };
      if (body) headers['content-type'] = 'application/json';
      return yoga.fetch(new yoga.fetchAPI.Request(exchange.url.href, { method, headers, ...(body && { body: body.toString() }) }), context);
    };
    // Whoever is known may see more than others, and a GET is answered so rarely that it is not worth a rule of its own.
    const question = body && principal === null ? answers.question(body, accept) : null;
    if (question !== null && answers.mayBePublic(question)) {
      const own: { response?: Answered; text?: string; failed?: boolean } = {};
      const workOut = async (): Promise<KeptAnswer | null> => {
        own.failed = true;
        own.response = await ask();
        own.failed = false;
        if (isStream(own.response)) return null;
        own.text = await own.response.text();
        return toKept(own.text, own.response, exchange, route.mostAnswerBytes);
      };
      const kept =
        answers.find(question) ??
        (await answers.findOr(question, workOut).catch((error: unknown) => {
          // Who worked it out has failed; who only waited for it tries alone.
          if (own.failed) throw error;
          return null;
        }));
      if (own.response && own.text === undefined) return streams.run(own.response, exchange, address(exchange));
      if (own.response && own.text !== undefined) return sendText(own.response, own.text, exchange, route.mostAnswerBytes);
      if (kept) return sendKept(kept, exchange, counted);
    }
    const response = await ask();
    if (isStream(response)) return streams.run(response, exchange, principal?.owner ?? address(exchange));
    sendText(response, await response.text(), exchange, route.mostAnswerBytes);
  };
}

const isStream = (response: Answered): boolean =>
  Boolean(response.body) && Boolean(response.headers.get('content-type')?.startsWith('text/event-stream'));

/** Whether an answer has more bytes than that, or would have; a short one is not counted. */
const isLonger = (text: string, most: number, { charactersLeft }: Exchange['outcome']): boolean =>
  charactersLeft < 0 || (text.length > most / 3 && Buffer.byteLength(text) > most);

/** What of an answer can be given to others; null if it must not, or does not look as expected. */
function toKept(text: string, { status, headers }: Answered, { outcome }: Exchange, mostAnswerBytes: number): KeptAnswer | null {
  const tail = `,"extensions":${JSON.stringify(outcome.extensions)}}`;
  const contentType = headers.get('content-type') ?? null;
  if (!outcome.isPublic || outcome.code !== null || status !== 200 || contentType === null) return null;
  if (!text.startsWith('{"data":{') || !text.endsWith(tail) || isLonger(text, mostAnswerBytes, outcome)) return null;
  return { head: Buffer.from(text.slice(0, -tail.length)), contentType, operation: outcome.operation, cost: outcome.cost ?? 0 };
}

/** Anything may depend on who asks, and a cache outside the hub does not know who that is. */
const forNobodyElse = 'private, no-store';

function sendKept({ head, contentType, operation, cost }: KeptAnswer, exchange: Exchange, rate: RateState | null): void {
  Object.assign(exchange.outcome, { operation, cost, kind: 'query' });
  const tail = `,"extensions":${JSON.stringify(ownExtensions({ requestId: exchange.requestId, rate }, cost))}}`;
  const { response } = exchange;
  // Head and tail leave in one write; joined into one text, the head would be copied and encoded for every caller.
  response.cork();
  response.writeHead(200, {
    'content-type': contentType,
    'content-length': head.byteLength + Buffer.byteLength(tail),
    'cache-control': forNobodyElse,
    'x-cost': String(cost),
  });
  response.write(head);
  response.end(tail);
  response.uncork();
}

function setHeaders(from: Answered, { response: to, outcome }: Exchange): void {
  to.setHeader('cache-control', forNobodyElse);
  if (outcome.cost !== null) to.setHeader('x-cost', String(outcome.cost));
  from.headers.forEach((value, name) => {
    if (!ownHeaders.has(name)) to.setHeader(name, value);
  });
}

/** As a text it leaves in one write with the headers; as bytes it would take two. */
function sendText(from: Answered, text: string, exchange: Exchange, most: number): void {
  // What a mutation did is told at any length.
  if (exchange.outcome.kind === 'query' && isLonger(text, most, exchange.outcome))
    return answerFailure(exchange, answerTooLong(most, exchange.language));
  setHeaders(from, exchange);
  exchange.response.writeHead(from.status, { 'content-length': Buffer.byteLength(text) }).end(text);
}

/** Event streams, counted by caller: each holds a subscription, a connection and a place in the log. */
function createStreams(most: number) {
  const open = new Map<string, number>();
  return {
    async run(from: Answered, exchange: Exchange, caller: string): Promise<void> {
      const beside = (open.get(caller) ?? 0) + 1;
      if (beside > most) {
        await from.body?.cancel().catch(() => {});
        return answerFailure(exchange, failure('TOO_MANY_STREAMS', exchange.language), { 'retry-after': '30' });
      }
      open.set(caller, beside);
      exchange.leaveHand();
      try {
        await stream(from, exchange);
      } finally {
        const left = (open.get(caller) ?? 1) - 1;
        if (left > 0) open.set(caller, left);
        else open.delete(caller);
      }
    },
  };
}

/** Writes the engine's stream (SSE) event by event until the caller is gone. */
async function stream(from: Answered, exchange: Exchange): Promise<void> {
  const to = exchange.response;
  setHeaders(from, exchange);
  to.writeHead(from.status).flushHeaders();
  const reader = (from.body as ReadableStream<Uint8Array>).getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  to.once('close', cancel);
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (to.destroyed) break;
      if (!to.write(part.value) && !exchange.signal.aborted)
        await new Promise<void>((resolve) => void to.once('drain', resolve).once('close', resolve));
    }
  } finally {
    to.off('close', cancel).end();
  }
}
