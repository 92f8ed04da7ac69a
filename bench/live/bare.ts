import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { serveParent } from '../parent.ts';
import { kitaFields, officeDocument, serviceKeys, type BenchCity, type BenchOffer } from './cities.ts';

/*
 * What somebody would write by hand for these two questions: read the body, ask the three back offices over kept connections,
 * put the answers together. It knows the questions beforehand: it parses no document, checks no answer and limits nobody.
 */
const cities = JSON.parse(process.env['BENCH_CITIES'] ?? '[]') as readonly BenchCity[];
const query = officeDocument(`{ ${kitaFields.join(' ')} }`);
const offices = cities.map(({ ars, name, url }, at) => {
  const first = at < 2 ? 7 : 6;
  return {
    name,
    municipality: { ars, name },
    pool: new Pool(new URL(url).origin, { connections: 64 }),
    bodyFor: (age: number) => JSON.stringify({ query, variables: { keys: [ars], first, age } }),
  };
});
const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };

interface Answered {
  readonly data: { readonly places: readonly { readonly kitas: readonly Record<string, unknown>[] }[] };
}

async function answer(age: number): Promise<string> {
  const answers = await Promise.all(
    offices.map(async ({ name, pool, bodyFor }) => {
      const answered = await pool.request({ path: '/graphql', method: 'POST', headers, body: bodyFor(age) });
      const { data } = (await answered.body.json()) as Answered;
      return { name, kitas: data.places[0]?.kitas ?? null };
    }),
  );
  return JSON.stringify({ data: Object.fromEntries(answers.map((one, at) => [`m${at}`, one])) });
}

async function page(most: number): Promise<string> {
  const answers = await Promise.all(
    offices.map(async ({ municipality, pool }) => {
      const answered = await pool.request({ path: `/offers?first=${most}`, method: 'GET' });
      const { offers } = (await answered.body.json()) as { offers: readonly BenchOffer[] };
      return new Map(offers.map(({ service, name, fees }) => [service, { name, municipality, fees }]));
    }),
  );
  const nodes = serviceKeys.slice(0, most).map((key) => ({ key, offers: { nodes: answers.flatMap((offers) => offers.get(key) ?? []) } }));
  return JSON.stringify({ data: { services: { nodes } } });
}

const server = createServer((request, response) => {
  let body = '';
  request
    .setEncoding('utf8')
    .on('data', (part: string) => (body += part))
    .once('end', () => {
      const { variables } = JSON.parse(body) as { variables: { age: number } | { first: number } };
      ('age' in variables ? answer(variables.age) : page(variables.first)).then(
        (text) =>
          response
            .writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) })
            .end(text),
        () => response.writeHead(502).end(),
      );
    });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

serveParent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {}, async () => {
  server.close();
  server.closeAllConnections();
  await Promise.all(offices.map(({ pool }) => pool.close()));
});
