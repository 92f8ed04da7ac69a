import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { duesseldorfPortal } from '../../sandbox/portals/duesseldorf.ts';
import { koelnPortal } from '../../sandbox/portals/koeln.ts';
import { portalToken, startPortal, type Portal } from '../../sandbox/portals/portal.ts';
import { startTestHub, type TestHub } from '../kit/hub.ts';
import { cityOf } from './rows-kit.ts';

/* The sandbox's cities as their files say, behind a wire that can be listened to and frozen, through the whole hub. */

/** A city's portal behind a wire. */
interface Wire {
  readonly url: string;
  readonly seen: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
  frozen: boolean;
  close(): Promise<void>;
}

async function wire(portal: Portal): Promise<Wire> {
  const server: Server = createServer((request, response) => {
    const pass = async () => {
      let body = '';
      for await (const part of request.setEncoding('utf8')) body += part as string;
      own.seen.push({ headers: request.headers, body });
      if (own.frozen) return;
      const { authorization = '' } = request.headers;
      const answer = await fetch(portal.url, { method: 'POST', body, headers: { 'content-type': 'application/json', authorization } });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(await answer.text());
    };
    pass().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own: Wire = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    seen: [],
    frozen: false,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
      await portal.close();
    },
  };
  return own;
}

/** A frozen city is left alone after two questions. */
const limits = { timeoutMs: 300, retries: 0, breaker: { failures: 2, halfOpenMs: 60_000 } };

let hub: TestHub;
let duesseldorf: Wire;
let koeln: Wire;

beforeAll(async () => {
  [duesseldorf, koeln] = await Promise.all([startPortal(duesseldorfPortal).then(wire), startPortal(koelnPortal).then(wire)]);
  hub = await startTestHub({
    cities: { duesseldorf: cityOf('duesseldorf', limits), koeln: cityOf('koeln', limits) },
    env: {
      DUESSELDORF_PORTAL_URL: duesseldorf.url,
      DUESSELDORF_PORTAL_TOKEN: portalToken,
      KOELN_PORTAL_URL: koeln.url,
      KOELN_PORTAL_TOKEN: portalToken,
    },
  });
});
afterAll(async () => {
  await hub.close();
  await Promise.all([duesseldorf.close(), koeln.close()]);
});

type Found = Record<string, { readonly name?: string; readonly kitas?: readonly Record<string, unknown>[] | null } | null>;
const both = `{
  d: municipality(ars: "051110000000") { name kitas(minFreePlaces: 1, first: 2) { id name freePlaces asOf } }
  k: municipality(ars: "053150000000") { name kitas(minFreePlaces: 1, first: 2) { id name freePlaces asOf } }
}`;

describe('two cities answer one field, each in its own words', () => {
  test('asked under 28 names in one request, each is asked once', async () => {
    const before = duesseldorf.seen.length;
    const names = Array.from({ length: 28 }, (_, index) => `a${index}: municipality(ars: "051110000000") { kitas(first: 3) { name } }`);
    const { errors } = await hub.ask(`{ ${names.join(' ')} }`);
    expect(errors).toBeUndefined();
    expect(duesseldorf.seen.length - before).toBe(1);
  });

  test('under the names and types of the contract', async () => {
    const { data, errors } = await hub.ask<Found>(both);
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      d: {
        name: 'Düsseldorf',
        kitas: [
          { id: 'k-101', freePlaces: 3 },
          { id: 'k-103', freePlaces: 5 },
        ],
      },
      k: {
        name: 'Köln',
        kitas: [
          { id: '4711', freePlaces: 2 },
          { id: '4713', freePlaces: 4 },
        ],
      },
    });
    expect(data?.['d']?.kitas?.[0]?.['asOf']).toMatch(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/);
  });

  test('office hours too, nested, compiled and not', async () => {
    const query = `query Hours($ars: RegionalKey!) { municipality(ars: $ars) { officeHours(first: 1) { name hours { weekday opens closes } exceptions { date } } } }`;
    for (let time = 0; time < 8; time += 1) {
      const { data, errors } = await hub.ask<Found>(query, { ars: time % 2 ? '051110000000' : '053150000000' });
      expect(errors).toBeUndefined();
      expect(JSON.stringify(data)).toContain('{"weekday":"MONDAY","opens":');
    }
  });

  test('a list of municipalities asks each city once', async () => {
    const before = [duesseldorf.seen.length, koeln.seen.length];
    const { data } = await hub.ask('{ municipalities(connected: true) { nodes { name kitas { name } again: kitas { name } } } }');
    expect(JSON.stringify(data)).toContain('Kita Domspatzen');
    expect([duesseldorf.seen.length - (before[0] ?? 0), koeln.seen.length - (before[1] ?? 0)]).toEqual([1, 1]);
  });

  test('through _entities as well', async () => {
    const { data } = await hub.ask(
      'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Municipality { kitas(first: 1) { id } } } }',
      {
        r: [
          { __typename: 'Municipality', ars: '053150000000' },
          { __typename: 'Municipality', ars: '051110000000' },
        ],
      },
    );
    expect(data).toEqual({ _entities: [{ kitas: [{ id: '4711' }] }, { kitas: [{ id: 'k-101' }] }] });
  });
});

describe('what a city learns of who asks', () => {
  test.each(['citizen', 'clerk-koeln', undefined])('nothing, whoever it is: %s', async (persona) => {
    duesseldorf.seen.length = 0;
    await hub.ask(both, undefined, persona);
    const [{ headers, body } = { headers: {}, body: '' }] = duesseldorf.seen;
    expect(headers.authorization).toBe(`Bearer ${portalToken}`);
    expect(Object.keys(headers).toSorted()).toEqual(
      [
        'accept',
        'accept-encoding',
        'authorization',
        'connection',
        'content-length',
        'content-type',
        'host',
        'traceparent',
        'user-agent',
      ].toSorted(),
    );
    expect(JSON.parse(body)).toMatchObject({ variables: { keys: ['051110000000'], free: 1, first: 2 } });
    expect(Object.keys(JSON.parse(body) as object).toSorted()).toEqual(['query', 'variables']);
  });
});

describe('a city that cannot answer', () => {
  test('an argument that it does not know is refused, not ignored', async () => {
    const { data, errors } = await hub.ask<Found>('{ k: municipality(ars: "053150000000") { name kitas(ageMonths: 20) { id } } }');
    expect(data).toEqual({ k: { name: 'Köln', kitas: null } });
    expect(errors).toMatchObject([{ path: ['k', 'kitas'], extensions: { code: 'CITY_REFUSED', city: { name: 'Köln' } } }]);
  });

  test.each([
    ['{ m: municipality(ars: "053150000000") { roadworks { id } } }', 'CITY_DOES_NOT_ANSWER_FIELD', 'Köln'],
    ['{ m: municipality(ars: "091620000000") { kitas { id } } }', 'CITY_NOT_CONNECTED', 'München'],
  ])('%s', async (query, code, name) => {
    const { errors } = await hub.ask(query);
    expect(errors).toMatchObject([{ message: expect.stringContaining(name) as unknown, extensions: { code, city: { name } } }]);
  });

  test.each(['first: 0', 'first: 101'])('%s is out of range', async (args) => {
    const { errors } = await hub.ask(`{ municipality(ars: "051110000000") { kitas(${args}) { id } } }`);
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }]);
  });

  test('frozen: the rest of the answer is there, then it is left alone', async () => {
    duesseldorf.frozen = true;
    const codes: unknown[] = [];
    for (let time = 0; time < 3; time += 1) {
      const { data, errors } = await hub.ask<Found>(both);
      expect(data).toMatchObject({ d: { name: 'Düsseldorf', kitas: null }, k: { name: 'Köln', kitas: [{ id: '4711' }, { id: '4713' }] } });
      expect(errors).toMatchObject([{ path: ['d', 'kitas'], extensions: { city: { ars: '051110000000' }, retryable: true } }]);
      codes.push((errors as unknown as readonly { extensions: { code: string } }[])[0]?.extensions.code);
    }
    expect(codes).toEqual(['CITY_TIMED_OUT', 'CITY_TIMED_OUT', 'CITY_UNAVAILABLE']);
  });
});
