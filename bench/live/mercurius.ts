import Fastify from 'fastify';
import mercurius from 'mercurius';
import { Pool } from 'undici';
import { serveParent } from '../parent.ts';
import { kitaFields, officeDocument, serviceKeys, type BenchCity, type BenchOffer } from './cities.ts';

/* The same over Mercurius, compiled (jit) and with a loader for the rows: the fastest GraphQL server for Node. */
const cities = JSON.parse(process.env['BENCH_CITIES'] ?? '[]') as readonly BenchCity[];
const pools = new Map(cities.map(({ ars, url }) => [ars, new Pool(new URL(url).origin, { connections: 64 })]));
const byArs = new Map(cities.map(({ ars, name }) => [ars, { ars, name }]));
const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
const query = officeDocument(`{ ${kitaFields.join(' ')} }`);

interface Answered {
  readonly data: { readonly places: readonly { readonly kitas: readonly Record<string, unknown>[] }[] };
}

const app = Fastify({ logger: false });
await app.register(mercurius, {
  jit: 1,
  schema: `
    type Query { municipality(ars: String!): Municipality services(offeredIn: String, first: Int = 20): ServiceConnection! }
    type ServiceConnection { nodes: [Service!]! }
    type Service { key: String! offers(in: [String!], first: Int): OfferConnection! }
    type OfferConnection { nodes: [Offer!]! }
    type Offer { name: String! municipality: Municipality! fees: [Fee!]! }
    type Fee { cents: Int! currency: String! }
    type Municipality { ars: String! name: String! kitas(first: Int = 20, ageMonths: Int): [Kita!] }
    type Kita { id: ID! name: String! street: String postalCode: String town: String freePlaces: Int places: Int url: String }
  `,
  resolvers: {
    Query: {
      municipality: (_: unknown, { ars }: { ars: string }) => byArs.get(ars) ?? null,
      services: (_: unknown, { first }: { first: number }) => ({ nodes: serviceKeys.slice(0, first).map((key) => ({ key })) }),
    },
  },
  loaders: {
    Service: {
      offers: {
        loader: async (
          queries: readonly { readonly obj: { readonly key: string }; readonly params: { readonly in: readonly string[] } }[],
        ) => {
          const towns = queries[0]?.params.in ?? [];
          const answers = await Promise.all(
            towns.map(async (ars) => {
              const answered = await (pools.get(ars) as Pool).request({ path: `/offers?first=${queries.length}`, method: 'GET' });
              const { offers } = (await answered.body.json()) as { offers: readonly BenchOffer[] };
              const municipality = byArs.get(ars);
              return new Map(offers.map(({ service, name, fees }) => [service, { name, municipality, fees }]));
            }),
          );
          return queries.map(({ obj }) => ({ nodes: answers.flatMap((offers) => offers.get(obj.key) ?? []) }));
        },
        opts: { cache: true },
      },
    },
    Municipality: {
      // The same row is asked for once in a request; what a request before it got is not kept.
      kitas: {
        loader: (
          queries: readonly {
            readonly obj: { readonly ars: string };
            readonly params: { readonly first: number; readonly ageMonths: number };
          }[],
        ) =>
          Promise.all(
            queries.map(async ({ obj, params }) => {
              const body = JSON.stringify({ query, variables: { keys: [obj.ars], first: params.first, age: params.ageMonths } });
              const answered = await (pools.get(obj.ars) as Pool).request({ path: '/graphql', method: 'POST', headers, body });
              const { data } = (await answered.body.json()) as Answered;
              return data.places[0]?.kitas ?? null;
            }),
          ),
        opts: { cache: true },
      },
    },
  },
} as never);
const url = await app.listen({ port: 0, host: '127.0.0.1' });

serveParent(url, {}, async () => {
  await app.close();
  await Promise.all([...pools.values()].map((pool) => pool.close()));
});
