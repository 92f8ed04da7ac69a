import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveParent } from '../parent.ts';
import { kitaFields, municipalities, offersOf, type BenchCity } from './cities.ts';

/*
 * The cities' back offices, one port each, in a process of their own. They answer GraphQL questions for Kitas, and over REST what
 * they offer, as fast as a server can: what is measured is who asks them.
 */
const kitas = (ars: string) =>
  Array.from({ length: 20 }, (_, at) => ({
    id: `${ars}-${at}`,
    name: `Kita ${at} am Rathaus`,
    street: `Schulstraße ${at + 1}`,
    postalCode: '40213',
    town: 'Musterstadt',
    freePlaces: at % 4,
    places: 60 + at,
    url: `https://kita.example/${ars}/${at}`,
  }));

async function office(ars: string, name: string): Promise<{ readonly server: Server; readonly url: string }> {
  const all = kitas(ars).map((kita) => JSON.stringify(Object.fromEntries(kitaFields.map((name) => [name, kita[name]]))));
  const offers = offersOf({ ars, name }).map((offer) => JSON.stringify(offer));
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      const first = Number(/\bfirst=(\d+)/.exec(request.url ?? '')?.[1] ?? 20);
      const text = `{"offers":[${offers.slice(0, first).join(',')}]}`;
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
      return;
    }
    let body = '';
    request
      .setEncoding('utf8')
      .on('data', (part: string) => (body += part))
      .once('end', () => {
        const { first } = (JSON.parse(body) as { variables: { first?: number } }).variables;
        const text = `{"data":{"places":[{"key":"${ars}","kitas":[${all.slice(0, first ?? 20).join(',')}]}]}}`;
        response
          .writeHead(200, { 'content-type': 'application/graphql-response+json; charset=utf-8', 'content-length': Buffer.byteLength(text) })
          .end(text);
      });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql` };
}

const count = Number(process.env['BENCH_OFFICES'] ?? 3);
const cities: BenchCity[] = [];
const servers: Server[] = [];
for (const { ars, name } of municipalities(count)) {
  const { server, url } = await office(ars, name);
  servers.push(server);
  cities.push({ ars, name, url });
}

serveParent(cities, {}, async () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});
