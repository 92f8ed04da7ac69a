import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { HubError, type Adapter, type AdapterDefinition, type Host, type ServiceKey } from '#contract';
import { CityCallError, createCities, type Cities, type ConnectedCity } from '../../src/cities/cities.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';

const secret = 'a-well-kept-secret';

/** An adapter whose calls the tests write themselves; it hands out its host. */
const open = new Map<string, Host>();
const definition: AdapterDefinition = {
  id: 'open',
  version: '1.0.0',
  contract: ['1.0'],
  config: z.looseObject({}),
  create(config, host): Adapter {
    const { url } = config as { url: string };
    open.set(host.city, host);
    return {
      start: async () => {},
      stop: async () => {},
      async check(call) {
        await host.fetch(`${url}/check`, { signal: call.signal });
        return { ok: true, probes: [{ name: 'answer', ok: true, ms: 1 }] };
      },
    };
  },
};

const city = (id: string, ars: string, url: string, over: { services?: string[]; timeoutMs?: number } = {}): ConnectedCity => ({
  city: {
    id,
    ars: ars as never,
    name: id,
    since: '2026-11-01',
    paused: false,
    catalogue: null,
    adapters: [
      {
        id: 'cases',
        product: 'open',
        services: over.services ?? ['*'],
        statusMap: new Map(),
        limits: { concurrency: 2, timeoutMs: over.timeoutMs ?? 10_000, retries: 0, breaker: { failures: 3, halfOpenMs: 60_000 } },
      },
    ],
  },
  adapters: [{ id: 'cases', definition, config: { url }, endpoints: [url], secrets: [secret] }],
});

let answering: Server;
let silent: Server;
const requests: { path: string; headers: Record<string, unknown> }[] = [];
const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as { port: number }).port}`;
const listen = (server: Server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

beforeAll(async () => {
  answering = createServer((request, response) => {
    requests.push({ path: request.url ?? '', headers: request.headers });
    if (request.url === '/elsewhere') return response.writeHead(302, { location: `${urlOf(silent)}/stolen` }).end();
    if (request.url === '/large') return response.end('x'.repeat(9 * 1024 * 1024));
    if (request.url === '/reset') return response.destroy();
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  silent = createServer(() => {});
  await Promise.all([listen(answering), listen(silent)]);
});
afterAll(() => {
  for (const server of [answering, silent]) {
    server.closeAllConnections();
    server.close();
  }
});

const connect = (connected: readonly ConnectedCity[], now = () => new Date()) => {
  const metrics = createMetrics();
  const cache = createMemoryCache();
  const cities = createCities({ connected, cache, log: createLog('silent'), metrics, now });
  afterAll(() => cities.stop());
  return { cities, metrics, cache };
};

const options = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
const get = (cities: Cities, id: string, path: string, method = 'GET') =>
  cities.read(id, 'cases', async (_, call) => open.get(id)!.fetch(path, { method, signal: call.signal }), options);
const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return error as CityCallError;
};

describe('the registry', () => {
  test('finds cities by id and by ARS, and knows no other', () => {
    const { cities } = connect([city('a', '051110000000', 'http://127.0.0.1:9')]);
    expect(cities.findByArs('051110000000')).toBe(cities.find('a'));
    expect(cities.findByArs('051620024024')).toBeNull();
    expect(() => cities.adapter('b', 'cases')).toThrow(HubError);
  });

  test('a service goes to the adapter that names it, else to the one for all, else nowhere', () => {
    const one = city('a', '051110000000', 'http://127.0.0.1:9');
    const [all] = one.city.adapters;
    const named = { ...all!, id: 'parking', services: ['99108001001000', 'own-key'] };
    const { cities } = connect([
      { city: { ...one.city, adapters: [all!, named] }, adapters: [...one.adapters, { ...one.adapters[0]!, id: 'parking' }] },
    ]);
    const found = cities.find('a')!;
    const key = (text: string) => text as ServiceKey;
    expect(cities.adapterFor(found, { key: key('99108001001000'), localKey: 'x' })?.id).toBe('parking');
    expect(cities.adapterFor(found, { key: key('99108001001003'), localKey: 'x' })?.id, 'a detail of it').toBe('parking');
    expect(cities.adapterFor(found, { key: key('99000000000000'), localKey: 'own-key' })?.id).toBe('parking');
    expect(cities.adapterFor(found, { key: key('99000000000000'), localKey: 'x' })?.id).toBe('cases');
    expect(cities.adapterFor({ ...found, adapters: [named] }, { key: key('99000000000000'), localKey: 'x' })).toBeNull();
  });
});

describe('one sick city', () => {
  test('never slows another: it fills only its own bulkhead and its own breaker', async () => {
    const { cities, metrics } = connect([
      city('well', '051110000000', urlOf(answering)),
      city('sick', '051620024024', urlOf(silent), { timeoutMs: 1_500 }),
    ]);
    const sick = Promise.allSettled(Array.from({ length: 30 }, () => get(cities, 'sick', urlOf(silent))));
    let sickEnded = false;
    void sick.then(() => (sickEnded = true));
    for (let count = 0; count < 10; count++) expect((await get(cities, 'well', urlOf(answering))).status).toBe(200);
    expect(sickEnded, 'the well city was answered while the sick one still hung').toBe(false);
    expect((await sick).every(({ status }) => status === 'rejected')).toBe(true);
    expect([cities.accepts('well', 'cases'), cities.accepts('sick', 'cases')]).toEqual([true, false]);
    const { text } = await metrics.render();
    expect(text).toContain('staedtebund_city_breaker_open{city="sick",adapter="cases"} 1');
    expect(text).toContain('staedtebund_city_breaker_open{city="well",adapter="cases"} 0');
    expect(text).toMatch(/city_call_duration_seconds_count\{city="well",adapter="cases",kind="read",outcome="ok"\} 10/);
  });

  test('is down in its status, and unknown at most as long as nobody knows', async () => {
    const { cities } = connect([
      city('well', '051110000000', urlOf(answering)),
      city('sick', '051620024024', urlOf(silent), { timeoutMs: 2_500 }),
    ]);
    const [[well], [unknown]] = await Promise.all([cities.status('well'), cities.status('sick')]);
    expect(well).toMatchObject({ state: 'UP', hint: null, product: 'open' });
    expect(unknown, 'a hanging check is not waited for').toMatchObject({ state: 'UNKNOWN', checkedAt: null });
    await cities.check('sick', 'cases');
    expect((await cities.status('sick'))[0]).toMatchObject({ state: 'DOWN', hint: expect.stringContaining('in time') as string });
  });

  test('its status is asked for once in 30 seconds, also by many at a time', async () => {
    let at = Date.now();
    const { cities } = connect([city('well', '051110000000', urlOf(answering))], () => new Date(at));
    const asked = () => requests.filter(({ path }) => path === '/check').length;
    const before = asked();
    await Promise.all(Array.from({ length: 20 }, () => cities.status('well')));
    at += 29_000;
    await cities.status('well');
    expect(asked() - before).toBe(1);
    at += 2_000;
    await cities.status('well');
    expect(asked() - before).toBe(2);
  });

  test('an unreadable state in the cache is none', async () => {
    const { cities, cache } = connect([city('well', '051110000000', urlOf(answering))]);
    await cache.set('city-health:well:cases', 'nonsense', 1000);
    expect((await cities.status('well'))[0]?.state).toBe('UP');
  });
});

describe('what an adapter reaches', () => {
  let cities: Cities;
  beforeAll(() => {
    ({ cities } = connect([city('well', '051110000000', urlOf(answering))]));
  });

  test('is only the endpoints of its config', async () => {
    for (const url of [
      urlOf(silent),
      'http://169.254.169.254/latest',
      urlOf(answering).replace('127.0.0.1', 'localhost'),
      'file:///etc/passwd',
    ]) {
      const { failure, message } = await failureOf(get(cities, 'well', url));
      expect(failure).toEqual({ kind: 'misconfigured', effect: 'none' });
      expect(message).toContain('not an endpoint');
    }
  });

  test('is not where a redirect leads', async () => {
    const response = await get(cities, 'well', `${urlOf(answering)}/elsewhere`);
    expect(response.status).toBe(302);
  });

  test('is no answer of any size', async () => {
    const { failure } = await failureOf(get(cities, 'well', `${urlOf(answering)}/large`));
    expect(failure.kind).toBe('malformed');
  });

  test('is traced, and never compressed', async () => {
    await get(cities, 'well', `${urlOf(answering)}/traced`);
    expect(requests.find(({ path }) => path === '/traced')?.headers).toMatchObject({
      traceparent: options.traceparent,
      'accept-encoding': 'identity',
    });
  });

  test('fails without effect where nothing was sent, and with an unknown one where a write broke off', async () => {
    const steps = { find: async () => undefined, save: async () => {} };
    const post = (id: string, url: string) =>
      cities.write(id, 'cases', async (_, call) => open.get(id)!.fetch(url, { method: 'POST', signal: call.signal }), {
        ...options,
        key: 'k',
        steps,
      });
    expect((await failureOf(post('well', `${urlOf(answering)}/reset`))).failure).toEqual({ kind: 'unavailable', effect: 'unknown' });
    expect((await failureOf(get(cities, 'well', `${urlOf(answering)}/reset`))).failure).toEqual({ kind: 'unavailable', effect: 'none' });
    const closed = createServer();
    await listen(closed);
    const url = urlOf(closed);
    await new Promise((resolve) => closed.close(resolve));
    ({ cities } = connect([city('gone', '051620024024', url)]));
    expect((await failureOf(post('gone', url))).failure).toEqual({ kind: 'unavailable', effect: 'none' });
  });

  test('ends with its call, even if the adapter forgets to pass the signal', async () => {
    const { cities: hanging } = connect([city('hanging', '051620024024', urlOf(silent), { timeoutMs: 100 })]);
    let ended = false;
    const forgetful = hanging.read(
      'hanging',
      'cases',
      () =>
        open
          .get('hanging')!
          .fetch(urlOf(silent))
          .finally(() => (ended = true)),
      options,
    );
    await failureOf(forgetful);
    await sleep(0);
    expect(ended).toBe(true);
  });
});
