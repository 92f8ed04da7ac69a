import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { visit, parse, print, Kind, type GraphQLSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';

/** What goes wrong at a subgraph, on purpose. */
export interface SubgraphFaults {
  /** Takes requests and never answers. */
  hang: boolean;
  /** Answers each request with this status and no GraphQL. */
  status: number | null;
  /** Answers each request with this text, or with these bytes. */
  text: string | Buffer | null;
}

/** A request that a subgraph got. */
export interface Seen {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** A city's GraphQL service: Apollo Federation v2 over HTTP on the loopback, subscriptions over SSE. */
export interface SubgraphServer {
  readonly url: string;
  readonly sdl: string;
  readonly seen: Seen[];
  readonly faults: SubgraphFaults;
  close(): Promise<void>;
}

export interface SubgraphOptions {
  readonly sdl: string;
  readonly resolvers: object;
  /** How entities are found, by type. */
  readonly references?: Readonly<Record<string, (representation: never) => unknown>>;
}

const federationTypes = `
  scalar federation__FieldSet
  scalar link__Import
  directive @key(fields: federation__FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
  directive @external on OBJECT | FIELD_DEFINITION
  directive @requires(fields: federation__FieldSet!) on FIELD_DEFINITION
  directive @interfaceObject on OBJECT
  directive @provides(fields: federation__FieldSet!) on FIELD_DEFINITION
  directive @shareable repeatable on OBJECT | FIELD_DEFINITION
  directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
  directive @override(from: String!, label: String) on FIELD_DEFINITION
  scalar _Any
  type _Service { sdl: String! }
`;

/** The schema that a subgraph runs, the protocol included. */
export function subgraphSchema({ sdl, resolvers, references = {} }: SubgraphOptions): GraphQLSchema {
  // The link is for the composer; an executable schema does not know it.
  const document = visit(parse(sdl), { SchemaExtension: () => null });
  const entities = document.definitions.flatMap((part) =>
    (part.kind === Kind.OBJECT_TYPE_DEFINITION || part.kind === Kind.OBJECT_TYPE_EXTENSION) &&
    part.directives?.some(({ name }) => name.value === 'key')
      ? [part.name.value]
      : [],
  );
  const hasQuery = document.definitions.some((part) => 'name' in part && part.name?.value === 'Query');
  return makeExecutableSchema({
    typeDefs: [
      print(document),
      federationTypes,
      `${hasQuery ? 'extend ' : ''}type Query { _service: _Service! ${entities.length > 0 ? '_entities(representations: [_Any!]!): [_Entity]!' : ''} }`,
      ...(entities.length > 0 ? [`union _Entity = ${entities.join(' | ')}`] : []),
    ],
    resolvers: [
      resolvers as never,
      {
        Query: {
          _service: () => ({ sdl }),
          ...(entities.length > 0 && {
            _entities: (_: unknown, { representations }: { representations: readonly { __typename: string }[] }) =>
              representations.map(async (one) => {
                const found = await (references[one.__typename] ?? ((given) => given))(one as never);
                return found && { ...found, __typename: one.__typename };
              }),
          }),
        },
        ...(entities.length > 0 && { _Entity: { __resolveType: (found: { __typename: string }) => found.__typename } }),
      } as never,
    ],
  });
}

/** Starts one on a free port. */
export async function startSubgraph(options: SubgraphOptions): Promise<SubgraphServer> {
  const { sdl } = options;
  const schema = subgraphSchema(options);
  const yoga = createYoga({ schema, maskedErrors: false, logging: false, landingPage: false, graphiql: false });
  const seen: Seen[] = [];
  const faults: SubgraphFaults = { hang: false, status: null, text: null };
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString();
      const { query, variables } = JSON.parse(body) as Seen;
      seen.push({ query, variables, headers: request.headers });
      if (faults.hang) return;
      if (faults.status !== null) return void response.writeHead(faults.status).end();
      if (faults.text !== null) return void response.end(faults.text);
      const headers = { 'content-type': 'application/json', accept: String(request.headers.accept) };
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      const asked = yoga.fetch(`http://subgraph.invalid/graphql`, { method: 'POST', headers, body, signal: gone.signal });
      void Promise.resolve(asked).then(
        async (answer: Response) => {
          response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' });
          response.flushHeaders();
          if (answer.body) for await (const part of answer.body as AsyncIterable<Uint8Array>) response.write(part);
          response.end();
        },
        () => response.destroy(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    sdl,
    seen,
    faults,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
