import { composeServices } from '@theguild/federation-composition';
import { buildSchema, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { joinedSchema } from '../../src/gateway/schema.ts';
import { entityKeys, subgraphSdl } from '../../src/gateway/subgraph.ts';
import { duesseldorf, neuss, parking } from './fixtures/features.ts';
import { startGateway, submit, type Running } from './fixtures/gateway.ts';

let hub: Running;
let application: string;

beforeAll(async () => {
  hub = await startGateway();
  application = await submit(hub);
});
afterAll(() => hub.stop());

const entities = async (representations: unknown, selection: string, as?: string) =>
  (
    await hub.ask(`query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename ${selection} } }`, {
      variables: { representations },
      ...(as && { as }),
    })
  ).body;

/* What Apollo's subgraph compatibility suite asks of a subgraph, for the parts of the specification that the hub uses. */
describe('the protocol of a subgraph', () => {
  test('_service answers the SDL', async () => {
    const { body } = await hub.ask('{ _service { sdl } }');
    expect(body.data._service.sdl).toBe(subgraphSdl(joinedSchema()));
  });

  test('the SDL costs what so long a text costs', async () => {
    const times = (count: number) => `{ ${Array.from({ length: count }, (_, n) => `s${n}: _service { sdl }`).join(' ')} }`;
    expect((await hub.ask(times(2))).body.errors).toBeUndefined();
    expect((await hub.ask(times(8))).body.errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
  });

  test('@link names the specification and imports the directives that are used', () => {
    const sdl = subgraphSdl(joinedSchema());
    expect(sdl).toMatch(
      /extend schema @link\(url: "https:\/\/specs\.apollo\.dev\/federation\/v2\.\d+", import: \["@key", "@shareable"\]\)/,
    );
    const known = ['deprecated', 'key', 'link', 'oneOf', 'shareable', 'specifiedBy'];
    expect([...sdl.matchAll(/@(\w+)/g)].map(([, name]) => name ?? '').filter((name) => !known.includes(name))).toEqual([]);
  });

  test('_service and _entities are not part of the SDL', () => {
    expect(subgraphSdl(joinedSchema())).not.toMatch(/_service|_entities|_Any/);
  });

  test.each(Object.entries(entityKeys))('@key: %s has each of its keys, repeatable', (type, keys) => {
    const [, header] = new RegExp(`type ${type} ([^{]*)\\{`).exec(subgraphSdl(joinedSchema())) ?? [];
    expect([...(header ?? '').matchAll(/@key\(fields: "(\w+)"\)/g)].map(([, key]) => key)).toEqual([...keys]);
    const fields = buildSchema(joinedSchema()).getType(type) as unknown as { getFields(): Record<string, unknown> };
    for (const key of keys) expect(Object.keys(fields.getFields())).toContain(key);
  });

  test('@shareable: another subgraph may have connections too', () => {
    expect(subgraphSdl(joinedSchema())).toContain('type PageInfo @shareable');
  });

  test('a city extends a municipality, and the two compose', () => {
    const city = /* GraphQL */ `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires", "@shareable"])
      type Municipality @key(fields: "ars") {
        ars: RegionalKey!
        name: String! @external
        neussMarkets(first: Int = 20): [NeussMarket!] @requires(fields: "name")
      }
      scalar RegionalKey
      type NeussMarket @key(fields: "id") {
        id: ID!
        page: PageInfo
      }
      type PageInfo @shareable {
        hasNextPage: Boolean!
        hasPreviousPage: Boolean!
        startCursor: String
        endCursor: String
      }
      type Query {
        neussMarket(id: ID!): NeussMarket
      }
    `;
    const composed = composeServices([
      { name: 'hub', typeDefs: parse(subgraphSdl(joinedSchema())), url: 'http://hub.example' },
      { name: 'neuss', typeDefs: parse(city), url: 'http://neuss.example' },
    ]);
    expect(composed.errors?.map(({ message }) => message) ?? []).toEqual([]);
    expect(composed.supergraphSdl).toContain('neussMarkets');
  });
});

describe('_entities', () => {
  const id = (type: string, key: string) => Buffer.from(`${type}:${key}`).toString('base64url');

  test.each([
    ['Municipality by ARS', { __typename: 'Municipality', ars: duesseldorf }, '... on Municipality { name }', { name: 'Düsseldorf' }],
    ['Municipality by AGS', { __typename: 'Municipality', ags: '05111000' }, '... on Municipality { name }', { name: 'Düsseldorf' }],
    [
      'Municipality by id',
      { __typename: 'Municipality', id: id('Municipality', neuss) },
      '... on Municipality { name }',
      { name: 'Neuss' },
    ],
    ['Service by key', { __typename: 'Service', key: parking }, '... on Service { name }', { name: 'Bewohnerparkausweis' }],
    ['Service by id', { __typename: 'Service', id: id('Service', parking) }, '... on Service { key }', { key: parking }],
    ['Offer by id', { __typename: 'Offer', id: id('Offer', `offer-${neuss}`) }, '... on Offer { area }', { area: neuss }],
  ])('%s', async (_, representation, selection, expected) => {
    const { data, errors } = await entities([representation], selection);
    expect(errors).toBeUndefined();
    expect(data._entities).toEqual([{ __typename: representation.__typename, ...expected }]);
  });

  test('answers in the order asked, null for what is not there, even if one comes twice', async () => {
    const one = (ars: string) => ({ __typename: 'Municipality', ars });
    const { data } = await entities([one(neuss), one('999999999999'), one(duesseldorf), one(neuss)], '... on Municipality { ars }');
    expect(data._entities.map((found: { ars: string } | null) => found?.ars ?? null)).toEqual([neuss, null, duesseldorf, neuss]);
  });

  test('a thousand of one kind are answered', async () => {
    const representations = Array.from({ length: 1000 }, () => ({ __typename: 'Municipality', ars: neuss }));
    expect((await entities(representations, '... on Municipality { ars }')).data._entities).toHaveLength(1000);
    const { errors } = await entities([...representations, representations[0]], '... on Municipality { ars }');
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
  });

  test('what they cost is counted', async () => {
    const representations = Array.from({ length: 900 }, () => ({ __typename: 'Municipality', ars: neuss }));
    const offers = '... on Municipality { offers(first: 100) { nodes { name } } }';
    expect((await entities(representations, offers)).errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
  });

  test.each([
    ['no object', 'text'],
    ['a type that is none', { __typename: 'Person', id: '1' }],
    ['no key', { __typename: 'Municipality', name: 'Neuss' }],
    ['no type', { ars: neuss }],
  ])('%s fails alone and says why', async (_, wrong) => {
    const { data, errors } = await entities([wrong, { __typename: 'Municipality', ars: neuss }], '... on Municipality { ars }');
    expect(data._entities).toEqual([null, { __typename: 'Municipality', ars: neuss }]);
    expect(errors).toMatchObject([{ path: ['_entities', 0], extensions: { code: 'BAD_REQUEST' } }]);
  });

  test.each([
    ['of another type', id('Offer', `offer-${neuss}`)],
    ['of nothing', 'nonsense'],
    ['far too long', 'x'.repeat(5000)],
  ])('an id %s finds nothing', async (_, wrong) => {
    const { data, errors } = await entities([{ __typename: 'Municipality', id: wrong }], '... on Municipality { ars }');
    expect([data._entities, errors]).toEqual([[null], undefined]);
  });

  test.each([
    ['citizen', true],
    ['clerk-duesseldorf', true],
    ['citizen2', false],
    ['clerk-neuss', false],
    ['portal', false],
    ['state', false],
    [undefined, false],
  ])('an application is there for %s: %s', async (as, sees) => {
    const { data, errors } = await entities([{ __typename: 'Application', id: application }], '... on Application { id status }', as);
    expect(errors).toBeUndefined();
    expect(data._entities).toEqual([sees ? { __typename: 'Application', id: application, status: 'SUBMITTED' } : null]);
  });
});
