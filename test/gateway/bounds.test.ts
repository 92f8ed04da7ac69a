import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { buildSchema, getIntrospectionQuery, parse } from 'graphql';
import { afterEach, describe, expect, test } from 'vitest';
import { defaultMostValues, operationCost } from '../../src/gateway/cost.ts';
import { createRateLimit } from '../../src/gateway/http/rate.ts';
import { applicationKey, nodeTypes, parseGlobalId, toGlobalId } from '../../src/gateway/ids.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { startGateway, type Running } from './fixtures/gateway.ts';

describe('callers are counted', () => {
  const now = 1_800_000_000_000;

  test('each by itself, anew every minute', async () => {
    const cache = createMemoryCache();
    const limit = createRateLimit(cache, { perMinute: 3 });
    const anna = [await limit('anna', now), await limit('anna', now), await limit('anna', now), await limit('anna', now + 15_000)];
    expect(anna.map((state) => state?.exceeded)).toEqual([false, false, false, true]);
    expect(anna.map((state) => state?.remaining)).toEqual([2, 1, 0, 0]);
    expect(anna.at(-1)).toMatchObject({ limit: 3, resetSeconds: 45 });
    expect(await limit('ben', now)).toMatchObject({ remaining: 2 });
    expect(await limit('anna', now + 60_000)).toMatchObject({ remaining: 2, exceeded: false });
    await cache.close();
  });

  test('under names that say nothing about them', async () => {
    const names: string[] = [];
    const limit = createRateLimit({ increment: async (name: string) => names.push(name) } as never, { secret: 'shared' });
    await limit('https://issuer|erika', now);
    await limit('https://issuer|erika', now + 60_000);
    expect(names.join()).not.toMatch(/erika|issuer/);
    expect(names[0], 'a caller must not be followed from minute to minute').not.toBe(names[1]);
  });

  test('by all nodes together where they share a secret, each for itself where not', async () => {
    const seen = new Set<string>();
    const cache = { increment: async (name: string) => seen.add(name).size } as never;
    for (const secret of ['shared', 'shared']) await createRateLimit(cache, { secret })('anna', now);
    expect(seen.size).toBe(1);
    for (let node = 0; node < 2; node += 1) await createRateLimit(cache, {})('anna', now);
    expect(seen.size).toBe(3);
  });
});

describe('the cost of an operation', () => {
  const schema = buildSchema(
    `scalar _Any
    type Query { one: Thing many(first: Int = 10): [Thing!]! _entities(representations: [_Any!]!): [Thing]! }
    type Thing { name: String one: Thing many(first: Int = 10): [Thing!]! }`,
  );
  const cost = (query: string, variables = {}, name?: string) => operationCost(schema, parse(query), name, variables);

  test.each([
    ['{ one { name } }', 2],
    ['{ many { name } }', 11],
    ['{ many(first: 3) { name } }', 4],
    ['{ many(first: 3) { many(first: 5) { name } } }', 19],
    ['{ many(first: 3) { ...t } } fragment t on Thing { name one { name } }', 10],
    ['{ many(first: 3) { ... { name } ... on Thing { name } } }', 7],
    ['query ($n: Int = 7) { many(first: $n) { name } }', 8],
    ['{ a: one { name } b: one { name } }', 4],
    ['{ many(first: -5) { name } }', 2],
    ['{ _entities(representations: [{}, {}, {}]) { name } }', 4],
    ['query ($r: [_Any!]! = [{}, {}, {}]) { _entities(representations: $r) { name } }', 4],
    ['query ($r: [_Any!]! = {}) { _entities(representations: $r) { name } }', 2],
  ])('%s is %d', (query, expected) => {
    expect(cost(query)).toBe(expected);
  });

  test('variables count with their values', () => {
    expect(cost('query ($n: Int) { many(first: $n) { name } }', { n: 90 })).toBe(91);
    expect(cost('query ($n: Int) { many(first: $n) { name } }')).toBe(11);
  });

  test('the whole schema may be asked for as tools do, once', () => {
    const all = { specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true };
    const whole = getIntrospectionQuery(all);
    const twice = whole.replace(/__schema [^]*?\n {6}\}/, (own) => `a: ${own} b: ${own}`);
    expect(cost(whole)).toBeLessThan(defaultMostValues);
    expect(cost(twice)).toBeGreaterThan(defaultMostValues);
  });

  test('what is asked below another name of a schema’s list counts again', () => {
    const fields = 'fields { type { fields { name } } }';
    expect(cost(`{ __schema { types { a: ${fields} b: ${fields} } } }`)).toBeGreaterThan(
      1.9 * cost(`{ __schema { types { ${fields} } } }`),
    );
  });

  test('the operation that runs counts, not its neighbour', () => {
    expect(cost('query a { one { name } } query b { many { name } }', {}, 'b')).toBe(11);
  });

  test('asking for more rows never costs less', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 0, max: 4 }),
        (few, more, depth) => {
          const query = (first: number) => `{ ${`many(first: ${first}) { name `.repeat(depth + 1)}${'}'.repeat(depth + 1)} }`;
          expect(cost(query(few + more))).toBeGreaterThan(cost(query(few)));
        },
      ),
    );
  });
});

describe('global ids', () => {
  test('lead back to what they were made of', () => {
    expect(parseGlobalId(toGlobalId('Service', '99108001001000'))).toEqual({ type: 'Service', key: '99108001001000' });
    fc.assert(
      fc.property(fc.constantFrom(...nodeTypes), fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 60 }), (type, key) => {
        const parsed = parseGlobalId(toGlobalId(type, key));
        return parsed?.type === type && parsed.key === key;
      }),
    );
  });

  test('no other text is one', () => {
    expect(parseGlobalId(`${toGlobalId('Service', '99108001001000')}=`)).toBeNull();
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseGlobalId(text);
        return parsed === null || toGlobalId(parsed.type, parsed.key) === text;
      }),
    );
  });

  test('an application is meant by its id or by its UUID, by nothing else', () => {
    const uuid = '019aa0b0-0000-7000-8000-000000000001';
    expect(applicationKey(uuid)).toBe(uuid);
    expect(applicationKey(toGlobalId('Application', uuid))).toBe(uuid);
    expect(applicationKey(toGlobalId('Offer', uuid))).toBeNull();
    expect(applicationKey(toGlobalId('Application', '1 OR 1=1'))).toBeNull();
  });
});

describe('connections', () => {
  let hub: Running | undefined;
  afterEach(() => hub?.stop());

  const open = (given: Running): Socket => connect(Number(new URL(given.url).port), '127.0.0.1');
  const read = (socket: Socket): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      socket
        .setEncoding('utf8')
        .on('data', (part) => (text += String(part)))
        .once('close', () => resolve(text))
        .on('error', () => {});
    });

  test('one that never finishes its headers is closed', async () => {
    hub = await startGateway({ server: { headersTimeoutMs: 200, requestTimeoutMs: 400 } });
    const socket = open(hub);
    socket.write('POST /graphql HTTP/1.1\r\nhost: x\r\nx-slow: ');
    expect(await read(socket)).toMatch(/^HTTP\/1\.1 4\d\d |^$/);
    expect((await hub.ask('{ __typename }')).status).toBe(200);
  });

  test('one that never finishes its body is closed', async () => {
    hub = await startGateway({ server: { headersTimeoutMs: 200, requestTimeoutMs: 400 } });
    const socket = open(hub);
    socket.write('POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{');
    expect(await read(socket)).toMatch(/^HTTP\/1\.1 4\d\d |^$/);
  });

  test('one that is closed ends all that was asked over it, what waits behind another answer too', async () => {
    hub = await startGateway();
    const counted = Promise.withResolvers<number>();
    hub.ports.counter = () => counted.promise;
    const openRequests = async () => {
      const text = await (await fetch(`${hub?.url}/metrics`)).text();
      return Number(/^staedtebund_http_open\{route="\/graphql"\} (\d+)$/m.exec(text)?.[1] ?? 0);
    };
    const socket = open(hub);
    socket.write('GET /graphql?query={__typename} HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3));
    await expect.poll(openRequests).toBe(3);
    socket.destroy();
    await expect.poll(openRequests).toBe(0);
    counted.resolve(1);
  });

  test('more than allowed are turned away', async () => {
    hub = await startGateway({ server: { connections: 2 } });
    const kept = [open(hub), open(hub)];
    await Promise.all(kept.map((socket) => new Promise<void>((resolve) => void socket.once('connect', resolve))));
    await expect.poll(() => new Promise<number>((resolve) => hub?.gateway.server.getConnections((_, count) => resolve(count)))).toBe(2);
    expect(await read(open(hub))).toBe('');
    for (const socket of kept) socket.destroy();
    await expect
      .poll(() =>
        hub?.ask('{ __typename }').then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
  });
});
