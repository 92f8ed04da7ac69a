import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import type { Simulator } from '../../adapters/simulation/server.ts';
import { createComposer } from '../../src/federation/compose.ts';
import { joinedSchema } from '../../src/gateway/schema.ts';
import { subgraphSdl } from '../../src/gateway/subgraph.ts';
import { ars, duesseldorf, startTestHub, type TestHub } from '../kit/hub.ts';
import { parkingPermit } from '../kit/samples.ts';
import { startSubgraph, type SubgraphServer } from './kit/subgraph-server.ts';

/*
 * What federation knows beside plain entities. A city's SDL that uses it is answered right or refused when it is plugged in, with a
 * remedy; nothing is taken that is answered wrong.
 */

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires", "@provides", "@shareable", "@override", "@interfaceObject"])';
const scalars = 'scalar RegionalKey scalar ServiceKey enum Language { DE EN }';
const town = 'type Municipality @key(fields: "ars") { ars: RegionalKey!';

describe('is refused when it is plugged in', { timeout: 120_000 }, () => {
  const hub = subgraphSdl(joinedSchema());
  const composer = createComposer(100_000);
  afterAll(() => composer.close());

  test.each([
    [
      '@interfaceObject of an interface of the hub',
      'type Node @key(fields: "id") @interfaceObject { id: ID! bonnX: Int }',
      /“Node” is a type of the hub/,
    ],
    [
      '@interfaceObject of an interface of nobody',
      'type Query { bonnA: BonnA } type BonnA @key(fields: "id") @interfaceObject { id: ID! x: Int }',
      /@interfaceObject/,
    ],
    [
      'a type that implements an interface of the hub',
      'interface Node { id: ID! } type BonnA implements Node { id: ID! }',
      /“Node” is a type of the hub|Node.id/,
    ],
    ['a member for a union of the hub', 'union EventsResult = BonnA type BonnA { x: Int }', /EventsResult/],
    [
      'nested @provides of fields of the hub',
      `type Query { bonnA: BonnA @provides(fields: "at { name }") } type BonnA { at: Municipality } ${town} name: String! @external }`,
      /by @provides/,
    ],
    [
      'nested @provides below a union',
      `type Query { bonnAny: BonnAny @provides(fields: "... on BonnA { at { name } }") } union BonnAny = BonnA type BonnA { at: Municipality } ${town} name: String! @external }`,
      /by @provides/,
    ],
    [
      '@requires through an interface',
      `${town} bonnN: Int @requires(fields: "bonnI { id }") bonnI: BonnI } interface BonnI { id: ID! } type BonnA implements BonnI { id: ID! }`,
      /leads through “BonnI”/,
    ],
    [
      '@requires through a union below an object',
      `${town} bonnN: Int @requires(fields: "bonnA { any { __typename } }") bonnA: BonnA } type BonnA { any: BonnU } union BonnU = BonnA`,
      /leads through “BonnU”/,
    ],
    [
      '@override of an entity-valued field that was not granted',
      `${town} offer(service: ServiceKey!): Offer @override(from: "hub") } type Offer @key(fields: "id") { id: ID! }`,
      /@override on Municipality.offer is not allowed/,
    ],
  ])('%s', async (_, sdl, objection) => {
    const part = { name: 'bonn', url: 'http://bonn.invalid/', sdl: `${link} ${scalars} ${sdl}`, grants: { overrides: [], entities: [] } };
    const { refused } = await composer.compose(hub, [part]);
    expect(refused[0]?.objections.map(({ problem }) => problem.en).join('\n')).toMatch(objection);
    for (const { problem, remedy } of refused[0]?.objections ?? [])
      for (const text of [problem, remedy]) expect(text.de && text.en).toBeTruthy();
  });
});

describe('is answered as it is by one service', { timeout: 120_000 }, () => {
  let backoffice: Simulator;
  let hub: TestHub;
  const cities: SubgraphServer[] = [];
  let offer: { id: string; name: string; service: { key: string; name: string } };

  async function plugIn(name: string, given: Parameters<typeof startSubgraph>[0], grants: object = {}): Promise<void> {
    const city = await startSubgraph(given);
    cities.push(city);
    const register =
      'mutation ($input: RegisterSubgraphInput!) { registerSubgraph(input: $input) { __typename ... on SubgraphRefused { objections { message(language: EN) } } } }';
    const { data, errors } = await hub.ask(register, { input: { name, url: city.url, ...grants } }, 'operator');
    if (JSON.stringify(data) !== '{"registerSubgraph":{"__typename":"RegisterSubgraphSuccess"}}')
      throw new Error(JSON.stringify([data, errors]));
  }

  beforeAll(async () => {
    backoffice = await startRedmineSimulator();
    hub = await startTestHub({ cities: { duesseldorf: duesseldorf({ baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey }) } });
    offer = await vi.waitFor(async () => {
      const { data } = await hub.ask<{ competence: { offer: typeof offer } }>(
        `{ competence(service: "${parkingPermit}", place: { ars: "${ars.duesseldorf}" }) { ... on Competence { offer { id name service { key name(language: EN) } } } } }`,
      );
      if (!data?.competence.offer) throw new Error(`no offer yet: ${JSON.stringify(data)}`);
      return data.competence.offer;
    }, 20_000);
    const things = [
      { __typename: 'Municipality', ars: ars.duesseldorf },
      { __typename: 'BonnFair', id: '1', name: 'Pützchens Markt', at: { ars: ars.duesseldorf } },
      { __typename: 'Service', key: offer.service.key },
      { __typename: 'BonnTree', id: '2', name: 'Linde', offer: { id: offer.id } },
    ];
    await plugIn('bonn', {
      sdl: `${link} ${scalars}
        type Query { bonnThings: [BonnThing] bonnNamed: [BonnNamed] }
        union BonnThing = BonnFair | BonnTree | Municipality | Service
        interface BonnNamed { id: ID! name: String! }
        type BonnFair implements BonnNamed @key(fields: "id") { id: ID! name: String! at: Municipality }
        type BonnTree implements BonnNamed { id: ID! name: String! offer: Offer next: BonnNamed }
        ${town} bonnThing: BonnThing } type Service @key(fields: "key") { key: ServiceKey! bonnThing: BonnThing }
        type Offer @key(fields: "id") { id: ID! municipality: Municipality! @external service: Service! @external bonnNote: String @requires(fields: "municipality { name } service { name(language: EN) }") }
        extend type Municipality { name: String! @external } extend type Service { name(language: Language = DE): String! @external }`,
      resolvers: {
        Query: { bonnThings: () => things, bonnNamed: () => [things[1], things[3]] },
        BonnThing: { __resolveType: ({ __typename }: { __typename: string }) => __typename },
        BonnNamed: { __resolveType: ({ __typename }: { __typename: string }) => __typename },
        BonnTree: { next: () => things[1] },
        Municipality: { bonnThing: () => things[3] },
        Service: { bonnThing: () => things[0] },
        Offer: {
          bonnNote: ({ municipality, service }: { municipality: { name: string }; service: { name: string } }) =>
            `${service.name} in ${municipality.name}`,
        },
      },
    });
    await plugIn(
      'koeln',
      {
        sdl: `${link} ${scalars} ${town} offer(service: ServiceKey!): Offer @override(from: "hub") } type Offer @key(fields: "id") { id: ID! koelnNote: String }`,
        resolvers: {
          Municipality: {
            offer: (_: unknown, { service }: { service: string }) => (service === offer.service.key ? { id: offer.id } : null),
          },
          Offer: { koelnNote: () => 'from Köln' },
        },
      },
      { overrides: ['Municipality.offer'] },
    );
  }, 120_000);
  afterAll(async () => {
    for (const city of cities) await city.close();
    await hub.close();
    await backoffice.close();
  });

  const note = () => `${offer.service.name} in Düsseldorf`;
  test.each<[string, string, () => unknown]>([
    [
      'a union of own types and entities of the hub',
      '{ bonnThings { __typename ... on BonnFair { name at { name } } ... on Municipality { name } ... on Service { name(language: EN) } ... on BonnTree { offer { id bonnNote } } } }',
      () => ({
        bonnThings: [
          { __typename: 'Municipality', name: 'Düsseldorf' },
          { __typename: 'BonnFair', name: 'Pützchens Markt', at: { name: 'Düsseldorf' } },
          { __typename: 'Service', name: offer.service.name },
          { __typename: 'BonnTree', offer: { id: offer.id, bonnNote: note() } },
        ],
      }),
    ],
    [
      'what is both of a union and of an interface, of the hub and of the city',
      '{ bonnThings { ... on BonnNamed { name } ... on Node { id2: __typename } } bonnNamed { id ... on BonnThing { ... on BonnTree { next { name ... on BonnFair { at { name } } } } } } }',
      () => ({
        bonnThings: [{ id2: 'Municipality' }, { name: 'Pützchens Markt' }, { id2: 'Service' }, { name: 'Linde' }],
        bonnNamed: [{ id: '1' }, { id: '2', next: { name: 'Pützchens Markt', at: { name: 'Düsseldorf' } } }],
      }),
    ],
    [
      'unions within entities of the hub, there and back',
      `{ municipality(ars: "${ars.duesseldorf}") { bonnThing { ... on BonnTree { offer { service { bonnThing { ... on Municipality { name } } } bonnNote } } } } }`,
      () => ({
        municipality: { bonnThing: { offer: { service: { bonnThing: { name: 'Düsseldorf' } }, bonnNote: note() } } },
      }),
    ],
    [
      'an entity-valued field that was taken over, with what the hub and others say of the entity',
      `query ($key: ServiceKey!) { municipality(ars: "${ars.duesseldorf}") { name offer(service: $key) { id name koelnNote bonnNote service { key } } none: offer(service: "99000000000000") { id } } }`,
      () => ({
        municipality: {
          name: 'Düsseldorf',
          offer: { id: offer.id, name: offer.name, koelnNote: 'from Köln', bonnNote: note(), service: { key: offer.service.key } },
          none: null,
        },
      }),
    ],
  ])('%s', async (_, query, expected) => {
    const { data, errors } = await hub.ask(query, query.includes('$key') ? { key: offer.service.key } : {});
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data)).toBe(JSON.stringify(expected()));
  });
});
