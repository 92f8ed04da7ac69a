import { randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cache } from '../../src/infra/cache/cache.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { createRedisCache } from '../../src/infra/cache/redis.ts';
import { describeWithService } from '../kit/services.ts';

function cacheSuite(open: () => Promise<Cache>): void {
  let cache: Cache;
  const key = () => `test:${randomUUID()}`;
  beforeAll(async () => {
    cache = await open();
  });
  afterAll(() => cache.close());

  test('keeps a value and forgets it when told to', async () => {
    const k = key();
    expect(await cache.get(k)).toBeNull();
    await cache.set(k, 'Straßenfest 🎪', 60_000);
    expect(await cache.get(k)).toBe('Straßenfest 🎪');
    await cache.set(k, '', 60_000);
    expect(await cache.get(k)).toBe('');
    await cache.delete(k);
    expect(await cache.get(k)).toBeNull();
  });

  test('a value vanishes after its time', async () => {
    const k = key();
    await cache.set(k, 'short', 30);
    await expect.poll(() => cache.get(k)).toBeNull();
  });

  test('a counter counts every increment, also at once, and begins again after its time', async () => {
    const k = key();
    const counts = await Promise.all(Array.from({ length: 50 }, () => cache.increment(k, 300)));
    expect(counts.toSorted((a, b) => a! - b!)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    await expect.poll(() => cache.get(k), { timeout: 5000 }).toBeNull();
    expect(await cache.increment(k, 300)).toBe(1);
  });

  test('increments do not prolong a counter', async () => {
    const k = key();
    await cache.increment(k, 250);
    await expect
      .poll(
        async () => {
          await sleep(20);
          return (await cache.get(k)) === null || (await cache.increment(k, 250)) === 1;
        },
        { timeout: 5000 },
      )
      .toBe(true);
  });

  test('a value that is no number cannot be counted and stays', async () => {
    const k = key();
    await cache.set(k, 'text', 60_000);
    expect(await cache.increment(k, 60_000)).toBeNull();
    expect(await cache.get(k)).toBe('text');
  });

  test('says that it is there', async () => {
    expect(await cache.check()).toBe(true);
  });
}

describe('the cache in memory', () => {
  cacheSuite(async () => createMemoryCache());

  test('stays within its bounds', async () => {
    const cache = createMemoryCache({ maxEntries: 3, maxCharacters: 1000 });
    for (let i = 0; i < 10; i += 1) await cache.set(`k${i}`, 'x', 60_000);
    const kept = await Promise.all(Array.from({ length: 10 }, (_, i) => cache.get(`k${i}`)));
    expect(kept.filter((value) => value !== null)).toHaveLength(3);
    await cache.set('huge', 'x'.repeat(1001), 60_000);
    expect(await cache.get('huge')).toBeNull();
  });
});

describeWithService('redis', 'the cache in Redis', (url) => {
  cacheSuite(async () => {
    const ready = Promise.withResolvers<void>();
    const cache = createRedisCache(url, { keyPrefix: `test:${randomUUID()}:`, onConnection: () => ready.resolve() });
    await ready.promise;
    return cache;
  });

  test('a lost connection is a miss, is counted, and comes back by itself', async () => {
    // A relay of bytes in between, so that the connection can be cut without stopping a Redis that others use.
    const { hostname, port } = new URL(url);
    const sockets = new Set<Socket>();
    const relay = createServer((client) => {
      const redis = connect(Number(port || 6379), hostname);
      for (const socket of [client, redis]) sockets.add(socket.on('error', () => {}));
      client.pipe(redis).pipe(client);
    });
    const listen = (at: number) => new Promise<void>((resolve) => relay.listen(at, '127.0.0.1', resolve));
    await listen(0);
    const at = (relay.address() as AddressInfo).port;
    const seen: boolean[] = [];
    let failures = 0;
    const cache = createRedisCache(`redis://127.0.0.1:${at}`, {
      keyPrefix: `test:${randomUUID()}:`,
      onConnection: (up) => seen.push(up),
      onFailure: () => (failures += 1),
    });
    await expect.poll(() => cache.check(), { timeout: 5000 }).toBe(true);
    await cache.set('k', 'v', 60_000);
    failures = 0;

    relay.close();
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => cache.get('k')).toBeNull();
    expect(failures).toBeGreaterThan(0);

    await listen(at);
    await expect.poll(() => cache.get('k'), { timeout: 5000 }).toBe('v');
    expect(seen).toEqual([true, false, true]);
    await cache.close();
    relay.close();
    for (const socket of sockets) socket.destroy();
  });
});

describe('a Redis that is away', () => {
  test('costs a miss, never an error, and is counted', async () => {
    let failures = 0;
    const cache = createRedisCache('redis://127.0.0.1:9', { onFailure: () => (failures += 1) });
    await cache.set('k', 'v', 1000);
    await cache.delete('k');
    expect([await cache.get('k'), await cache.increment('k', 1000), await cache.check()]).toEqual([null, null, false]);
    expect(failures).toBe(5);
    await cache.close();
  });

  test('a Redis that accepts and never answers costs a miss as well', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    const cache = createRedisCache(`redis://127.0.0.1:${port}`);
    expect(await cache.get('k')).toBeNull();
    expect(await cache.check()).toBe(false);
    await cache.close();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
});
