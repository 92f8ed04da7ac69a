import { Agent, fetch as pooledFetch, type RequestInit as PooledRequestInit } from 'undici';
import { AdapterError, contractVersion, type Host } from '#contract';
import type { Log } from '../infra/log.ts';
import { currentCall } from './current-call.ts';
import { readAnswer, unpacked } from './read-answer.ts';
import type { Redact } from './redaction.ts';

export interface HostOptions {
  readonly city: string;
  readonly ars: string;
  readonly adapter: string;
  /** Contract version that was chosen for this adapter. @default the newest */
  readonly contract?: string;
  /** URLs that the config declares as endpoints; nothing else can be reached. */
  readonly endpoints: readonly string[];
  /** Sockets per back office. */
  readonly connections: number;
  /** Largest answer in bytes. @default 8 MiB */
  readonly maxResponseBytes?: number;
  readonly redact: Redact;
  readonly log: Log;
  readonly now: () => Date;
}

/** A host and the end of its sockets. */
export interface OwnedHost {
  readonly host: Host;
  close(): Promise<void>;
}

/** Codes of failures before the first byte of the request went out. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_INVALID_ARG',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** Headers that the connection sets itself; `fetch` forbids them too. */
const ownHeaders = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'accept-encoding',
  'expect',
]);

const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/;

const codeOf = (error: unknown): string => {
  for (let at = error; at instanceof Error; at = at.cause) {
    // A name with several addresses fails with one error per address.
    const parts = at instanceof AggregateError ? [at, ...at.errors] : [at];
    for (const part of parts) if (part && typeof part === 'object' && 'code' in part && typeof part.code === 'string') return part.code;
  }
  return error instanceof Error ? error.name : 'unknown';
};

/**
 * What an adapter may touch of the hub. Its `fetch` reads an answer to its end before it returns it, so that every failure
 * on the wire is one AdapterError that says honestly whether a write may have landed: refused before it was sent: `none`;
 * broken or cut afterwards: `unknown`.
 */
export function createHost(options: HostOptions): OwnedHost {
  const { city, ars, adapter, endpoints, connections, maxResponseBytes = 8 * 1024 * 1024, redact, log, now } = options;
  // Other schemes have no origin of their own: all of them would be `null`, and so would be `data:`.
  const origins = new Set(
    endpoints.map((endpoint) => new URL(endpoint)).flatMap(({ protocol, origin }) => (/^https?:$/.test(protocol) ? [origin] : [])),
  );
  const agent = new Agent({ connections, maxResponseSize: maxResponseBytes, keepAliveTimeout: 4_000, connect: { timeout: 5_000 } });

  const fetchWithin = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    if (input instanceof Request) throw new AdapterError('unsupported', 'none', 'pass a URL and an init to fetch, not a Request');
    const url = new URL(input);
    if (!origins.has(url.origin))
      throw new AdapterError('misconfigured', 'none', `${url.origin} is not an endpoint in the config of ${city}: nothing was sent`);
    const method = (init.method ?? 'GET').toUpperCase();
    const call = currentCall.getStore();
    const signals = [init.signal, call?.signal].filter((signal) => signal instanceof AbortSignal);
    // Adapters pass on the signal of their call: most have one, not two.
    const signal = new Set(signals).size > 1 ? AbortSignal.any(signals) : (signals[0] ?? null);
    const { body } = init;
    try {
      signal?.throwIfAborted();
      if (typeof body === 'string' || body instanceof Uint8Array || body === null || body === undefined)
        return await send(url, method, headersOf(init.headers, call?.traceparent, typeof body === 'string'), body ?? null, signal);
      return await sendForm(url, method, init, call?.traceparent, signal);
    } catch (error) {
      throw error instanceof AdapterError ? error : wireFailure(error, method);
    }
  };

  /** Most requests: a text or bytes. Three times as cheap as a fetch. */
  async function send(
    url: URL,
    method: string,
    headers: Record<string, string>,
    body: string | Uint8Array | null,
    signal: AbortSignal | null,
  ): Promise<Response> {
    const answer = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers,
      body,
      signal,
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const encoding = answer.headers['content-encoding'];
    return readAnswer(
      url.href,
      answer.statusCode,
      answer.headers,
      unpack(bytes, Array.isArray(encoding) ? encoding.at(-1) : encoding, method),
    );
  }

  /** Forms, blobs and streams, as the platform encodes them. */
  async function sendForm(
    url: URL,
    method: string,
    init: RequestInit,
    traceparent: string | undefined,
    signal: AbortSignal | null,
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    if (traceparent) headers.set('traceparent', traceparent);
    headers.set('accept-encoding', 'identity');
    const request: PooledRequestInit = {
      ...(init as PooledRequestInit),
      method,
      headers: [...headers],
      redirect: 'manual',
      dispatcher: agent,
      signal,
    };
    const answer = await pooledFetch(url, request);
    return readAnswer(url.href, answer.status, Object.fromEntries(answer.headers), Buffer.from(await answer.arrayBuffer()));
  }

  const unpack = (bytes: Buffer, encoding: string | undefined, method: string): Buffer => {
    if (encoding === undefined) return bytes;
    try {
      return unpacked(bytes, encoding, maxResponseBytes);
    } catch (error) {
      const effect = method === 'GET' || method === 'HEAD' ? 'none' : 'unknown';
      const large = error instanceof RangeError;
      throw new AdapterError('malformed', effect, large ? tooLarge : `the answer says that it is packed (${redact(encoding)}) and is not`);
    }
  };

  const tooLarge = `the answer is larger than ${maxResponseBytes} bytes`;

  const wireFailure = (error: unknown, method: string): AdapterError => {
    const code = codeOf(error);
    const wrote = method !== 'GET' && method !== 'HEAD' && !neverSent.has(code);
    const effect = wrote ? 'unknown' : 'none';
    if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return new AdapterError('malformed', effect, tooLarge);
    if (certificate.test(code))
      return new AdapterError('misconfigured', effect, `the certificate of the back office does not hold (${code})`);
    return new AdapterError('unavailable', effect, `the back office could not be reached or broke off (${redact(code)})`);
  };

  const host: Host = {
    city,
    ars,
    contract: options.contract ?? contractVersion,
    now,
    fetch: fetchWithin,
    log(level, message, facts = {}) {
      const clean = Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, typeof fact === 'string' ? redact(fact) : fact]));
      log[level]({ ...clean, city, adapter }, redact(message));
    },
  };
  return { host, close: () => agent.destroy() };
}

function headersOf(given: RequestInit['headers'], traceparent: string | undefined, isText: boolean): Record<string, string> {
  const headers: Record<string, string> = {};
  const add = (name: string, value: string) => {
    const lower = name.toLowerCase();
    if (ownHeaders.has(lower)) return;
    headers[lower] = headers[lower] === undefined ? value : `${headers[lower]}, ${value}`;
  };
  // The ways to write headers, the cheap one first.
  if (given instanceof Headers) given.forEach((value, name) => add(name, value));
  else if (given && Symbol.iterator in given) for (const [name = '', value = ''] of given as Iterable<readonly string[]>) add(name, value);
  else for (const [name, value] of Object.entries(given ?? {})) add(name, value);
  headers['accept'] ??= '*/*';
  headers['user-agent'] ??= 'staedtebund';
  if (isText) headers['content-type'] ??= 'text/plain;charset=UTF-8';
  if (traceparent) headers['traceparent'] = traceparent;
  // Compressed answers could unpack to any size.
  headers['accept-encoding'] = 'identity';
  return headers;
}
