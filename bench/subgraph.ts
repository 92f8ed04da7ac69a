import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { execute, parse, type DocumentNode } from 'graphql';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { serveParent } from './parent.ts';

/* A city's GraphQL service for the benchmark of federation: as little as a subgraph can be, so that the gateway's cost shows. */
const sdl = `
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
scalar RegionalKey
type Query { benchEvents: [BenchEvent!] }
type Municipality @key(fields: "ars") { ars: RegionalKey! benchHours: String benchWaitingMinutes: Int }
type BenchEvent @key(fields: "id") { id: ID! title: String! }
`;
const schema = makeExecutableSchema({
  typeDefs: `directive @key(fields: String!) on OBJECT
    ${sdl.replace(/extend schema.*\n/, '')}
    scalar _Any type _Service { sdl: String! } union _Entity = Municipality
    extend type Query { _service: _Service! _entities(representations: [_Any!]!): [_Entity]! }`,
  resolvers: {
    Query: {
      _service: () => ({ sdl }),
      _entities: (_: unknown, { representations }: { representations: object[] }) =>
        representations.map((one) => ({ ...one, __typename: 'Municipality' })),
      benchEvents: () => Array.from({ length: 5 }, (_, id) => ({ id, title: `Event ${id}` })),
    },
    Municipality: { benchHours: () => 'Mo–Fr 8–16', benchWaitingMinutes: () => 12 },
  },
});
const documents = new Map<string, DocumentNode>();
let frozen = false;

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (part: string) => (body += part));
  request.on('end', () => {
    if (frozen) return;
    const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
    const document = documents.get(query) ?? parse(query);
    documents.set(query, document);
    void Promise.resolve(execute({ schema, document, variableValues: variables })).then((result) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    });
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
serveParent(
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
  { freeze: (value: boolean) => (frozen = value) },
  async () => server.closeAllConnections(),
);
