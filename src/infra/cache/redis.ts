import { Redis } from 'ioredis';
import type { Cache } from './cache.ts';

/*
 * A cache that is away must cost nothing: no command waits for a connection (no offline queue), none is tried twice, and
 * none takes longer than 200 ms. A dead Redis then costs a request less than a millisecond, and the connection comes back
 * by itself within half a second of Redis.
 */

/** What is told about a cache that fails. */
export interface RedisCacheOptions {
  /** Called for each command that failed and was answered as a miss; for counting. */
  readonly onFailure?: () => void;
  /** Called when the connection is lost and when it is there, once each; for the log. */
  readonly onConnection?: (up: boolean) => void;
  /** Before every key, so that hubs may share a Redis. @default 'staedtebund:' */
  readonly keyPrefix?: string;
}

/** Counter and its expiry in one step: a counter without an expiry would limit for ever. */
const INCREMENT = `local n = redis.call('incr', KEYS[1])
if n == 1 then redis.call('pexpire', KEYS[1], ARGV[1]) end
return n`;

/** A cache in Redis 6 or later, shared by all processes of the hub; returns at once, even if Redis is away. */
export function createRedisCache(url: string, options: RedisCacheOptions = {}): Cache {
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: 200,
    connectTimeout: 2000,
    keyPrefix: options.keyPrefix ?? 'staedtebund:',
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
  });
  let up = false;
  const turn = (now: boolean) => {
    if (now !== up) options.onConnection?.(now);
    up = now;
  };
  redis.on('ready', () => turn(true));
  redis.on('close', () => turn(false));
  // Without a listener ioredis prints every failed attempt to connect.
  redis.on('error', () => {});

  async function attempt<T>(command: () => Promise<T>, miss: T): Promise<T> {
    try {
      return await command();
    } catch {
      options.onFailure?.();
      return miss;
    }
  }

  return {
    shared: true,
    get: (key) => attempt(() => redis.get(key), null),
    set: (key, value, ttlMs) => attempt<unknown>(() => redis.set(key, value, 'PX', Math.max(1, Math.round(ttlMs))), null).then(() => {}),
    delete: (key) => attempt<unknown>(() => redis.del(key), null).then(() => {}),
    increment: (key, ttlMs) => attempt(async () => Number(await redis.eval(INCREMENT, 1, key, Math.max(1, Math.round(ttlMs)))), null),
    check: () => attempt(async () => (await redis.ping()) === 'PONG', false),
    close: async () => redis.disconnect(),
  };
}
