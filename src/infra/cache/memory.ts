import { LRUCache } from 'lru-cache';
import type { Cache } from './cache.ts';

/** Bounds of the cache inside the process. */
export interface MemoryCacheOptions {
  /** Entries kept at most; the one used longest ago goes first. @default 10_000 */
  readonly maxEntries?: number;
  /** Characters of all values together, at most. @default 32 Mi */
  readonly maxCharacters?: number;
}

/** A cache inside the process: bounded, and gone with it. Counters are this process's alone. */
export function createMemoryCache(options: MemoryCacheOptions = {}): Cache {
  const values = new LRUCache<string, string>({
    max: options.maxEntries ?? 10_000,
    maxSize: options.maxCharacters ?? 32 * 2 ** 20,
    sizeCalculation: (value, key) => value.length + key.length + 1,
  });
  return {
    shared: false,
    get: async (key) => values.get(key) ?? null,
    set: async (key, value, ttlMs) => void values.set(key, value, { ttl: ttlMs }),
    delete: async (key) => void values.delete(key),
    async increment(key, ttlMs) {
      // Read as a number like Redis does: a counter and a value share one name space.
      const before = values.get(key);
      const count = Number(before ?? 0) + 1;
      if (!Number.isSafeInteger(count)) return null;
      values.set(key, String(count), { ttl: before === undefined ? ttlMs : values.getRemainingTTL(key) });
      return count;
    },
    check: async () => true,
    close: async () => values.clear(),
  };
}
