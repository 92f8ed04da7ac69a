import { createServer } from 'node:http';
import { afterAll, describe, expect, test } from 'vitest';
import type { Json } from '#contract';
import { open311 } from '../../adapters/open311/index.ts';
import { recordsOf } from '../../adapters/open311/records.ts';
import { connectCity, submission, writeWith } from './connect.ts';

interface Shape {
  /** How many requests an answer holds at most. */
  readonly most?: number;
  /** How a list goes out. */
  readonly wrap?: (records: readonly Json[], name: string) => Json;
  readonly emptyIs404?: boolean;
  readonly services?: boolean;
  /** Fields of the adapter's config beside those of every server here. */
  readonly config?: object;
}

/** A GeoReport server of another make; requests 11 to 19 are there already. */
async function serverOf({ most = 1000, wrap = (records) => records, emptyIs404 = false, services = true, config: more = {} }: Shape) {
  const asked: string[] = [];
  const made = new Map<string, string>(Array.from({ length: 9 }, (_, index) => [String(index + 11), 'old'] as const));
  const request = (id: string): Json => ({
    service_request_id: id,
    status: 'open',
    requested_datetime: '2026-11-30T10:00:00Z',
    external_id: made.get(id) ?? '',
  });
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '', 'http://localhost');
    const answer = (status: number, body: Json) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    incoming.resume().on('end', () => {
      asked.push(`${incoming.method} ${url.pathname}${url.search}`);
      if (url.pathname === '/v2/services.json')
        return services
          ? answer(200, wrap([{ service_code: 'laterne', service_name: 'Laterne', metadata: false }], 'services'))
          : answer(404, { error: 'no' });
      if (incoming.method === 'POST') {
        const id = String(made.size + 100);
        made.set(id, 'new');
        return answer(201, wrap([{ service_request_id: id }], 'service_requests'));
      }
      const alone = /^\/v2\/requests\/(\d+)\.json$/.exec(url.pathname)?.[1];
      if (url.pathname !== '/v2/requests.json' && alone === undefined) return answer(404, { error: 'no' });
      const ids = alone === undefined ? url.searchParams.get('service_request_id')?.split(',') : [alone];
      const key = url.searchParams.get('external_id');
      const found = [...made.keys()].filter((id) => (!ids || ids.includes(id)) && (key === null || made.get(id) === key)).slice(0, most);
      if (found.length === 0 && emptyIs404) return answer(404, [{ code: 404, description: 'No service requests found' }]);
      return answer(200, wrap(found.map(request), 'service_requests'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => server.close());
  const { port } = server.address() as { port: number };
  const endpoint = `http://127.0.0.1:${port}`;
  const config = {
    baseUrl: `${endpoint}/v2`,
    idempotency: { attribute: 'external_id', query: 'external_id', field: '/external_id' },
    ...more,
  };
  const { cities, logged } = connectCity(open311, config, { endpoint, secret: 'none' });
  const load = async (...ids: string[]) =>
    (
      await cities.loadCases(
        'stadt',
        'cases',
        ids.map((id) => ({ id })),
        { traceparent: '' },
      )
    ).map((one) => (one instanceof Error ? one : (one?.ref.id ?? null)));
  return { cities, load, asked, made, logged };
}

const names: Readonly<Record<string, string>> = { services: 'service', service_requests: 'request' };
const asConverted = (records: readonly Json[], name: string): Json => ({
  [name]: records.length === 0 ? '' : { [names[name] ?? name]: records.length === 1 ? (records[0] ?? null) : records },
});

test.each<[string, Shape, boolean]>([
  ['whose requests cannot be listed', { wrap: (records, name) => (name === 'services' ? records : { elsewhere: records }) }, false],
  [
    'whose requests have no id',
    { config: { changes: { by: 'updated_after' } }, wrap: (records, name) => (name === 'services' ? records : [{ status: 'open' }]) },
    false,
  ],
  ['whose requests are read', { config: { changes: { by: 'updated_after' } } }, true],
])('check reads what a look after open requests and a pull read: a server %s', async (_, shape, fine) => {
  const { cities } = await serverOf({ ...shape, config: { idempotency: 'none', ...shape.config } });
  const checked = cities.read('stadt', 'cases', (adapter, call) => adapter.check(call), { traceparent: '' });
  const found = await checked.then(
    ({ ok }) => ok,
    ({ failure }: { failure: { kind: string } }) => failure.kind,
  );
  expect(found).toBe(fine ? true : 'malformed');
});

describe('a server that answers for fewer requests than it is asked for', () => {
  test('with the first only is asked for each alone, and from then on at once', async () => {
    const { load, asked, logged } = await serverOf({ most: 1 });
    expect(await load('11', '12', '13', '99')).toEqual(['11', '12', '13', null]);
    asked.length = 0;
    expect(await load('11', '12', '13')).toEqual(['11', '12', '13']);
    expect(asked).toHaveLength(3);
    expect(logged().match(/answers for fewer requests/g)).toHaveLength(1);
  });

  test('with a page of its own is asked for as many as fit', async () => {
    const { load, asked } = await serverOf({ most: 4 });
    const ids = Array.from({ length: 9 }, (_, index) => String(index + 11));
    expect(await load(...ids)).toEqual(ids);
    asked.length = 0;
    expect(await load(...ids)).toEqual(ids);
    expect(asked).toHaveLength(3);
  });

  test('that honours lists is not asked alone for what it has', async () => {
    const { load, asked } = await serverOf({});
    expect(await load('11', '99', '13')).toEqual(['11', null, '13']);
    expect(await load('11', '12', '13')).toEqual(['11', '12', '13']);
    expect(asked).toHaveLength(3);
  });
});

describe('a server whose JSON was made of XML', () => {
  test('takes a request and tells of it, empty lists being 404', async () => {
    const { cities, load, made } = await serverOf({ wrap: asConverted, emptyIs404: true });
    const receipt = await cities.write(
      'stadt',
      'cases',
      (adapter, call) => adapter.cases!.submit(submission({ localKey: 'laterne', formData: { description: 'x', address: 'y' } }), call),
      writeWith(),
    );
    expect(receipt).toMatchObject({ ref: { id: '109' }, taken: 'now' });
    expect(made.size).toBe(10);
    expect(await load('109', '11', '99')).toEqual(['109', '11', null]);
    expect(await load('109')).toEqual(['109']);
  });

  test('gives empty lists as empty texts', async () => {
    const { load } = await serverOf({ wrap: asConverted });
    expect(await load('99')).toEqual([null]);
  });
});

test('404 for the list of a server without a service list is no empty list: nothing is sent', async () => {
  const { cities, made } = await serverOf({ emptyIs404: true, services: false });
  const write = cities.write(
    'stadt',
    'cases',
    (adapter, call) => adapter.cases!.submit(submission({ localKey: 'laterne' }), call),
    writeWith(),
  );
  await expect(write).rejects.toMatchObject({ failure: { kind: 'misconfigured', effect: 'none' } });
  expect(made.size).toBe(9);
});

test.each([
  [{ service_requests: { request: { service_request_id: 1 } } }, [{ service_request_id: 1 }]],
  [{ service_requests: { request: [{ token: 'a' }, { token: 'b' }] } }, [{ token: 'a' }, { token: 'b' }]],
  [{ service_requests: [{ token: 'a' }] }, [{ token: 'a' }]],
  [{ service_request_id: '1' }, [{ service_request_id: '1' }]],
  [{ service_requests: null }, []],
  [{ attribute: { code: 'A' } }, [{ code: 'A' }]],
])('%j is read as a list', (answer, records) => expect(recordsOf(answer as Json)).toEqual(records));

test.each([[{ unexpected: true }], ['text'], [null], [{ service_requests: { request: 'x' } }]])('%j is no list', (answer) =>
  expect(() => recordsOf(answer as Json)).toThrow(expect.objectContaining({ kind: 'malformed' })),
);
