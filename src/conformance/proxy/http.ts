import { createServer, request as plainRequest, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, request as tlsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { RETRY_AFTER_SECONDS, type Exchange } from '../faults.ts';
import { expiredCertificate } from './expired-certificate.ts';
import { listen } from './listener.ts';
import { spoil } from './spoil.ts';
import { addressOf, turnsAway, type Proxy, type ProxyOptions, type Turns } from './proxy.ts';

/** An answer on its way to the adapter. */
interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

const DRIP_MS = 100;
const MAX_BODY = 64 * 1024 * 1024;
const perHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'host',
  'upgrade',
  'proxy-connection',
  'te',
  'trailer',
]);

/**
 * In front of an HTTP endpoint. The adapter speaks plain HTTP to it, whatever the endpoint speaks. Addresses of the back office in
 * answers become addresses of the proxy, and back, so that links keep leading through it.
 */
export async function startHttpProxy(endpoint: string, turns: Turns, { tlsExpired = false }: ProxyOptions): Promise<Proxy> {
  const upstream = new URL(endpoint);
  const closing = new AbortController();
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    serve(request, response).catch(() => response.destroy());
  };
  const server = tlsExpired ? createTlsServer(expiredCertificate(), onRequest) : createServer(onRequest);
  // An adapter may pause between two requests; the proxy is not the one to hang up.
  server.keepAliveTimeout = 0;
  const listener = await listen(server, tlsExpired ? 'secureConnection' : 'connection');
  const url = new URL(endpoint);
  url.protocol = tlsExpired ? 'https:' : 'http:';
  url.hostname = '127.0.0.1';
  url.port = String(listener.port);

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bytesOf(request);
    const exchange = turns.next(endpoint, request.method ?? 'GET', request.url ?? '/');
    const { fault } = exchange;
    if (fault === 'timeout') return;
    if (fault === 'reset' || fault === 'refused') return void request.socket.resetAndDestroy();
    const made = inFront(exchange, request, body);
    if (made) return send(exchange, response, made);
    const answer = await forward(exchange, request, body);
    if (fault === 'lost-reply') return void request.socket.resetAndDestroy();
    if (fault === 'slow-drip') return drip(request, answer);
    if (fault === 'cut-body') return cut(request, answer);
    if (fault === 'odd-record') return send(exchange, response, spoiled(exchange, answer));
    send(exchange, response, swapped(exchange, answer));
  }

  function spoiled(exchange: Exchange, answer: Answer): Answer {
    const spoiling = turns.fault?.spoiling;
    const type = answer.headers['content-type'] ?? '';
    if (!spoiling || answer.status !== 200) return answer;
    const { body, fields } = spoil(answer.body, type, spoiling);
    if (fields.length > 0) exchange.fields = fields;
    return { ...answer, body };
  }

  async function drip({ socket }: IncomingMessage, answer: Answer): Promise<void> {
    for (const byte of raw(answer)) {
      if (socket.destroyed) return;
      socket.write(Buffer.of(byte));
      await sleep(DRIP_MS, undefined, { signal: closing.signal, ref: false });
    }
  }

  const forward = (exchange: Exchange, request: IncomingMessage, body: Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { host, port } = addressOf(endpoint);
      const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !perHop.has(name)));
      const content = exchangeOrigins(body, headers['content-type'], url.origin, upstream.origin);
      const ask = upstream.protocol === 'https:' ? tlsRequest : plainRequest;
      const onward = ask(
        {
          host,
          port,
          method: request.method,
          path: request.url,
          headers: {
            ...headers,
            host: upstream.host,
            ...(content.length > 0 || request.method !== 'GET' ? { 'content-length': content.length } : {}),
          },
          agent: false,
          signal: closing.signal,
        },
        (incoming) => {
          bytesOf(incoming).then((bytes) => {
            exchange.reached = true;
            const own = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !perHop.has(name)));
            if (typeof own['location'] === 'string') own['location'] = own['location'].replace(upstream.origin, url.origin);
            const answered = exchangeOrigins(bytes, own['content-type'], upstream.origin, url.origin);
            resolve({ status: incoming.statusCode ?? 502, headers: own, body: answered });
          }, reject);
        },
      );
      onward.on('error', reject);
      onward.end(content);
    });

  return {
    url: pathPreserved(endpoint, url),
    address: `127.0.0.1:${listener.port}`,
    follow: () => (turnsAway(turns.fault) ? listener.shut() : listener.open()),
    async close() {
      closing.abort();
      await listener.shut();
    },
  };
}

/** `new URL` adds a slash where there was no path: the adapter gets its endpoint as the city wrote it. */
const pathPreserved = (written: string, made: URL): string =>
  made.pathname === '/' && !/^[a-z]+:\/\/[^/]+\//.test(written) ? made.href.replace(/\/(?=$|[?#])/, '') : made.href;

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new RangeError('the body is larger than 64 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const isText = (type: unknown): boolean => typeof type === 'string' && /json|xml|text|urlencoded/i.test(type);

const exchangeOrigins = (body: Buffer, type: unknown, from: string, to: string): Buffer =>
  isText(type) && body.includes(from) ? Buffer.from(body.toString('latin1').replaceAll(from, to), 'latin1') : body;

const LOGIN_PAGE =
  '<!DOCTYPE html><html><body><form action="/login"><input name="user"><input name="password" type="password"></form></body></html>';
const html = { 'content-type': 'text/html; charset=utf-8' };

/** What somebody in front of the back office answers in its place; null if the fault lets the request through. */
function inFront({ fault, method, path }: Exchange, request: IncomingMessage, body: Buffer): Answer | null {
  const json = (status: number, content: unknown, headers: OutgoingHttpHeaders = {}): Answer => ({
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(content)),
  });
  const pause = { 'retry-after': String(RETRY_AFTER_SECONDS) };
  if (fault === '503-retry-after') return json(503, { error: 'maintenance' }, pause);
  if (fault === '429') return json(429, { error: 'too many requests' }, pause);
  if (fault === '401-midway') return json(401, { error: 'unauthorized' }, { 'www-authenticate': 'Bearer' });
  if (fault === 'html-login-page-with-200') return { status: 200, headers: html, body: Buffer.from(LOGIN_PAGE) };
  if (fault !== 'echo') return null;
  const head = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}`);
  const quoted = `cannot handle: ${[`${method} ${path}`, ...head, '', body.toString('utf8')].join('\n')}`;
  return { status: 400, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from(quoted) };
}

function swapped({ fault }: Exchange, answer: Answer): Answer {
  const type = answer.headers['content-type'] ?? 'application/json';
  if (fault === '500') return { status: 500, headers: { 'content-type': 'text/plain' }, body: Buffer.from('Internal Server Error') };
  if (fault === '502-html') return { status: 502, headers: html, body: Buffer.from('<html><body><h1>502 Bad Gateway</h1></body></html>') };
  if (fault === 'empty-200') return { status: 200, headers: { 'content-type': type }, body: Buffer.alloc(0) };
  if (fault === 'wrong-shape')
    return {
      status: 200,
      headers: { 'content-type': type },
      body: Buffer.from(/xml/i.test(type) ? '<unexpected/>' : '{"unexpected":true}'),
    };
  return answer;
}

function send(exchange: Exchange, response: ServerResponse, { status, headers, body }: Answer): void {
  exchange.status = status;
  const bare = status === 204 || status === 304;
  response.writeHead(status, bare ? headers : { ...headers, 'content-length': body.length }).end(bare ? undefined : body);
}

/** The answer as bytes on the wire, so that it can be cut and dripped anywhere. */
function raw({ status, headers, body }: Answer): Buffer {
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${String(one)}`));
  const length = status === 204 || status === 304 ? [] : [`content-length: ${body.length}`];
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} x\r\n${[...lines, ...length].join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

/** In the middle of its body or, where it has none, of its head. */
function cut({ socket }: IncomingMessage, answer: Answer): void {
  const all = raw(answer);
  const end = answer.body.length > 1 ? all.length - Math.ceil(answer.body.length / 2) : Math.floor(all.length / 2);
  socket.end(all.subarray(0, end));
}
