import { afterAll, beforeAll, expect, test } from 'vitest';
import { ars, startTestHub, type TestHub } from '../kit/hub.ts';
import { startSubgraph, type SubgraphServer } from './kit/subgraph-server.ts';

/*
 * Variables that do not fit are answered alike, whether a subgraph takes part or not, and before anything is asked of it.
 */

const sdl = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
scalar RegionalKey
type Query { neussFair: NeussFair }
type Mutation { neussOpen: NeussFair }
type Municipality @key(fields: "ars") { ars: RegionalKey! neussHours: String }
type NeussFair { title: String }
`;

let hub: TestHub;
let city: SubgraphServer;
beforeAll(async () => {
  hub = await startTestHub({ cities: {} });
  city = await startSubgraph({
    sdl,
    resolvers: {
      Query: { neussFair: () => ({ title: 'Fair' }) },
      Mutation: { neussOpen: () => ({ title: 'Fair' }) },
      Municipality: { neussHours: () => '8 to 12' },
    },
  });
  const register = 'mutation ($input: RegisterSubgraphInput!) { registerSubgraph(input: $input) { __typename } }';
  const answer = await hub.ask<{ registerSubgraph: { __typename: string } }>(
    register,
    { input: { name: 'neuss', url: city.url } },
    'operator',
  );
  if (answer.data?.registerSubgraph.__typename !== 'RegisterSubgraphSuccess') throw new Error(JSON.stringify(answer));
}, 120_000);
afterAll(async () => {
  await hub.close();
  await city.close();
});

interface Answered {
  readonly status: number;
  readonly data: unknown;
  readonly errors: readonly { readonly message: string; readonly code: unknown; readonly path: unknown }[];
}

async function ask(query: string, variables: object, accept: string): Promise<Answered> {
  const response = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors = [] } = (await response.json()) as {
    data?: unknown;
    errors?: { message: string; path?: unknown; extensions: { code: unknown } }[];
  };
  return { status: response.status, data, errors: errors.map(({ message, path, extensions: { code } }) => ({ message, code, path })) };
}

const place = 'competence(service: "99108001001000", place: $place) { __typename }';
const competence = `query ($place: PlaceInput!) { ${place} }`;

test.each<[string, string, string, object]>([
  ['one field of two that exclude each other', competence, place, { place: { ars: '053150000000', ags: '05111000' } }],
  ['none of them', competence, place, { place: {} }],
  ['one that is null', competence, place, { place: { ars: null } }],
  ['null where none may be', competence, place, { place: null }],
  ['nothing where something must be', competence, place, {}],
  ['a value of another type', competence, place, { place: 'Erika Mustermann' }],
  ['a field that is not there', competence, place, { place: { town: 'Erika Mustermann' } }],
  ['a text for a number', 'query ($n: Int) { services(first: $n) { totalCount } }', 'services(first: $n) { totalCount }', { n: 'Erika' }],
])('variables: %s', async (_, alone, part, variables) => {
  for (const accept of ['application/json', 'application/graphql-response+json']) {
    const own = await ask(alone, variables, accept);
    expect(own.data).toBeUndefined();
    expect(own.errors).not.toEqual([]);
    const before = city.seen.length;
    expect(await ask(alone.replace(part, `${part} neussFair { title }`), variables, accept)).toEqual(own);
    expect(JSON.stringify(own)).not.toContain('Erika');
    expect(city.seen.length).toBe(before);
  }
});

const municipality = (fields: string) => `query ($x: Boolean = true) { municipality(ars: "${ars.neuss}") { ${fields} } }`;

test.each<[string, string, string]>([
  ['of a field', municipality('name @include(if: $x)'), 'name @include(if: $x)'],
  ['of a field that is skipped', municipality('name @skip(if: $x)'), 'name @skip(if: $x)'],
  ['that is not looked at', municipality('ags @skip(if: true) @include(if: $x) name'), 'name'],
  ['at the root', 'query ($x: Boolean = true) { services(first: 1) @include(if: $x) { totalCount } }', ''],
])('a condition that is null, %s', async (_, alone, part) => {
  for (const accept of ['application/json', 'application/graphql-response+json']) {
    const own = await ask(alone, { x: null }, accept);
    const federated = part === '' ? alone.replace(/\}$/, ' neussFair { title } }') : alone.replace(part, `${part} neussHours`);
    const answered = await ask(federated, { x: null }, accept);
    expect(answered.errors).toEqual(own.errors);
    expect(answered.status).toBe(own.status);
    if (own.errors.length > 0) expect(answered.data).toEqual(own.data);
    else expect(answered.data).toEqual({ municipality: { name: 'Neuss', neussHours: '8 to 12' } });
  }
});

test('a condition of null at the root of a change changes nothing', async () => {
  const before = city.seen.length;
  const answer = await ask(
    'mutation ($x: Boolean = true) { neussOpen { title } other: neussOpen @include(if: $x) { title } }',
    { x: null },
    'application/json',
  );
  expect(answer).toMatchObject({ data: null, errors: [{ code: 'BAD_REQUEST' }] });
  expect(city.seen.length).toBe(before);
});
