import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { startPvogSimulator, type PvogSimulator } from '../../adapters/pvog/simulator.ts';
import type { Simulator } from '../../adapters/simulation/server.ts';
import { constructed, startXzufiSimulator, type XzufiSimulator } from '../../adapters/xzufi/simulator.ts';
import { duesseldorf, startTestHub, type TestHub } from '../kit/hub.ts';

/*
 * A city whose offers are kept in an editorial system: the hub lists them through its adapter, keeps them while the system
 * is away or answers nonsense, and takes over what changes, without being restarted.
 */

interface Shown {
  readonly name: string;
  readonly freshness: { readonly stale: boolean };
  readonly onlineUrl: string | null;
  readonly municipality: { readonly name: string };
}

const find = async (hub: TestHub, service: string): Promise<Shown | null> => {
  const answer = await hub.ask<{ competence: { offer?: Shown } }>(
    `query ($service: ServiceKey!) {
      competence(service: $service, place: { postalCode: "40213" }) {
        ... on Competence { offer { name freshness { stale } onlineUrl municipality { name } } }
      }
    }`,
    { service },
  );
  if (!answer.data) throw new Error(JSON.stringify(answer.errors));
  return answer.data.competence.offer ?? null;
};

interface Fresh {
  readonly source: string;
  readonly stale: boolean;
}

const freshness = async (hub: TestHub): Promise<Fresh> => {
  const answer = await hub.ask<{ municipality: { connection: { freshness: Fresh } } }>(
    '{ municipality(ars: "051110000000") { connection { freshness { source stale } } } }',
  );
  if (!answer.data) throw new Error(JSON.stringify(answer.errors));
  return answer.data.municipality.connection.freshness;
};

/** Looks until it is so. */
async function until<T>(look: () => Promise<T>, holds: (seen: T) => boolean): Promise<T> {
  for (const end = Date.now() + 20_000; ; await sleep(50)) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > end) throw new Error(`not within twenty seconds; last seen: ${JSON.stringify(seen)}`);
  }
}

const parking = '99108001001000';

describe('a city on an XZuFi export', () => {
  let editorial: XzufiSimulator;
  let backoffice: Simulator;
  let hub: TestHub;
  let days = 0;

  beforeAll(async () => {
    editorial = await startXzufiSimulator({ secret: 'xzufi-simulator-secret' });
    backoffice = await startRedmineSimulator();
    const { adapters, ...city } = duesseldorf({ baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey });
    const services = {
      product: 'xzufi',
      config: { url: `${editorial.url}/index.txt`, auth: { scheme: 'bearer', secret: 'xzufi-simulator-secret' } },
    };
    hub = await startTestHub({
      cities: { duesseldorf: { ...city, catalogue: { adapter: 'services' }, adapters: { ...adapters, services } } },
      refresh: { lookMs: 50, retryMs: 50 },
      now: () => new Date(Date.now() + days * 86_400_000),
    });
  });
  afterAll(async () => {
    await hub.close();
    await editorial.close();
    await backoffice.close();
  });

  test('offers what stands there: found by key and by word', async () => {
    const offer = await until(
      () => find(hub, parking),
      (seen) => seen !== null,
    );
    expect(offer).toMatchObject({
      name: 'Bewohnerparkausweis beantragen',
      freshness: { stale: false },
      municipality: { name: 'Düsseldorf' },
    });
    expect(await freshness(hub)).toMatchObject({ source: 'duesseldorf', stale: false });
    const found = await hub.ask<{ services: { nodes: { key: string }[] } }>(
      '{ services(search: "Bewohnerparken", offeredIn: "051110000000", first: 5) { nodes { key } } }',
    );
    expect(found.data?.services.nodes).toContainEqual({ key: parking });
  });

  test('keeps its offers, as stale, while the export is cut off, and says why in the log', async () => {
    editorial.setFile('leistungen-1.xml', constructed().slice(0, 2000));
    days += 1;
    await until(
      () => freshness(hub),
      (seen) => seen.stale,
    );
    expect(await find(hub, parking)).toMatchObject({ name: 'Bewohnerparkausweis beantragen', freshness: { stale: true } });
    expect(hub.logged()).toContain('catalogue refused, the last good offers stay');
  });

  test('heals, and shows what has changed, without a restart', async () => {
    editorial.setFile('leistungen-1.xml', constructed().replace('Bewohnerparkausweis beantragen', 'Anwohnerparkausweis'));
    const offer = await until(
      () => find(hub, parking),
      (seen) => seen?.freshness.stale === false,
    );
    expect(offer?.name).toBe('Anwohnerparkausweis');
    expect(await freshness(hub)).toMatchObject({ stale: false });
  });
});

describe('a city on the federal portal network (PVOG)', () => {
  let portal: PvogSimulator;
  let hub: TestHub;
  beforeAll(async () => {
    portal = await startPvogSimulator();
    const config = { baseUrl: portal.url, clientId: 'test', services: [parking, '99085001012000'], pauseMs: 0 };
    hub = await startTestHub({
      cities: {
        duesseldorf: {
          ars: '051110000000',
          name: 'Düsseldorf',
          since: '2026-11-01',
          catalogue: { adapter: 'services' },
          adapters: { services: { product: 'pvog', config } },
        },
      },
      refresh: { lookMs: 50, retryMs: 50 },
    });
  });
  afterAll(async () => {
    await hub.close();
    await portal.close();
  });

  test('offers the descriptions that hold for it, its own and those of its state', async () => {
    expect(
      await until(
        () => find(hub, parking),
        (seen) => seen !== null,
      ),
    ).toMatchObject({ name: 'Bewohnerparkausweis', onlineUrl: 'https://service.example.org/bewohnerparkausweis' });
    expect(await find(hub, '99085001012000')).toMatchObject({ name: 'Reisepass beantragen', municipality: { name: 'Düsseldorf' } });
  });

  test('has no form for them: citizens are led to where they can apply', async () => {
    const answer = await hub.ask<{ municipality: { offer: object } }>(
      `{ municipality(ars: "051110000000") { offer(service: "${parking}") { onlineUrl form { revision } } } }`,
    );
    expect(answer.data?.municipality.offer).toEqual({ onlineUrl: 'https://service.example.org/bewohnerparkausweis', form: null });
  });
});
