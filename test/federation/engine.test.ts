import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SubgraphError } from '../../src/federation/failure.ts';
import { createRemote, subgraphLimits, type Remote } from '../../src/federation/remote.ts';
import { engineKinds, placesOf, startEngine, type Engine } from './kit/engines.ts';
import { startSubgraph, type SubgraphServer } from './kit/subgraph-server.ts';

const link = (...imports: string[]) =>
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: [${imports.map((name) => `"@${name}"`).join(', ')}])`;

const towns = [
  { ars: '1', name: 'Neuss', population: 150_000 },
  { ars: '2', name: 'Köln', population: 1_000_000 },
  { ars: '3', name: 'Bonn', population: 330_000 },
];

/** The middle of the graph: who the towns are. */
const hubSdl = `${link('key')}
  type Query { towns: [Town!]! town(ars: ID!): Town anything(id: ID!): Thing }
  type Mutation { rename(ars: ID!, name: String!): Town }
  union Thing = Town | Street
  type Town @key(fields: "ars") { ars: ID! name: String! population: Int! twin: Town streets: [Street!]! }
  type Street { name: String! in: Town! }
`;

/** A city's part: events, and fields of towns. */
const citySdl = `${link('key', 'external', 'requires')}
  scalar Json
  type Query { events(first: Int = 10): [Event!]! broken: String }
  type Mutation { book(id: ID!): Event }
  type Subscription { eventsOfTheDay(count: Int!): Event! }
  type Town @key(fields: "ars") {
    ars: ID!
    population: Int! @external
    hours: String
    staff: Int!
    perHead(factor: Float! = 1): Float @requires(fields: "population")
    events: [Event!]!
  }
  type Event @key(fields: "id") { id: ID! title: String! kind: EventKind town: Town guests: [Guest!]! facts: Json }
  type Guest { name: String! from: Town! }
  enum EventKind { MARKET FAIR }
`;

const event = (id: string, ars: string) => ({
  id,
  title: `Event ${id}`,
  kind: 'MARKET',
  town: { ars },
  guests: [
    { name: 'Anna', from: { ars: '1' } },
    { name: 'Ben', from: { ars: '2' } },
  ],
  facts: { seats: [1, { row: 'a' }] },
});

let hub: SubgraphServer;
let city: SubgraphServer;
beforeAll(async () => {
  hub = await startSubgraph({
    sdl: hubSdl,
    resolvers: {
      Query: {
        towns: () => towns,
        town: (_: unknown, { ars }: { ars: string }) => towns.find((town) => town.ars === ars) ?? null,
        anything: (_: unknown, { id }: { id: string }) =>
          id === '1' ? { __typename: 'Town', ...towns[0] } : { __typename: 'Street', name: 'Markt' },
      },
      Mutation: {
        rename: (_: unknown, { ars, name }: { ars: string; name: string }) => ({ ...towns.find((town) => town.ars === ars), name }),
      },
      Town: {
        twin: ({ ars }: { ars: string }) => (ars === '1' ? towns[1] : null),
        streets: () => [{ name: 'Markt' }],
      },
      Street: { in: () => towns[2] },
    },
    references: { Town: ({ ars }: { ars: string }) => towns.find((town) => town.ars === ars) ?? null },
  });
  city = await startSubgraph({
    sdl: citySdl,
    resolvers: {
      Query: {
        events: (_: unknown, { first }: { first: number }) => [event('a', '1'), event('b', '2'), event('c', '1')].slice(0, first),
        broken: () => {
          throw new Error('SELECT secret FROM vault');
        },
      },
      Mutation: { book: (_: unknown, { id }: { id: string }) => event(id, '3') },
      Subscription: {
        eventsOfTheDay: {
          async *subscribe(_: unknown, { count }: { count: number }) {
            for (let n = 1; n <= count; n += 1) yield { eventsOfTheDay: event(String(n), String(n)) };
          },
        },
      },
      Town: {
        hours: ({ ars }: { ars: string }) => {
          if (ars === '2') throw new Error('closed');
          return `8 to ${ars}`;
        },
        staff: ({ ars }: { ars: string }) => {
          if (ars === '3') throw new Error('nobody counts');
          return Number(ars) * 10;
        },
        perHead: ({ population }: { population: number }, { factor }: { factor: number }) => (factor * 1000) / population,
        events: ({ ars }: { ars: string }) => [event(`of-${ars}`, ars)],
      },
    },
    references: { Event: ({ id }: { id: string }) => event(id, '1') },
  });
});
afterAll(async () => {
  await hub.close();
  await city.close();
});

describe.each(engineKinds)('the %s engine', (kind) => {
  let engine: Engine;
  let remotes: Remote[];
  beforeAll(async () => {
    const limits = { ...subgraphLimits, timeoutMs: 400, breaker: { failures: 1000, halfOpenMs: 100 } };
    remotes = [createRemote({ name: 'hub', url: hub.url, limits }), createRemote({ name: 'city', url: city.url, limits })];
    engine = await startEngine(kind, [
      { subgraph: remotes[0] as Remote, sdl: hubSdl },
      { subgraph: remotes[1] as Remote, sdl: citySdl },
    ]);
  });
  afterEach(() => {
    Object.assign(city.faults, { hang: false, status: null, text: null });
    city.seen.length = 0;
    hub.seen.length = 0;
  });
  afterAll(async () => {
    await engine.close();
    for (const remote of remotes) await remote.close();
  });

  test.each([
    ['{ town(ars: "1") { ars name hours staff } }', { town: { ars: '1', name: 'Neuss', hours: '8 to 1', staff: 10 } }],
    [
      '{ events(first: 2) { id town { name } } }',
      {
        events: [
          { id: 'a', town: { name: 'Neuss' } },
          { id: 'b', town: { name: 'Köln' } },
        ],
      },
    ],
    ['{ town(ars: "1") { perHead(factor: 3) population } }', { town: { perHead: 3000 / 150_000, population: 150_000 } }],
    ['{ town(ars: "9") { name hours } }', { town: null }],
    ['{ town(ars: "1") { twin { twin { hours } staff } } }', { town: { twin: { twin: null, staff: 20 } } }],
    [
      '{ town(ars: "1") { streets { in { name events { id kind } } } } }',
      { town: { streets: [{ in: { name: 'Bonn', events: [{ id: 'of-3', kind: 'MARKET' }] } }] } },
    ],
    [
      '{ events(first: 1) { facts guests { from { name twin { name } } } } }',
      {
        events: [
          {
            facts: { seats: [1, { row: 'a' }] },
            guests: [{ from: { name: 'Neuss', twin: { name: 'Köln' } } }, { from: { name: 'Köln', twin: null } }],
          },
        ],
      },
    ],
    ['{ a: town(ars: "1") { x: hours } b: town(ars: "1") { x: staff y: name } }', { a: { x: '8 to 1' }, b: { x: 10, y: 'Neuss' } }],
    [
      '{ a: town(ars: "1") { events { town { it: name } } } b: town(ars: "1") { events { town { it: population } } } }',
      { a: { events: [{ town: { it: 'Neuss' } }] }, b: { events: [{ town: { it: 150_000 } }] } },
    ],
    ['{ town(ars: "1") { ars: name name: ars hours } }', { town: { ars: 'Neuss', name: '1', hours: '8 to 1' } }],
    [
      '{ anything(id: "1") { __typename ... on Town { hours } ... on Street { name } } }',
      { anything: { __typename: 'Town', hours: '8 to 1' } },
    ],
    [
      '{ anything(id: "2") { ... on Town { label: hours } ... on Street { label: name in { staff @skip(if: true) ars } } } }',
      { anything: { label: 'Markt', in: { ars: '3' } } },
    ],
    [
      '{ ...q } fragment q on Query { town(ars: "1") { ...t } } fragment t on Town { hours ... { staff } }',
      { town: { hours: '8 to 1', staff: 10 } },
    ],
    [
      '{ town(ars: "1") { ...v hours ... on Thing { __typename ...t ... on Street { label: name } } } } fragment t on Town { staff } fragment v on Thing { ... on Town { name } }',
      { town: { name: 'Neuss', hours: '8 to 1', __typename: 'Town', staff: 10 } },
    ],
    [
      'query ($no: Boolean = false) { town(ars: "1") { twin @include(if: $no) { hours } twin { name staff @skip(if: $no) twin { hours } } } }',
      { town: { twin: { name: 'Köln', staff: 20, twin: null } } },
    ],
    ['{ __typename town(ars: "1") { __typename hours } }', { __typename: 'Query', town: { __typename: 'Town', hours: '8 to 1' } }],
    [
      'mutation { book(id: "x") { id town { name } } rename(ars: "1", name: "Novaesium") { name staff } }',
      { book: { id: 'x', town: { name: 'Bonn' } }, rename: { name: 'Novaesium', staff: 10 } },
    ],
    ['{ events @skip(if: true) { id } }', {}],
    [
      '{ __type(name: "EventKind") { description: name enumValues { name } } town(ars: "1") { staff } }',
      { __type: { description: 'EventKind', enumValues: [{ name: 'MARKET' }, { name: 'FAIR' }] }, town: { staff: 10 } },
    ],
  ])('answers %s', async (query, data) => {
    const result = await engine.ask(query);
    expect(JSON.parse(JSON.stringify(result))).toEqual({ data });
  });

  test('keys may be called anything, and nothing reaches what all objects share', async () => {
    const query = `{ __proto__: town(ars: "1") { toString: name constructor: hours twin { __proto__: staff toString: hours } }
      toString: town(ars: "9") { name } valueOf: broken }`;
    const result = await engine.ask(query);
    expect(JSON.stringify(result.data)).toBe(
      '{"__proto__":{"toString":"Neuss","constructor":"8 to 1","twin":{"__proto__":20,"toString":null}},"toString":null,"valueOf":null}',
    );
    expect(placesOf(result)).toEqual(['__proto__.twin.toString', 'valueOf']);
    expect(
      JSON.stringify((await engine.ask('{ __proto__: __schema { __proto__: queryType { name } } events(first: 1) { id } }')).data),
    ).toBe('{"__proto__":{"__proto__":{"name":"Query"}},"events":[{"id":"a"}]}');
    const polluting = '{"roles":["operator"]}';
    const entity = `{"__typename":"Town","hours":"8","__proto__":${polluting},"events":[{"id":"x","__proto__":${polluting}}]}`;
    city.faults.text = `{"data":{"broken":"x","events":[],"__proto__":${polluting},"_entities":[${entity}],"_0__entities":[${entity}]}}`;
    await engine.ask('{ broken events { id } town(ars: "1") { hours events { id } twin { hours events { id } } } towns { hours } }');
    await engine.ask('{ broken town(ars: "1") { hours twin { hours } } other: town(ars: "1") { hours name } }');
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('roles');
  });

  test('answers under the variables of the caller', async () => {
    const query =
      'query ($ars: ID!, $f: Float = 2, $all: Boolean!) { town(ars: $ars) { perHead(factor: $f) hours @include(if: $all) ... @skip(if: $all) { staff } } }';
    expect(await engine.ask(query, { ars: '1', all: true })).toMatchObject({
      data: { town: { perHead: 2000 / 150_000, hours: '8 to 1' } },
    });
    expect((await engine.ask(query, { ars: '1', all: false, f: 1 })).data).toEqual({ town: { perHead: 1000 / 150_000, staff: 10 } });
    expect((await engine.ask(query, { ars: '1' })).errors?.[0]?.message).toContain('$all');
    const nulled = await engine.ask('query ($no: Boolean = true) { town(ars: "1") { name hours @skip(if: $no) } }', { no: null });
    expect([nulled.data, nulled.errors?.length]).toEqual([{ town: null }, 1]);
  });

  test('asks for each entity once, all of a level together', async () => {
    const result = await engine.ask('{ events { town { name population } guests { from { name } } } }');
    expect(result.errors).toBeUndefined();
    const keys = hub.seen.flatMap(({ variables }) => Object.values(variables).flat() as { ars: string }[]).map(({ ars }) => ars);
    expect(hub.seen.length).toBeLessThanOrEqual(2);
    expect(keys.length).toBeLessThanOrEqual(4);
  });

  test('an error of an entity is told at every place where it stands', async () => {
    const result = await engine.ask('{ towns { name hours } town(ars: "2") { hours } town3: town(ars: "1") { twin { hours } } }');
    expect(result.data).toEqual({
      towns: [
        { name: 'Neuss', hours: '8 to 1' },
        { name: 'Köln', hours: null },
        { name: 'Bonn', hours: '8 to 3' },
      ],
      town: { hours: null },
      town3: { twin: { hours: null } },
    });
    expect(placesOf(result)).toEqual(['town.hours', 'town3.twin.hours', 'towns.1.hours']);
  });

  test('errors that name no entity are told of all that were asked, each once', async () => {
    const root = kind === 'planned' ? '_e0' : '_entities';
    const errors = Array.from({ length: 300 }, (_, n) => ({ message: `${n}`, path: [root, 'x', `no field ${n}`] }));
    city.faults.text = JSON.stringify({ data: null, errors });
    const result = await engine.ask('{ a: town(ars: "1") { hours } b: town(ars: "1") { hours } towns { hours } }');
    expect(placesOf(result)).toEqual(['a.hours', 'b.hours', 'towns.0.hours', 'towns.1.hours', 'towns.2.hours']);
  });

  test('a null where none may stand takes its parents with it', async () => {
    expect((await engine.ask('{ towns { name staff } }')).data).toBeNull();
    const one = await engine.ask('{ town(ars: "3") { name staff } other: town(ars: "1") { staff } }');
    expect(one.data).toEqual({ town: null, other: { staff: 10 } });
    expect(placesOf(one)).toEqual(['town.staff']);
  });

  const failing: readonly [string, () => void, string][] = [
    ['answers 503', () => void (city.faults.status = 503), 'unavailable'],
    ['answers no GraphQL', () => void (city.faults.text = '<html>login</html>'), 'malformed'],
    ['answers no answer', () => void (city.faults.text = '{"data":[]}'), 'malformed'],
    ['hangs', () => void (city.faults.hang = true), 'deadline'],
  ];
  test.each(failing)('a subgraph that %s leaves its own fields empty, each with its reason', async (_, fail, kindOfFailure) => {
    fail();
    const result = await engine.ask('{ towns { name hours } town(ars: "1") { twin { name perHead } } broken }');
    expect(result.data).toEqual({
      towns: [
        { name: 'Neuss', hours: null },
        { name: 'Köln', hours: null },
        { name: 'Bonn', hours: null },
      ],
      town: { twin: { name: 'Köln', perHead: null } },
      broken: null,
    });
    expect(placesOf(result)).toEqual(['broken', 'town.twin.perHead', 'towns.0.hours', 'towns.1.hours', 'towns.2.hours']);
    for (const error of result.errors ?? []) {
      const cause = error.originalError;
      expect(cause).toBeInstanceOf(SubgraphError);
      expect(cause).toMatchObject({ subgraph: 'city', kind: kindOfFailure });
    }
  });

  test('a subgraph that hangs is waited for once, however many steps ask it', async () => {
    city.faults.hang = true;
    const result = await engine.ask('{ events { id town { name hours } } town(ars: "1") { twin { hours } } }');
    expect(result.data).toBeNull();
    if (kind === 'planned') expect(city.seen).toHaveLength(1);
  });

  test('a caller who goes away ends what it asked', async () => {
    city.faults.hang = true;
    const leave = new AbortController();
    const asked = engine.ask('{ town(ars: "1") { name hours } }', {}, { signal: leave.signal });
    await expect.poll(() => city.seen.length).toBe(1);
    leave.abort();
    expect((await asked).errors?.[0]?.originalError).toMatchObject({ kind: 'aborted' });
  });

  test('a subscription of a city, completed by the hub', async () => {
    const { parse } = await import('graphql');
    const plan = await engine.engine.plan(parse('subscription ($n: Int!) { eventsOfTheDay(count: $n) { title town { name } } }'), null);
    const events = await plan.subscribe({ n: 2 }, { context: {}, traceparent: null, signal: null });
    if (!(Symbol.asyncIterator in events)) throw new Error(JSON.stringify(events));
    const seen: unknown[] = [];
    for await (const { data, errors } of events) seen.push(errors ?? JSON.parse(JSON.stringify(data)));
    expect(seen).toEqual([
      { eventsOfTheDay: { title: 'Event 1', town: { name: 'Neuss' } } },
      { eventsOfTheDay: { title: 'Event 2', town: { name: 'Köln' } } },
    ]);
  });
});
