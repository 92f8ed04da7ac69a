import { createHmac, randomBytes } from 'node:crypto';
import type { Cache } from '../../infra/cache/cache.ts';

/** How often one caller may ask. */
export interface RateLimit {
  /** Requests of one caller per minute. @default 6000 */
  readonly perMinute?: number;
  /** Key under which callers are counted, the same for all nodes that share a cache. @default random, each node counts alone */
  readonly secret?: string;
}

const windowMs = 60_000;

/**
 * Counts callers in the cache, per minute. A caller is its token's owner or, for an anonymous one, its address: keyed and
 * hashed, since the cache holds no personal data. Where the cache is away nobody is refused.
 *
 * Answers the seconds to wait, or null where the caller may go on.
 */
export function createRateLimit(
  cache: Cache,
  { perMinute = 6000, secret }: RateLimit,
): (caller: string, now: number) => Promise<number | null> {
  const key = secret ?? randomBytes(32);
  return async (caller, now) => {
    const window = Math.floor(now / windowMs);
    const name = createHmac('sha256', key).update(`${window}|${caller}`).digest('base64url').slice(0, 22);
    const count = await cache.increment(`rate:${name}`, windowMs);
    return count === null || count <= perMinute ? null : Math.max(1, Math.ceil(((window + 1) * windowMs - now) / 1000));
  };
}
