import { expect, test } from 'vitest';
import { closePorts, openPorts } from '../../src/infra/open.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { describeWithStore } from '../kit/services.ts';
import { sampleEvent } from '../kit/sample-event.ts';

const log = createLog('silent');

describeWithStore('the ports', (kit) => {
  test('open by URL, work together and close, also while something is read', async () => {
    const ports = await openPorts({ storeUrl: await kit.freshUrl(), cacheUrl: 'memory:', busUrl: 'embedded:', log });
    const seen: string[] = [];
    await ports.bus.subscribe({ group: 'g', aggregateTypes: ['application'], handle: async ({ id }) => void seen.push(id) });
    const event = sampleEvent();
    await ports.store.transaction((tx) => ports.eventLog.append(tx, [event]));
    await expect.poll(() => seen).toEqual([event.id]);
    expect(ports.bus.kind).toBe('embedded');
    expect(await ports.cache.check()).toBe(true);
    await closePorts(ports);
    await expect(ports.store.check()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('a cache and a broker that are away do not keep the hub from starting; failures of the cache are counted', async () => {
    const metrics = createMetrics();
    const ports = await openPorts({
      storeUrl: await kit.freshUrl(),
      cacheUrl: 'redis://127.0.0.1:9',
      busUrl: 'kafka://127.0.0.1:9',
      log,
      metrics,
    });
    expect(await ports.cache.get('k')).toBeNull();
    expect(await ports.bus.check()).toBe(false);
    await ports.store.transaction((tx) => ports.eventLog.append(tx, [sampleEvent()]));
    expect(await ports.eventLog.head()).toBe(1);
    expect((await metrics.render()).text).toContain('staedtebund_cache_failures_total 1');
    await closePorts(ports);
  });

  test.each([
    ['cacheUrl', 'memcached://x', 'CACHE_URL must be'],
    ['busUrl', 'amqp://x', 'BUS_URL must be'],
    ['storeUrl', 'mongodb://x', 'STORE_URL must be'],
  ])('a wrong %s is refused and leaves nothing open', async (name, url, sentence) => {
    const urls = { storeUrl: await kit.freshUrl(), cacheUrl: 'memory:', busUrl: 'embedded:', [name]: url };
    await expect(openPorts({ ...urls, log })).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(sentence) });
  });
});
