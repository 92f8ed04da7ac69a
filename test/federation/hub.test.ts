import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ars, startTestHub, type TestHub } from '../kit/hub.ts';
import { startSubgraph, type SubgraphServer } from './kit/subgraph-server.ts';

const eventsSdl = (name: string, more = '') => {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Event`;
  return `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires"])
scalar RegionalKey
type Query { ${name}Events(first: Int = 10): [${type}!] }
type Mutation { ${name}Book(id: ID!): ${type} }
type Subscription { ${name}Days(count: Int!): ${type}! }
type Municipality @key(fields: "ars") {
  ars: RegionalKey!
  population: Int @external
  ${name}Hours: String
  ${name}PerHead: Float @requires(fields: "population")
  ${more}
}
type ${type} @key(fields: "id") { id: ID! title: String! where: Municipality! }
`;
};

const startCity = (name: string, more?: string): Promise<SubgraphServer> => {
  const event = (id: string) => ({ id, title: `Event ${id}`, where: { ars: ars.neuss } });
  return startSubgraph({
    sdl: eventsSdl(name, more),
    resolvers: {
      Query: { [`${name}Events`]: (_: unknown, { first }: { first: number }) => ['a', 'b', 'c'].slice(0, first).map(event) },
      Mutation: { [`${name}Book`]: (_: unknown, { id }: { id: string }) => event(id) },
      Subscription: {
        [`${name}Days`]: {
          async *subscribe(_: unknown, { count }: { count: number }) {
            for (let day = 1; day <= count; day += 1) yield { [`${name}Days`]: event(String(day)) };
          },
        },
      },
      Municipality: {
        [`${name}Hours`]: ({ ars: town }: { ars: string }) => `hours of ${town}`,
        [`${name}PerHead`]: ({ population }: { population: number }) => 1_000_000 / population,
      },
    },
  });
};

const register = `mutation ($input: RegisterSubgraphInput!) { registerSubgraph(input: $input) {
  __typename
  ... on RegisterSubgraphSuccess { changed subgraph { name state hash } }
  ... on SubgraphRefused { objections { line column message(language: EN) } }
  ... on InvalidInput { message(language: EN) path }
} }`;

interface Registered {
  readonly registerSubgraph: {
    readonly __typename: string;
    readonly changed?: boolean;
    readonly objections?: readonly { readonly line: number; readonly message: string }[];
  };
}

const crossing = `{ municipality(ars: "${ars.neuss}") { name neussHours neussPerHead } neussEvents(first: 1) { title where { name ars } } }`;
const crossingHash = createHash('sha256').update(crossing).digest('hex');
const folder = mkdtempSync(join(tmpdir(), 'staedtebund-documents-'));
afterAll(() => rmSync(folder, { recursive: true }));

let hub: TestHub;
let second: TestHub;
let city: SubgraphServer;
beforeAll(async () => {
  hub = await startTestHub({ cities: {} });
  const documents = join(folder, 'documents.json');
  writeFileSync(documents, JSON.stringify({ [crossingHash]: crossing }));
  second = await startTestHub({ cities: {}, like: hub, env: { PERSISTED_DOCUMENTS: documents } });
  city = await startCity('neuss');
});
afterAll(async () => {
  await second.close();
  await hub.close();
  await city.close();
});
afterEach(() => {
  Object.assign(city.faults, { hang: false, status: null, text: null });
});

const plugIn = (on: TestHub, input: object, persona = 'operator') => on.ask<Registered>(register, { input }, persona);
const askByHash = async (): Promise<unknown> => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${second.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ documentId: crossingHash }) });
  return response.json();
};

describe('a city plugs in its own part of the graph', () => {
  test('only operators may', async () => {
    for (const persona of ['citizen', 'state', 'portal'])
      expect((await plugIn(hub, { name: 'neuss', url: city.url }, persona)).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    expect((await hub.ask(register, { input: { name: 'neuss', url: city.url } })).errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED');
    expect((await hub.ask('{ subgraphs { url } }', {}, 'citizen')).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    expect((await hub.ask(crossing)).errors?.[0]?.message).toContain('Cannot query field');
    expect(await askByHash()).toMatchObject({ errors: [{ message: expect.stringContaining('Cannot query field') }] });
  });

  test('and every hub answers it beside its own', async () => {
    const answer = await plugIn(hub, { name: 'neuss', url: city.url });
    expect(answer.data?.registerSubgraph).toMatchObject({ __typename: 'RegisterSubgraphSuccess', changed: true });
    const expected = {
      municipality: { name: 'Neuss', neussHours: `hours of ${ars.neuss}`, neussPerHead: expect.any(Number) },
      neussEvents: [{ title: 'Event a', where: { name: 'Neuss', ars: ars.neuss } }],
    };
    expect(await hub.ask(crossing)).toMatchObject({ data: expected });
    await expect.poll(async () => (await second.ask(crossing)).data, { timeout: 25_000 }).toMatchObject(expected);
    expect((await plugIn(hub, { name: 'neuss', url: city.url })).data?.registerSubgraph.changed).toBe(false);
  });

  test('also by the hash of a document that was registered before it came', async () => {
    expect(await askByHash()).toMatchObject({ data: { neussEvents: [{ title: 'Event a' }] } });
  });

  test('what needs no subgraph asks none', async () => {
    const before = city.seen.length;
    for (let n = 0; n < 10; n += 1)
      expect((await hub.ask(`{ municipality(ars: "${ars.neuss}") { name } }`)).data).toEqual({ municipality: { name: 'Neuss' } });
    expect(city.seen.length).toBe(before);
  });

  test('an answer of a city is not kept', async () => {
    const before = city.seen.length;
    for (let n = 0; n < 3; n += 1) await hub.ask('{ neussEvents { id } }');
    expect(city.seen.length).toBe(before + 3);
  });

  test('the whole schema is told', async () => {
    const answer = await hub.ask<{ __type: { fields: { name: string }[] } }>('{ __type(name: "Municipality") { fields { name } } }');
    expect(answer.data?.__type.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(['name', 'neussHours']));
  });

  test('a change and a subscription of its own', async () => {
    expect((await hub.ask('mutation { neussBook(id: "x") { title where { name } } }')).data).toEqual({
      neussBook: { title: 'Event x', where: { name: 'Neuss' } },
    });
    const response = await fetch(`${hub.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { neussDays(count: 2) { title where { name } } }' }),
    });
    const text = await response.text();
    expect([...text.matchAll(/"title":"(Event \d)","where":\{"name":"Neuss"\}/g)].map(([, title]) => title)).toEqual([
      'Event 1',
      'Event 2',
    ]);
    expect(text).toContain('event: complete');
  });

  test('one that is away leaves its own fields empty and says so; the caller’s token never leaves the hub', async () => {
    city.faults.status = 503;
    const answer = await hub.ask<Record<string, unknown>>(`{ municipality(ars: "${ars.neuss}") { name neussHours } }`, {}, 'citizen');
    expect(answer.data).toEqual({ municipality: { name: 'Neuss', neussHours: null } });
    expect(answer.errors).toEqual([
      expect.objectContaining({
        path: ['municipality', 'neussHours'],
        extensions: expect.objectContaining({ code: 'CITY_UNAVAILABLE', serviceName: 'neuss', retryable: true }),
      }),
    ]);
    expect(JSON.stringify(city.seen.map(({ headers }) => headers))).not.toContain('authorization');
  });

  test('a value that contradicts its own SDL is not shown, and the code for it is one of the list', async () => {
    city.faults.text = '{"data":{"neussEvents":[{"title":null}]}}';
    const answer = await hub.ask<Record<string, unknown>>(`{ municipality(ars: "${ars.neuss}") { name } neussEvents { title } }`);
    expect(answer.data).toEqual({ municipality: { name: 'Neuss' }, neussEvents: null });
    expect(answer.errors).toEqual([
      expect.objectContaining({
        path: ['neussEvents', 0, 'title'],
        message: 'Auf NeussEvent.title kam eine Antwort, die dem Schema widerspricht; sie wird nicht gezeigt.',
        extensions: expect.objectContaining({ code: 'SUBGRAPH_FAILED' }),
      }),
    ]);
  });

  test('a part whose failure would take the answers of others with it is refused', async () => {
    const refused = await plugIn(hub, { name: 'neuss', url: city.url, sdl: eventsSdl('neuss').replace('[NeussEvent!]', '[NeussEvent!]!') });
    expect(refused.data?.registerSubgraph).toMatchObject({
      __typename: 'SubgraphRefused',
      objections: [{ line: 3, message: expect.stringContaining('Write [NeussEvent!].') as unknown }],
    });
  });

  test('a part that does not keep the contract is refused with its place, and the last good one serves on', async () => {
    const refused = await plugIn(hub, { name: 'neuss', url: city.url, sdl: eventsSdl('neuss', 'openings: String\n  name: String!') });
    expect(refused.data?.registerSubgraph.__typename).toBe('SubgraphRefused');
    expect(refused.data?.registerSubgraph.objections?.map(({ line }) => line)).toEqual([11, 12]);
    expect((await hub.ask(crossing)).errors).toBeUndefined();
  });

  test('taken out, it is gone everywhere', async () => {
    expect((await hub.ask('mutation { removeSubgraph(name: "neuss") { __typename } }', {}, 'operator')).data).toEqual({
      removeSubgraph: { __typename: 'RemoveSubgraphSuccess' },
    });
    expect((await hub.ask(crossing)).errors?.[0]?.message).toContain('Cannot query field');
    await expect.poll(async () => (await second.ask(crossing)).errors?.length, { timeout: 25_000 }).toBe(1);
    expect((await hub.ask('mutation { removeSubgraph(name: "neuss") { __typename } }', {}, 'operator')).data).toEqual({
      removeSubgraph: { __typename: 'NotFound' },
    });
  });
});
