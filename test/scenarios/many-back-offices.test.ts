import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { simulatedToken, startSimulator, type Simulator as TicketSimulator } from '../../adapters/_template/simulator.ts';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { restSimulatedSecret, startRestSimulator, type RestSimulator } from '../../adapters/rest/simulator.ts';
import type { Simulator } from '../../adapters/simulation/server.ts';
import { ars, duesseldorf, neuss, startTestHub, type TestHub } from '../kit/hub.ts';
import { parkingPermit } from '../kit/samples.ts';

/*
 * Back offices are joined to cities by YAML alone. Düsseldorf has three: Redmine for one service, a third party's ticket system
 * for the rest, and another third party's module that lists its offers. Neuss and Köln share one.
 */

const patience = { timeout: 20_000, interval: 50 };
const closure = `L${ars.duesseldorf}.sperrung`;

/** A third party's adapter that lists offers and takes no applications. */
const listing = `
import { z } from 'zod';
const offer = (localKey, serviceKey, name, schema) => ({
  localKey, serviceKey, name: { de: name }, authority: { name: 'Stadt' }, channels: ['ONLINE'], maturityLevel: 3, fees: [],
  requiredDocuments: [], assuranceLevel: 'NONE', appointment: 'NONE', form: { revision: localKey, schema },
});
export default {
  id: 'listing', version: '1.0.0', contract: ['1.0'], config: z.strictObject({}),
  create: () => ({
    start: async () => {}, stop: async () => {}, check: async () => ({ ok: true, probes: [] }),
    catalogue: {
      async *listOffers() {
        yield { items: [offer('parken', '${parkingPermit}', 'Bewohnerparkausweis', ${readFileSync('cities/forms/bewohnerparkausweis.schema.json', 'utf8')})], next: '1' };
        yield { items: [offer('sperrung', null, 'Straßensperrung', { type: 'object', required: ['street'], properties: { street: { type: 'string' } } })], next: '2' };
      },
    },
  }),
};
`;

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-listing-'));
let redmine: Simulator;
let shared: RestSimulator;
let tickets: TicketSimulator;
let hub: TestHub;

beforeAll(async () => {
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'listing.mjs'), listing);
  [redmine, shared, tickets] = await Promise.all([startRedmineSimulator(), startRestSimulator({ dialect: 'vorgaenge' }), startSimulator()]);
  const one = duesseldorf({ baseUrl: redmine.url, apiKey: redmineSimulated.apiKey }, { services: [parkingPermit] });
  const another = neuss({ baseUrl: shared.url, secret: restSimulatedSecret });
  hub = await startTestHub({
    cities: {
      duesseldorf: {
        ...one,
        catalogue: { adapter: 'offers' },
        adapters: {
          cases: one.adapters.cases,
          desk: {
            product: resolve('adapters/_template/index.ts'),
            services: ['*'],
            config: { baseUrl: tickets.url, token: simulatedToken, queue: 'applications', pullEveryMs: 1000 },
            statusMap: { open: 'received', granted: 'granted' },
          },
          offers: { product: join(folder, 'listing.mjs'), config: {} },
        },
      },
      neuss: another,
      koeln: {
        ...another,
        ars: ars.koeln,
        name: 'Köln',
        catalogue: { format: 'offers', files: { offers: resolve('cities/offers/koeln.yaml') } },
      },
    },
  });
});
afterAll(async () => {
  await hub?.close();
  await Promise.all([redmine, shared, tickets].map((simulator) => simulator?.close()));
  rmSync(folder, { recursive: true });
});

const status = async (id: string) => (await hub.find(id))?.status;

test('a city’s back offices are all there, each known by its product', async () => {
  const answer = await hub.ask<{ municipality: { connection: { adapters: { product: string }[] } } }>(
    'query ($ars: RegionalKey!) { municipality(ars: $ars) { connection { adapters { product } } } }',
    { ars: ars.duesseldorf },
    'state',
  );
  expect(answer.errors).toBeUndefined();
  expect(answer.data?.municipality.connection.adapters.map(({ product }) => product).toSorted()).toEqual([
    'listing',
    'redmine',
    'ticketing',
  ]);
});

test('offers come from one back office, applications go by service to two others, and decisions come back from each', async () => {
  const offered = async () => {
    const answer = await hub.ask<{ municipality: { offers: { nodes: { service: { key: string } }[] } } }>(
      'query ($ars: RegionalKey!) { municipality(ars: $ars) { offers { nodes { service { key } } } } }',
      { ars: ars.duesseldorf },
    );
    return answer.data?.municipality.offers.nodes.map(({ service }) => service.key).toSorted();
  };
  await expect.poll(offered, patience).toEqual([parkingPermit, closure].toSorted());

  const parking = await hub.submit(ars.duesseldorf, randomUUID());
  const closed = await hub.submit(ars.duesseldorf, randomUUID(), {
    service: closure,
    formRevision: 'sperrung',
    formData: { street: 'Königsallee' },
  });
  await expect.poll(() => status(parking.id), patience).toBe('RECEIVED');
  await expect.poll(() => status(closed.id), patience).toBe('RECEIVED');
  expect(redmine.cases.list()).toHaveLength(1);
  expect(tickets.tickets.map(({ content }) => content['service'])).toEqual([closure]);

  redmine.cases.setStatus(1, 'Resolved');
  const moved = await fetch(`${tickets.url}/api/tickets/1/status`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${simulatedToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ status: 'granted' }),
  });
  expect(moved.status).toBe(200);
  await expect.poll(() => status(parking.id), patience).toBe('GRANTED');
  await expect.poll(() => status(closed.id), patience).toBe('GRANTED');
});

test('two cities share a back office: each application is one case, and a decision reaches the city it is about', async () => {
  const inNeuss = await hub.submit(ars.neuss, randomUUID());
  const inKoeln = await hub.submit(ars.koeln, randomUUID());
  await expect.poll(() => status(inNeuss.id), patience).toBe('RECEIVED');
  await expect.poll(() => status(inKoeln.id), patience).toBe('RECEIVED');
  expect(shared.cases.list()).toHaveLength(2);
  const caseOfKoeln = shared.cases.list().find(({ key }) => key?.includes(inKoeln.key));
  expect(caseOfKoeln, 'the key is the application’s').toBeDefined();
  shared.cases.setStatus(caseOfKoeln?.id ?? 0, 'genehmigt');
  await expect.poll(() => status(inKoeln.id), patience).toBe('GRANTED');
  expect(await status(inNeuss.id)).toBe('RECEIVED');
});
