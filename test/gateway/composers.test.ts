import { composeServices as composeByApollo } from '@apollo/composition';
import { QueryPlanner } from '@graphql-hive/router-query-planner';
import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import { composeServices as composeByGuild } from '@theguild/federation-composition';
import { execute, parse, print, type DocumentNode, type GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { duesseldorf } from './fixtures/features.ts';
import { startGateway, type Running } from './fixtures/gateway.ts';

/*
 * Whoever runs a supergraph of their own asks the hub for its SDL and hands it to the tools of Apollo, The Guild or Hive as it
 * came. Composed by either composer, alone and with another subgraph, it is read by Hive's query planner and its stitching runtime.
 */

interface Service {
  readonly name: string;
  readonly url: string;
  readonly typeDefs: DocumentNode;
}

const composers: Readonly<
  Record<string, (services: Service[]) => { errors?: readonly Error[] | undefined; supergraphSdl?: string | undefined }>
> = {
  '@apollo/composition': composeByApollo,
  '@theguild/federation-composition': composeByGuild,
};

const museum = /* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires", "@shareable"])
  type Query {
    museums: [Museum!]
  }
  type Museum @key(fields: "id") {
    id: ID!
    town: Municipality
  }
  type Municipality @key(fields: "ars") {
    ars: RegionalKey!
    population: Int @external
    visitorsPerHead: Float @requires(fields: "population")
  }
  type PageInfo @shareable {
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
    endCursor: String
  }
  scalar RegionalKey
`;

let hub: Running;
let sdl: string;
beforeAll(async () => {
  hub = await startGateway();
  sdl = (await hub.ask('{ _service { sdl } }')).body.data._service.sdl as string;
});
afterAll(() => hub.stop());

describe.each(Object.entries(composers))('the SDL that the hub serves, composed by %s', (_, compose) => {
  const service = (name: string, typeDefs: string): Service => ({ name, url: `http://${name}.invalid/`, typeDefs: parse(typeDefs) });
  const supergraphOf = (services: Service[]): string => {
    const { errors = [], supergraphSdl } = compose(services);
    expect(errors.map(({ message }) => message)).toEqual([]);
    return supergraphSdl ?? '';
  };

  test('alone: Hive’s planner reads it', () => {
    const planner = new QueryPlanner(supergraphOf([service('hub', sdl)]));
    const { node } = planner.plan(`{ municipality(ars: "${duesseldorf}") { name population } }`, null, new Set(), 0);
    expect(node).toMatchObject({ kind: 'Fetch', serviceName: 'hub' });
  });

  test('with another subgraph: Hive’s planner finds the way from one to the other', () => {
    const planner = new QueryPlanner(supergraphOf([service('hub', sdl), service('museum', museum)]));
    const plan = JSON.stringify(planner.plan('{ museums { town { name visitorsPerHead } } }', null, new Set(), 0));
    expect([...plan.matchAll(/"serviceName":"(\w+)"/g)].map(([, name]) => name)).toEqual(['museum', 'hub', 'museum']);
  });

  test('with another subgraph: the stitching runtime asks the hub itself', async () => {
    const schema: GraphQLSchema = getStitchedSchemaFromSupergraphSdl({
      supergraphSdl: supergraphOf([service('hub', sdl), service('museum', museum)]),
      onSubschemaConfig(config) {
        config.executor = async ({ document, variables }) => {
          const answer = await hub.ask(print(document), { ...(variables && { variables }) });
          return answer.body as never;
        };
      },
    });
    const answer = await execute({ schema, document: parse(`{ municipality(ars: "${duesseldorf}") { name } }`) });
    expect(answer).toEqual({ data: { municipality: { name: 'Düsseldorf' } } });
  });
});
