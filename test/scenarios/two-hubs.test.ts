import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { restSimulatedSecret, startRestSimulator } from '../../adapters/rest/simulator.ts';
import { ars, neuss, startTestHub } from '../kit/hub.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { followStatus } from '../kit/sse.ts';

const patience = { timeout: 20_000, interval: 50 };

describeOnEachStore('two hub processes on one store', (kit) => {
  test('share the work without doing it twice, and each tells what the other did', async () => {
    const backoffice = await startRestSimulator({ dialect: 'vorgaenge', faults: { dropReplies: 0.2 } });
    const cities = { neuss: neuss({ baseUrl: backoffice.url, secret: restSimulatedSecret }) };
    const one = await startTestHub({ cities, env: { STORE_URL: await kit.freshUrl() } });
    const two = await startTestHub({ cities, like: one });
    try {
      const key = randomUUID();
      const [first, second] = await Promise.all([one.submit(ars.neuss, key), two.submit(ars.neuss, key)]);
      expect(second.id, 'one idempotency key is one application, whoever takes it').toBe(first.id);
      const abort = new AbortController();
      const followed = followStatus(two.url, await one.issuer.token('citizen'), first.id, abort.signal);
      await Promise.all(Array.from({ length: 30 }, (_, i) => (i % 2 ? one : two).submit(ars.neuss, randomUUID())));
      await expect.poll(() => new Set(backoffice.cases.list().map((one) => one.key)).size, patience).toBe(31);
      await expect.poll(() => followed.at(-1), patience).toBe('RECEIVED');
      abort.abort();
      const list = async (hub: typeof one) =>
        (
          await hub.ask<{ viewer: { applications: { totalCount: number } } }>(
            '{ viewer { applications(status: RECEIVED) { totalCount } } }',
            {},
            'citizen',
          )
        ).data?.viewer.applications.totalCount;
      await expect.poll(() => list(two), patience).toBe(31);
      expect(backoffice.cases.list(), 'each case once').toHaveLength(31);
    } finally {
      await two.close();
      await one.close();
      await backoffice.close();
    }
  });
});
