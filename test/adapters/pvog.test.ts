import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json, OfferRecord } from '#contract';
import { pvog } from '../../adapters/pvog/index.ts';
import { startPvogSimulator, type PvogSimulator, type SimulatedDescription } from '../../adapters/pvog/simulator.ts';
import { CityCallError, type CallLimits, type Cities } from '../../src/cities/cities.ts';
import { connectCity } from './connect.ts';

const passport = '99085001012000';
const parking = '99108001001000';
const renewal = '99108001020000';
const death = '99101004012000';

const connect = (
  simulator: PvogSimulator,
  services: readonly string[],
  over: Record<string, Json> = {},
  limits: Partial<CallLimits> = {},
): Cities =>
  connectCity(
    pvog,
    { baseUrl: `${simulator.url}/suchdienst/api`, clientId: 'client-of-the-test', services, pauseMs: 0, ...over },
    { endpoint: simulator.url, secret: 'no-secret-at-all', limits },
  ).cities;

const list = (cities: Cities): Promise<OfferRecord[]> =>
  cities.read(
    'stadt',
    'cases',
    async (adapter, call) => {
      const offers: OfferRecord[] = [];
      for await (const page of adapter.catalogue!.listOffers(call)) offers.push(...page.items);
      return offers;
    },
    { traceparent: '' },
  );

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return { ...(error as CityCallError).failure, message: (error as CityCallError).message };
};

describe('PVOG', () => {
  let simulator: PvogSimulator;
  beforeAll(async () => void (simulator = await startPvogSimulator()));
  afterAll(() => simulator.close());

  test('lists a description per key asked for, the city’s own before the state’s and the federation’s', async () => {
    expect(await list(connect(simulator, [passport, parking, renewal, death]))).toEqual([
      {
        localKey: 'L100002.LB.100',
        serviceKey: passport,
        name: { de: 'Reisepass beantragen' },
        summary: { de: 'Für Reisen außerhalb der EU brauchen Sie einen Reisepass.' },
        area: '05',
        authority: { name: 'Amt für Einwohnerwesen' },
        channels: [],
        maturityLevel: 1,
        // One of the two prices depends on an age that stands behind it: rather none than half.
        fees: [],
        requiredDocuments: [{ de: 'Personalausweis' }, { de: 'Biometrisches Passfoto' }],
      },
      {
        localKey: 'L100002.LB.200',
        serviceKey: parking,
        furtherServiceKeys: [renewal],
        name: { de: 'Bewohnerparkausweis' },
        area: '051110000000',
        authority: { name: 'Amt für Einwohnerwesen' },
        channels: ['ONLINE'],
        maturityLevel: 2,
        fees: [{ cents: 2500, currency: 'EUR', label: { de: 'ein Jahr' } }],
        processingDays: { min: 14, max: 28 },
        requiredDocuments: [],
        onlineUrl: 'https://service.example.org/bewohnerparkausweis',
      },
    ]);
  });

  test('is waited for where it asks for a pause, with and without saying how long', async () => {
    simulator.limit(2, 0);
    expect(await list(connect(simulator, [passport]))).toHaveLength(1);
    const before = simulator.requests();
    simulator.limit(1, 1);
    expect(await list(connect(simulator, [passport]))).toHaveLength(1);
    expect(simulator.requests() - before, 'asked again once, not hammered').toBe(3);
  });

  test('that asks for longer than there is time, or again and again, is left alone', async () => {
    const cities = connect(simulator, [passport], {}, { timeoutMs: 2_000, retries: 0 });
    simulator.limit(1, 60);
    expect(await failureOf(list(cities))).toMatchObject({ kind: 'retryable', retryAfterMs: 60_000 });
    simulator.limit(1_000, 0);
    const before = simulator.requests();
    expect(await failureOf(list(cities))).toMatchObject({ kind: 'retryable' });
    expect(simulator.requests() - before).toBe(4);
    simulator.limit(0, null);
  });

  test.each<[string, readonly string[], Record<string, Json>, string, string]>([
    ['no text under any key', [death], {}, 'misconfigured', 'no text under any of the 1 keys'],
    ['another address', [passport], { baseUrl: '/elsewhere' }, 'misconfigured', 'does not know'],
  ])('%s is said', async (_, services, over, kind, words) => {
    const elsewhere = over['baseUrl'] === undefined ? {} : { baseUrl: `${simulator.url}/elsewhere?x=` };
    expect(await failureOf(list(connect(simulator, services, elsewhere)))).toMatchObject({
      kind,
      message: expect.stringContaining(words) as string,
    });
  });

  test('is checked by one harmless question', async () => {
    const before = simulator.requests();
    expect(await connect(simulator, [passport]).check('stadt', 'cases')).toMatchObject({ ok: true, system: 'PVOG Suchdienst' });
    expect(simulator.requests() - before).toBe(1);
    const hints = (await connect(simulator, [death]).check('stadt', 'cases')).probes.map(({ hint }) => hint);
    expect(hints).toEqual([`config.services: PVOG has no text under ${death} for 051110000000`]);
  });
});

describe.each([
  ['says how many there are', {}],
  ['says nothing of it', { total: null }],
  ['gives fewer per page than it is asked for', { mostPerPage: 3 }],
])('a service that %s', (_, paging) => {
  test('has its many pages under one key read to their end', async () => {
    const descriptions = Array.from({ length: 23 }, (_, index): SimulatedDescription => ({
      id: `L100002.LB.${index}`,
      name: `Text ${index}`,
      ars: [index === 22 ? '051110000000' : '050000000000'],
      leikakeys: [parking],
    }));
    const simulator = await startPvogSimulator({ descriptions, ...paging });
    const offers = await list(connect(simulator, [parking], { pageSize: 5 }));
    expect(
      offers.map(({ localKey }) => localKey),
      'the narrowest stands on the last page',
    ).toEqual(['L100002.LB.22']);
    await simulator.close();
  });
});

test('a listing with fewer descriptions than the service says it has is refused', async () => {
  const simulator = await startPvogSimulator({ total: 40 });
  expect(await failureOf(list(connect(simulator, [parking])))).toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('PVOG has 40 descriptions') as string,
  });
  await simulator.close();
});

test.each<[string, Json, string | undefined, string]>([
  ['no id', { name: 'x', leikakeys: [parking] }, undefined, '/id'],
  ['a name that is none', { id: 'L1.LB.1', name: 7, leikakeys: [parking] }, 'L1.LB.1', '/name'],
  ['modules that are no list', { id: 'L1.LB.1', name: 'x', leikakeys: [parking], details: {} }, 'L1.LB.1', '/details'],
])('a description with %s is set aside with its place, and the others are given', async (_, wrong, id, place) => {
  const good: SimulatedDescription = { id: 'L1.LB.0', name: 'x', ars: ['051110000000'], leikakeys: [passport, parking] };
  const simulator = await startPvogSimulator({
    descriptions: [good, { ars: ['051110000000'], ...(wrong as object) } as unknown as SimulatedDescription],
  });
  const pages = await connect(simulator, [passport, parking]).read(
    'stadt',
    'cases',
    (adapter, call) => Array.fromAsync(adapter.catalogue!.listOffers(call)),
    { traceparent: '' },
  );
  expect(pages.flatMap(({ items }) => items.map(({ localKey }) => localKey))).toEqual(['L1.LB.0']);
  const told = pages.flatMap(({ malformed = [] }) => malformed);
  expect(new Set(told.map((one) => one.id))).toEqual(new Set([id]));
  for (const { reason } of told) expect(reason).toContain(place);
  await simulator.close();
});

test('where no description can be read the listing is refused with the reason', async () => {
  const odd = { id: 'L1.LB.1', name: 7, ars: ['051110000000'], leikakeys: [parking] } as unknown as SimulatedDescription;
  const simulator = await startPvogSimulator({ descriptions: [odd] });
  expect(await failureOf(list(connect(simulator, [parking])))).toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('/name') as string,
  });
  await simulator.close();
});
