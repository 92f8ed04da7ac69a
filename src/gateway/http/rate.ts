import { createHmac, randomBytes } from 'node:crypto';
import type { Cache } from '../../infra/cache/cache.ts';

/** How often one caller may ask. */
export interface RateLimit {
  /** Requests of one caller per minute. @default 6000 */
  readonly perMinute?: number;
  /** Key under which callers are counted, the same for all nodes that share a cache. @default random, each node counts alone */
  readonly secret?: string;
}

/** Where a caller stands within the minute. */
export interface RateState {
  /** Requests of one caller per minute. */
  readonly limit: number;
  readonly remaining: number;
  /** Until the count begins anew. */
  readonly resetSeconds: number;
  readonly exceeded: boolean;
}

/** Counts one request of a caller. */
export type CountCaller = (caller: string, now: number) => Promise<RateState | null>;

const windowMs = 60_000;

/** `RateLimit` and `RateLimit-Policy` (IETF draft-ietf-httpapi-ratelimit-headers-10). */
export const rateHeaders = ({ limit, remaining, resetSeconds }: RateState): Readonly<Record<string, string>> => ({
  'ratelimit-policy': `"minute";q=${limit};w=${windowMs / 1000}`,
  ratelimit: `"minute";r=${remaining};t=${resetSeconds}`,
});

/**
 * Counts callers in the cache, per minute. A caller is its token's owner or, for an anonymous one, its address: keyed and
 * hashed, since the cache holds no personal data. Where the cache is away nobody is refused.
 *
 * Answers null if the cache is away.
 */
export function createRateLimit(cache: Cache, { perMinute = 6000, secret }: RateLimit): CountCaller {
  const key = secret ?? randomBytes(32);
  return async (caller, now) => {
    const window = Math.floor(now / windowMs);
    const name = createHmac('sha256', key).update(`${window}|${caller}`).digest('base64url').slice(0, 22);
    const count = await cache.increment(`rate:${name}`, windowMs);
    if (count === null) return null;
    return {
      limit: perMinute,
      remaining: Math.max(0, perMinute - count),
      resetSeconds: Math.max(1, Math.ceil(((window + 1) * windowMs - now) / 1000)),
      exceeded: count > perMinute,
    };
  };
}
