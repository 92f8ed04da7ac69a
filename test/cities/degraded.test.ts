import { expect, test } from 'vitest';
import { AdapterError, type AdapterDefinition } from '#contract';
import { CityCallError } from '../../src/cities/failure.ts';
import { createCities, type CityAdapter } from '../../src/cities/cities.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import type { Log } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';

const ars = '051110000000';
const own: CityAdapter = {
  id: 'cases',
  product: 'office',
  services: ['*'],
  statusMap: new Map(),
  limits: { concurrency: 4, timeoutMs: 5000, retries: 0, breaker: { failures: 5, halfOpenMs: 1000 } },
};

/** A back office that answers its check; whether it lets the hub write is `allowed`. */
function openCity() {
  const lines: string[] = [];
  const note = (level: string) => (_: unknown, message: string) => lines.push(`${level} ${message}`);
  const log = { debug: () => {}, info: note('info'), warn: note('warn'), error: note('error') } as unknown as Log;
  const rights = { allowed: false };
  const definition: AdapterDefinition = {
    id: 'office',
    version: '1.0.0',
    contract: ['1.0'],
    config: { '~standard': { version: 1, vendor: 'none', validate: (value: unknown) => ({ value }) } } as never,
    create: () => ({
      start: async () => {},
      stop: async () => {},
      check: async () => ({ ok: true, probes: [] }),
      cases: {
        traits: { maxBatch: 1, idempotency: 'native' },
        submit: async () => {
          if (!rights.allowed) throw new AdapterError('misconfigured', 'none', '401');
          return { ref: { id: 'c' }, taken: 'now', replayed: false };
        },
        // One who forgets the order and the nulls.
        loadCases: async (refs) => refs.slice(1).map(() => null),
      },
    }),
  };
  const cities = createCities({
    connected: [
      {
        city: { id: 'city', ars: ars as never, name: 'City', since: '2026-11-01', paused: false, catalogue: null, adapters: [own] },
        adapters: [{ id: 'cases', definition, config: {}, endpoints: [], secrets: [] }],
      },
    ],
    cache: createMemoryCache(),
    log,
    metrics: createMetrics(),
    now: () => new Date(),
  });
  const steps = { find: async () => undefined, save: async () => {} };
  const write = () =>
    cities
      .write('city', 'cases', (adapter, call) => adapter.cases!.submit({} as never, call), { key: 'k', steps, traceparent: '' })
      .catch(() => null);
  return { cities, lines, rights, write };
}

test('a back office that answers 401 to every delivery is DEGRADED with a hint, says so once as an error, and is UP when it lets the hub in', async () => {
  const { cities, lines, rights, write } = openCity();
  expect(await cities.status('city')).toMatchObject([{ state: 'UP', hint: null }]);
  for (let attempt = 0; attempt < 20; attempt += 1) await write();
  expect(await cities.status('city')).toMatchObject([{ state: 'DEGRADED', hint: expect.stringMatching(/credentials/) }]);
  expect(cities.accepts('city', 'cases'), 'it is no failure of the back office').toBe(true);
  expect(lines.filter((line) => line.startsWith('error'))).toEqual(['error a back office does not let the hub work']);
  rights.allowed = true;
  await write();
  expect(await cities.status('city')).toMatchObject([{ state: 'UP', hint: null }]);
});

test('a list of cases that is too short says of none of them that it is gone', async () => {
  const { cities } = openCity();
  const [seen] = await cities.loadCases('city', 'cases', [{ id: 'c' }], { traceparent: '' });
  expect(seen).toBeInstanceOf(CityCallError);
  expect((seen as CityCallError).failure.kind).toBe('malformed');
});
