import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type RemoteJWKSet,
} from 'jose';
import { HubError } from '#contract';

/** Where the issuer's keys are and how long we live with old ones. */
export interface KeyOptions {
  readonly issuer: string;
  readonly jwksUrl?: string | undefined;
  /** Longest wait for the issuer, in milliseconds. */
  readonly timeoutMs: number;
  /** After a failed fetch the issuer is left alone for this long, in milliseconds. */
  readonly pauseMs: number;
  /** How long keys are used beyond their refresh while the issuer is away, in milliseconds. */
  readonly graceMs: number;
  readonly now: () => number;
}

const refreshMs = 600_000;

/** How long keys just fetched are taken for all there are, in milliseconds: a flood of invented key ids is no flood on the issuer. */
const freshMs = 5000;

/** Fails where a document of the issuer is not what it must be. */
type Read<T> = (document: unknown) => T;

/**
 * The issuer's public keys. Fetched when first needed, once for all who wait for them; refreshed every ten minutes and, at
 * most every 5 s, for a key id not seen before. In between, a token of such a key is neither good nor bad: it fails with
 * ISSUER_UNAVAILABLE, to be tried again, since it may be the first one of a new key. While the issuer is away or answers something else: keys already known serve
 * on for `graceMs`; without any, verification fails with ISSUER_UNAVAILABLE, at once during the pause after a failed attempt,
 * so that a flood of tokens neither waits nor turns into a flood on the issuer.
 */
export function createKeys(options: KeyOptions): JWTVerifyGetKey {
  const { now } = options;
  let remote: RemoteJWKSet | null = null;
  let opening: Promise<RemoteJWKSet> | null = null;
  let failedAt = Number.NEGATIVE_INFINITY;
  let fetchedAt = Number.NEGATIVE_INFINITY;

  const fetchJson = async <T>(url: string, signal: AbortSignal, read: Read<T>): Promise<T> => {
    // Outside of what is caught: the pause must end though tokens keep coming.
    if (now() - failedAt < options.pauseMs) throw new Error('The issuer failed a moment ago');
    try {
      const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
      if (response.status !== 200) throw new Error(`The issuer answered ${response.status}`);
      return read(await response.json());
    } catch (cause) {
      failedAt = now();
      throw cause;
    }
  };

  const keysUrl: Read<URL> = (document) => {
    const { issuer, jwks_uri: url } = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
    if (issuer !== options.issuer || typeof url !== 'string') throw new Error('The discovery document names another issuer or no keys');
    return new URL(url);
  };

  const keySet: Read<object> = (document) => {
    createLocalJWKSet(document as JSONWebKeySet); // throws where it is none
    return document as object;
  };

  const discover = async (): Promise<URL> => {
    if (options.jwksUrl) return new URL(options.jwksUrl);
    const address = `${options.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    return fetchJson(address, AbortSignal.timeout(options.timeoutMs), keysUrl);
  };

  const open = async (): Promise<RemoteJWKSet> =>
    createRemoteJWKSet(await discover(), {
      timeoutDuration: options.timeoutMs,
      cacheMaxAge: refreshMs,
      cooldownDuration: freshMs,
      [customFetch]: async (url, { signal }) => {
        const keys = await fetchJson(url, signal, keySet);
        fetchedAt = now();
        return Response.json(keys);
      },
    });

  return async (header, token) => {
    const fetchedBefore = fetchedAt;
    try {
      remote ??= await (opening ??= open().finally(() => (opening = null)));
      return await remote(header, token);
    } catch (cause) {
      // Looked up for this very token and not found, it is of no key of the issuer's.
      if (cause instanceof errors.JWKSNoMatchingKey && (header.kid === undefined || fetchedAt !== fetchedBefore)) throw cause;
      if (cause instanceof errors.JWKSNoMatchingKey)
        throw new HubError('ISSUER_UNAVAILABLE', `The keys of ${options.issuer} were fetched a moment ago, without this one`, {
          retryable: true,
          cause,
        });
      if (cause instanceof errors.JOSENotSupported) throw cause;
      const known = remote?.jwks();
      if (known && now() - fetchedAt < refreshMs + options.graceMs) return createLocalJWKSet(known)(header, token);
      throw new HubError('ISSUER_UNAVAILABLE', `The keys of ${options.issuer} cannot be fetched`, { retryable: true, cause });
    }
  };
}
