import { Agent, fetch as pooledFetch, type RequestInit as PooledRequestInit } from 'undici';
import { AdapterError, contractVersion, type Host } from '#contract';
import type { Log } from '../infra/log.ts';
import { currentCall } from './current-call.ts';
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
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
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
  const origins = new Set(endpoints.map((endpoint) => new URL(endpoint).origin));
  const agent = new Agent({ connections, maxResponseSize: maxResponseBytes, keepAliveTimeout: 4_000, connect: { timeout: 5_000 } });

  const fetchWithin = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    if (input instanceof Request) throw new AdapterError('unsupported', 'none', 'pass a URL and an init to fetch, not a Request');
    const url = new URL(input);
    if (!origins.has(url.origin))
      throw new AdapterError('misconfigured', 'none', `${url.origin} is not an endpoint in the config of ${city}: nothing was sent`);
    const method = (init.method ?? 'GET').toUpperCase();
    const headers = new Headers(init.headers);
    const call = currentCall.getStore();
    if (call?.traceparent) headers.set('traceparent', call.traceparent);
    // Compressed answers could unpack to any size.
    headers.set('accept-encoding', 'identity');
    const signals = [init.signal, call?.signal].filter((signal) => signal instanceof AbortSignal);
    try {
      const request: PooledRequestInit = {
        ...(init as PooledRequestInit),
        method,
        headers: [...headers],
        redirect: 'manual',
        dispatcher: agent,
        signal: signals.length > 0 ? AbortSignal.any(signals) : null,
      };
      const answer = await pooledFetch(url, request);
      const body = await answer.arrayBuffer();
      const empty = answer.status === 204 || answer.status === 205 || answer.status === 304;
      return new Response(empty ? null : body, { status: answer.status, statusText: answer.statusText, headers: [...answer.headers] });
    } catch (error) {
      throw wireFailure(error, method);
    }
  };

  const wireFailure = (error: unknown, method: string): AdapterError => {
    const code = codeOf(error);
    const wrote = method !== 'GET' && method !== 'HEAD' && !neverSent.has(code);
    const effect = wrote ? 'unknown' : 'none';
    if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
      return new AdapterError('malformed', effect, `the answer is larger than ${maxResponseBytes} bytes`);
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
