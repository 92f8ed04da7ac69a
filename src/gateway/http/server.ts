import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Log } from '../../infra/log.ts';
import { languageOf, noOutcome, requestIds } from '../context.ts';
import { failure, retrySoon, toFailure } from '../errors.ts';
import { answerFailure, type Exchange, type Route } from './exchange.ts';
import type { Observer } from './observe.ts';

/** Bounds of the HTTP server. */
export interface ServerLimits {
  /** Time in which a request's headers must have arrived, in milliseconds. @default 10_000 */
  readonly headersTimeoutMs?: number;
  /** Time in which a whole request must have arrived, in milliseconds. @default 15_000 */
  readonly requestTimeoutMs?: number;
  /** Connections at a time; further ones are closed at once. @default 10_000 */
  readonly connections?: number;
  /** Connections of one address (IPv6: of one /64) at a time; null if a proxy in front has them all. @default 256 */
  readonly connectionsPerAddress?: number | null;
  /** Requests in hand at a time, streams apart; further ones are told to come back at once. @default 512 */
  readonly requests?: number;
  /** How long an answer may stand still because its caller does not read it, in milliseconds. @default 20_000 */
  readonly stalledMs?: number;
}

/** Routes by exact path, or by their beginning where the name ends in `/*`. */
export type Routes = Readonly<Record<string, Route>>;

/** The HTTP server and how it ends. */
export interface HttpServer {
  readonly server: Server;
  /** True once `drain` was called. */
  readonly draining: () => boolean;
  /** Takes no more requests, ends streams, lets the rest finish for `graceMs` at most. */
  drain(graceMs: number): Promise<void>;
}

/** Sent with every answer. */
const always = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'cross-origin',
} as const;

/** The API takes bearer tokens and no cookies: any site may call it, none can act with somebody else's session. */
const crossOrigin = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'x-request-id, retry-after, ratelimit, ratelimit-policy, x-cost',
} as const;

const fixedHeaders = Object.entries({ ...always, ...crossOrigin });
const ownHeaders = Object.entries(always);

const preflight = {
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'authorization, content-type, accept, x-request-id, traceparent',
  'access-control-max-age': '86400',
} as const;

const routeOf = (routes: Routes, pathname: string): string | null => {
  if (Object.hasOwn(routes, pathname)) return pathname;
  return Object.keys(routes).find((name) => name.endsWith('/*') && pathname.startsWith(name.slice(0, -1))) ?? null;
};

/** A URL that no request can break: what does not parse is a path nobody serves. */
const urlOf = (request: IncomingMessage): URL =>
  URL.parse(`http://hub.invalid${request.url?.startsWith('/') ? request.url : `/${request.url}`}`) ?? new URL('http://hub.invalid/%00');

/**
 * Tells a response that waits behind another one of its connection (pipelined) that the connection is gone: not every Node 24 does,
 * and what listens for its end would be kept for ever.
 */
function closeQueued(response: ServerResponse): void {
  if (response.socket || response.destroyed || response.writableFinished) return;
  response.destroy();
  response.emit('close');
}

/** Whom a connection is counted under. One network of IPv6 is one caller: its holder has 2^64 addresses. */
function networkOf(address = ''): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIP(plain) !== 6) return plain;
  const [before = '', after] = plain.replace(/%.*$/, '').split('::');
  const [head, tail] = [before, after ?? ''].map((part) => part.split(':').filter(Boolean)) as [string[], string[]];
  const groups = after === undefined ? head : [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail];
  return groups.slice(0, 4).join(':');
}

/** Routes for whoever runs the hub: not for pages of other sites, and answered also when the hub has too much to do. */
const forOperators = new Set(['/health/live', '/health/ready', '/metrics']);

const busy = 'HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

/** Serves routes: ids, headers, observation and failures are the same for all of them. */
export function createHttpServer(
  routes: Routes,
  { observer, log, helpUrl, limits }: { observer: Observer; log: Log; helpUrl: Exchange['helpUrl']; limits: ServerLimits },
): HttpServer {
  let draining = false;
  const stopping = new AbortController();
  /** What is being answered, by its connection. */
  const open = new Map<Socket, Set<ServerResponse>>();
  const perAddress = limits.connectionsPerAddress === undefined ? 256 : limits.connectionsPerAddress;
  /** Connections by network. */
  const connected = new Map<string, number>();
  const mostInHand = limits.requests ?? 512;
  let inHand = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const ids = requestIds(request.headers);
    let caller: AbortController | null = null;
    const exchange: Exchange = {
      ...ids,
      request,
      response,
      url: urlOf(request),
      language: languageOf(request.headers),
      helpUrl,
      // Made when first asked for: aborting costs more than most requests, and only streams listen.
      get signal() {
        if (!caller) {
          caller = new AbortController();
          if (stopping.signal.aborted || response.destroyed) caller.abort();
          else stopping.signal.addEventListener('abort', stop);
        }
        return caller.signal;
      },
      outcome: noOutcome(),
      leaveHand: () => {},
    };
    const stop = () => caller?.abort();
    const beside = open.get(request.socket);
    // Of a connection that was turned away.
    if (!beside) return void response.destroy();
    beside.add(response);
    response.once('close', () => {
      beside.delete(response);
      if (caller) {
        stopping.signal.removeEventListener('abort', stop);
        stop();
      }
      if (draining) server.closeIdleConnections();
    });
    const name = routeOf(routes, exchange.url.pathname);
    for (const [header, value] of forOperators.has(name ?? '') ? ownHeaders : fixedHeaders) response.setHeader(header, value);
    response.setHeader('x-request-id', ids.requestId);
    if (draining) response.setHeader('connection', 'close');
    observer.begin(exchange, name ?? 'none');
    if (request.method === 'OPTIONS' && name) return void response.writeHead(204, preflight).end();
    const route = name && routes[name];
    if (!route) return answerFailure(exchange, failure('NOT_FOUND', exchange.language));
    // Told at once, a caller comes back later; told nothing, it waits until it gives up, and what is done for it then is done in vain.
    if (inHand >= mostInHand && !forOperators.has(name)) {
      request.resume();
      return answerFailure(exchange, failure('UNAVAILABLE', exchange.language), { 'retry-after': '2' });
    }
    inHand += 1;
    let isInHand = true;
    const done = () => {
      if (isInHand) inHand -= 1;
      isInHand = false;
    };
    exchange.leaveHand = done;
    response.once('close', done);
    try {
      await route(exchange);
    } catch (error) {
      if (response.destroyed) return;
      const told = toFailure(error, exchange.language);
      if (told.unexpected !== undefined) log.error({ requestId: ids.requestId, err: told.unexpected }, 'unexpected error in a route');
      const retry = told.retryable ? retrySoon : {};
      answerFailure(exchange, told, told.status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : retry);
      // Broken half-way: a cut connection is the only way left to say so.
      if (!response.writableEnded) response.destroy();
    }
  };

  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs ?? 10_000,
      requestTimeout: limits.requestTimeoutMs ?? 15_000,
      keepAliveTimeout: 65_000, // longer than usual proxies, which otherwise reuse a connection we are closing
      maxHeaderSize: 16_384,
      // How often those two are looked at.
      connectionsCheckingInterval: Math.min(2000, (limits.headersTimeoutMs ?? 10_000) / 2),
    },
    (request, response) => void serve(request, response),
  );
  server.maxConnections = limits.connections ?? 10_000;
  server.maxRequestsPerSocket = 0;
  // Node's own clock for a connection at rest: it starts anew with every byte that moves, in either direction.
  server.timeout = limits.stalledMs ?? 20_000;
  server.on('timeout', (socket) => {
    const answering = (open.get(socket)?.size ?? 0) > 0;
    // A stream that is silent, or a question that is being answered, has nothing to write: it may go on.
    if (!answering || socket.writableLength > 0) socket.destroy();
  });
  server.on('connection', (socket) => {
    const those = new Set<ServerResponse>();
    const network = networkOf(socket.remoteAddress);
    const beside = (connected.get(network) ?? 0) + 1;
    if (perAddress !== null && beside > perAddress) {
      // Without a word the caller would try again at once.
      socket.end(busy, () => socket.destroySoon());
      return;
    }
    connected.set(network, beside);
    open.set(socket, those);
    socket.once('close', () => {
      open.delete(socket);
      const left = (connected.get(network) ?? 1) - 1;
      if (left > 0) connected.set(network, left);
      else connected.delete(network);
      for (const response of those) closeQueued(response);
    });
  });
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else socket.destroy();
  });

  return {
    server,
    draining: () => draining,
    drain: async (graceMs) => {
      draining = true;
      for (const those of open.values()) for (const response of those) if (!response.headersSent) response.setHeader('connection', 'close');
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      stopping.abort();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
