import type { YogaServerInstance } from 'graphql-yoga';
import type { Identity, Principal } from '../../identity/identity.ts';
import { createContext, type Context, type Features } from '../context.ts';
import { failure } from '../errors.ts';
import { readBody } from './body.ts';
import { answerFailure, type Exchange, type Route } from './exchange.ts';

/** What the GraphQL route needs. */
export interface GraphqlRoute {
  readonly yoga: YogaServerInstance<Context, object>;
  readonly features: Features;
  readonly identity: Identity;
  /** Longest body, in bytes. */
  readonly mostBytes: number;
  /** Seconds to wait, or null where the caller may go on. */
  readonly rate: ((caller: string, now: number) => Promise<number | null>) | null;
  /** The address that an anonymous caller is counted under. */
  readonly address: (exchange: Exchange) => string;
  readonly helpUrl: Context['helpUrl'];
}

/** A browser sends other types across origins without asking first; these two it must ask for (CSRF). */
const isJson = (type: string | undefined): boolean => /^application\/(graphql\+)?json\s*(;|$)/i.test(type ?? '');

/** What the caller takes, without the multipart form of incremental delivery, which we do not have. */
const acceptable = (accept = '*/*'): string =>
  accept
    .split(',')
    .filter((type) => !/^\s*multipart\//i.test(type))
    .join(',') || '*/*';

const ownHeaders = new Set(['content-length', 'transfer-encoding', 'connection', 'cache-control']);

/** GraphQL over HTTP: identity, rate, size and type are checked here, so that the engine sees only what may run. */
export function graphqlRoute({ yoga, features, identity, mostBytes, rate, address, helpUrl }: GraphqlRoute): Route {
  return async (exchange) => {
    const { request, language } = exchange;
    const { method } = request;
    if (method !== 'GET' && method !== 'POST')
      return answerFailure(exchange, failure('METHOD_NOT_ALLOWED', language), { allow: 'GET, POST, OPTIONS' });
    if (method === 'POST' && !isJson(request.headers['content-type']))
      return answerFailure(exchange, failure('UNSUPPORTED_MEDIA_TYPE', language), { connection: 'close' });
    // The stream is read before anything is awaited: a body without a listener would be lost or stall.
    const body = method === 'POST' ? await readBody(request, mostBytes) : undefined;
    if (body === null) return answerFailure(exchange, failure('BODY_TOO_LARGE', language), { connection: 'close' });
    const tooOften = async (caller: string): Promise<boolean> => {
      const wait = rate && (await rate(caller, Date.now()));
      if (wait) answerFailure(exchange, failure('RATE_LIMITED', language), { 'retry-after': String(wait) });
      return Boolean(wait);
    };
    let principal: Principal | null;
    try {
      principal = await identity.authenticate(request.headers.authorization ?? null);
    } catch (refusal) {
      // Forged tokens cost us a signature each: whoever sends them is counted too, by address.
      if (await tooOften(address(exchange))) return;
      throw refusal;
    }
    if (await tooOften(principal?.owner ?? address(exchange))) return;

    const context = createContext(exchange, { language, principal, features, helpUrl });
    exchange.outcome = context.outcome;
    // Only what the engine looks at goes in: the rest of the headers would be copied for nothing.
    const headers: Record<string, string> = { accept: acceptable(request.headers.accept) };
    if (body) headers['content-type'] = 'application/json';
    const target = new yoga.fetchAPI.Request(exchange.url.href, { method, headers, ...(body && { body: body.toString() }) });
    await send(await yoga.fetch(target, context), exchange);
  };
}

/** Writes the engine's answer: a whole text at once, a stream (SSE) event by event until the caller is gone. */
async function send(from: Response, exchange: Exchange): Promise<void> {
  const to = exchange.response;
  // Anything may depend on who asks, and a shared cache does not know who that is.
  to.setHeader('cache-control', 'private, no-store');
  from.headers.forEach((value, name) => {
    if (!ownHeaders.has(name)) to.setHeader(name, value);
  });
  if (!from.headers.get('content-type')?.startsWith('text/event-stream') || !from.body) {
    // As a text it leaves in one write with the headers; as bytes it would take two.
    const text = await from.text();
    to.writeHead(from.status, { 'content-length': Buffer.byteLength(text) }).end(text);
    return;
  }
  to.writeHead(from.status).flushHeaders();
  const reader = from.body.getReader();
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
