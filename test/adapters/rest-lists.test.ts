import { createServer } from 'node:http';
import { afterAll, expect, test } from 'vitest';
import type { Json } from '#contract';
import { rest } from '../../adapters/rest/index.ts';
import { connectCity, writeWith } from './connect.ts';

const one = (id: string, status = 'offen'): Json => ({ id, status, at: '2026-11-30T10:00:00Z' });

async function connectedTo(answer: (url: URL, method: string) => Json, over: Record<string, Json> = {}) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    asked.push(url.pathname + url.search);
    request
      .resume()
      .on('end', () =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(url, request.method ?? ''))),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const config = {
    baseUrl: endpoint,
    auth: 'none',
    idempotency: 'none',
    submit: { path: '/cases', body: { '/key': '/key' } },
    case: { id: '/id', status: '/status', updatedAt: '/at' },
    load: { path: '/cases?ids={ids}', items: '/cases/case' },
    health: { path: '/health' },
    ...over,
  };
  const { cities } = connectCity(rest, config, { endpoint, secret: 'none' });
  const load = async (...ids: string[]) =>
    (
      await cities.loadCases(
        'stadt',
        'cases',
        ids.map((id) => ({ id })),
        { traceparent: '' },
      )
    ).map((found) => (found instanceof Error ? found.message : (found?.ref.id ?? null)));
  return { cities, load, asked };
}

const idsOf = (url: URL) => url.searchParams.get('ids')?.split(',') ?? [];

test('a list of one as the one itself, and an empty one as an empty text, are lists', async () => {
  const { load } = await connectedTo((url) => {
    const found = idsOf(url)
      .filter((id) => id !== '9')
      .map((id) => one(id));
    return { cases: found.length === 0 ? '' : { case: found.length === 1 ? (found[0] ?? null) : found } };
  });
  expect(await load('1')).toEqual(['1']);
  expect(await load('1', '2')).toEqual(['1', '2']);
  expect(await load('9')).toEqual([null]);
});

test('a back office that answers for the first id only is asked for each', async () => {
  const { load, asked } = await connectedTo((url) => ({
    cases: {
      case: idsOf(url)
        .slice(0, 1)
        .map((id) => one(id)),
    },
  }));
  expect(await load('1', '2', '3')).toEqual(['1', '2', '3']);
  asked.length = 0;
  expect(await load('1', '2', '3')).toEqual(['1', '2', '3']);
  expect(asked).toHaveLength(3);
});

test('a withdrawal that is answered 200 and leaves the case as it was has not ended it', async () => {
  const statuses = new Map([
    ['1', 'offen'],
    ['2', 'offen'],
  ]);
  const { cities } = await connectedTo(
    (url, method) => {
      if (method === 'POST' && url.pathname === '/cases/2/end') statuses.set('2', 'zurückgezogen');
      return { cases: { case: idsOf(url).map((id) => one(id, statuses.get(id))) } };
    },
    { withdraw: { path: '/cases/{id}/end', done: ['zurückgezogen'] } },
  );
  const withdraw = (id: string) =>
    cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.withdraw!({ id }, 'Umzug', call), writeWith());
  await expect(withdraw('1')).rejects.toMatchObject({ failure: { kind: 'misconfigured', effect: 'done' } });
  await withdraw('2');
});

test('check reads what a look after open cases reads', async () => {
  const { cities } = await connectedTo(() => ({ elsewhere: [] }));
  await expect(cities.read('stadt', 'cases', (adapter, call) => adapter.check(call), { traceparent: '' })).rejects.toMatchObject({
    failure: { kind: 'malformed' },
  });
});

test('check reads a case that changed as a look-up would', async () => {
  const { cities } = await connectedTo((url) => (url.pathname === '/changes' ? [one('1')] : { cases: '' }), {
    case: { id: '/renamed', status: '/status', updatedAt: '/at' },
    load: { path: '/cases?ids={ids}', items: '/cases' },
    changes: { path: '/changes?since={since}' },
  });
  await expect(cities.read('stadt', 'cases', (adapter, call) => adapter.check(call), { traceparent: '' })).rejects.toMatchObject({
    failure: { kind: 'malformed' },
  });
});
