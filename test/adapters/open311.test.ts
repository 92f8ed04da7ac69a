import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdapterDefinition, CaseChange, Json, OfferRecord } from '#contract';
import { toFormRecord } from '../../adapters/open311/catalogue.ts';
import { open311 } from '../../adapters/open311/index.ts';
import { at, fromXml } from '../../adapters/open311/records.ts';
import {
  open311Jurisdiction,
  open311SimulatedKey,
  startOpen311Simulator,
  type Open311Simulator,
  type Open311SimulatorOptions,
} from '../../adapters/open311/simulator.ts';
import { CityCallError, type Cities } from '../../src/cities/cities.ts';
import { connectCity, submission, writeWith } from './connect.ts';

const definition = open311 as AdapterDefinition;

const configFor = (url: string, over: Record<string, Json> = {}): Json => ({
  baseUrl: `${url}/open311/v2`,
  jurisdiction: open311Jurisdiction,
  apiKey: open311SimulatedKey,
  proveKey: true,
  idempotency: { attribute: 'external_id', query: 'external_id', field: '/extended_attributes/external_id' },
  status: '/extended_attributes/detailed_status',
  changes: { by: 'updated_after', page: 'page', size: 'page_size', pageSize: 20, everyMs: 200, overlapMs: 1000 },
  catalogue: { authority: 'Tiefbauamt', services: { halteverbot: '99108011153000' } },
  ...over,
});

const connect = (url: string, over: Record<string, Json> = {}, limits = {}) =>
  connectCity(definition, configFor(url, over), { endpoint: url, secret: open311SimulatedKey, limits });

async function running(options: Open311SimulatorOptions = {}): Promise<Open311Simulator> {
  const simulator = await startOpen311Simulator(options);
  afterAll(() => simulator.close());
  return simulator;
}

const report = (over: Record<string, Json> = {}, localKey = 'laterne') =>
  submission({
    localKey,
    formData: {
      description: 'Dunkel & <kalt>',
      address: 'Königsallee 1',
      attributes: { FAULT: 'out', TIMES: ['evening', 'night'], POLE: 'ä-7' },
      ...over,
    },
  });

const submit = (cities: Cities, application = report(), write = writeWith()) =>
  cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.submit(application, call), write);

const load = (cities: Cities, ...ids: string[]) =>
  cities.loadCases(
    'stadt',
    'cases',
    ids.map((id) => ({ id })),
    { traceparent: '' },
  );

const pull = (cities: Cities, from: string | null) =>
  cities.read(
    'stadt',
    'cases',
    async (adapter, call) => {
      const changes: CaseChange[] = [];
      let next = from;
      for await (const page of adapter.changes!.pull(from, call)) {
        changes.push(...page.items);
        next = page.next;
      }
      return { changes, next };
    },
    { traceparent: '' },
  );

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return (error as CityCallError).failure;
};

const listOffers = (cities: Cities) =>
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

describe.each(['json', 'xml'])('a GeoReport server that answers %s', (format) => {
  let simulator: Open311Simulator;
  let cities: Cities;
  beforeAll(async () => {
    simulator = await running();
    cities = connect(simulator.url, { format }).cities;
  });

  test('takes a request once, with all that was said', async () => {
    const write = writeWith();
    const receipt = await submit(cities, report(), write);
    expect(receipt).toEqual({ ref: { id: '1', publicNumber: '1' }, taken: 'now', replayed: false });
    expect(simulator.cases.find(1)?.content).toEqual({
      service_code: 'laterne',
      jurisdiction_id: open311Jurisdiction,
      description: 'Dunkel & <kalt>',
      address_string: 'Königsallee 1',
      first_name: 'Jürgen',
      last_name: 'Groß-Öztürk',
      email: 'juergen@example.org',
      'attribute[FAULT]': 'out',
      'attribute[TIMES][]': 'evening, night',
      'attribute[POLE]': 'ä-7',
      'attribute[external_id]': write.key,
    });
    expect(await submit(cities, report(), write)).toEqual({ ...receipt, replayed: true });
  });

  test('makes one request of one key, also after a lost reply', async () => {
    const write = writeWith();
    simulator.setFaults({ dropReplies: 1 });
    expect(await failureOf(submit(cities, report(), write))).toMatchObject({ kind: 'unavailable', effect: 'unknown' });
    simulator.setFaults({ dropReplies: 0 });
    const receipts = await Promise.all(Array.from({ length: 4 }, () => submit(cities, report(), write)));
    expect(new Set(receipts.map(({ ref }) => ref.id)).size).toBe(1);
    expect(simulator.cases.list().filter(({ key }) => key === write.key)).toHaveLength(1);
  });

  test('is asked for many requests at once; what is none of its ids is null', async () => {
    const { ref } = await submit(cities);
    const loaded = await load(cities, 'no such id', ref.id, '1,2', '..', '', 'x'.repeat(500), '1');
    expect(loaded.map((one) => (one === null || one instanceof Error ? one : [one.ref.id, one.nativeStatus]))).toEqual([
      null,
      [ref.id, 'open'],
      null,
      null,
      null,
      null,
      ['1', 'open'],
    ]);
  });

  test('names the fields to correct', async () => {
    expect(await failureOf(submit(cities, report({ attributes: {} })))).toEqual({
      kind: 'rejected',
      effect: 'none',
      fields: { '/formData/attributes/FAULT': 'attribute[FAULT] is required' },
    });
    expect((await failureOf(submit(cities, report({ address: '' })))).fields).toHaveProperty('/formData/lat');
  });

  test('tells of every change over many pages, and from a cursor', async () => {
    for (let made = 0; made < 50; made++) simulator.cases.create(`bulk-${randomUUID()}`, 'open', { service_code: 'muell' });
    const first = await pull(cities, null);
    expect(new Set(first.changes.map(({ ref }) => ref.id)).size).toBe(simulator.cases.list().length);
    simulator.cases.setStatus(7, 'closed');
    const { changes } = await pull(cities, first.next);
    expect(changes.find(({ ref }) => ref.id === '7')).toMatchObject({ nativeStatus: 'closed', ref: { publicNumber: '7' } });
    expect((await pull(cities, first.next)).changes.map(({ id }) => id)).toEqual(changes.map(({ id }) => id));
  });

  test('lists its services with the forms that they ask for', async () => {
    const offers = await listOffers(cities);
    expect(offers.map(({ localKey, serviceKey }) => [localKey, serviceKey])).toEqual([
      ['muell', null],
      ['halteverbot', '99108011153000'],
      ['laterne', null],
    ]);
    expect(offers[0]?.summary).toEqual({ de: 'Abfall im öffentlichen Raum & im Grünen melden' });
    const schema = offers[2]?.form?.schema as Json;
    expect(at(schema, '/properties/attributes')).toMatchObject({
      required: ['FAULT'],
      properties: {
        POLE: { type: 'string' },
        FAULT: { oneOf: [{ const: 'out', title: 'brennt nicht' }, { const: 'flicker' }] },
        TIMES: { type: 'array', items: { oneOf: [{ const: 'evening' }, { const: 'night' }] } },
      },
    });
    simulator.addAttribute('laterne', {
      variable: 'true',
      code: 'COLOUR',
      datatype: 'string',
      required: 'false',
      order: 9,
      description: 'Farbe',
    });
    expect((await listOffers(cities))[2]?.form?.revision).not.toBe(offers[2]?.form?.revision);
  });

  test('passes the check; with another key, jurisdiction or address it does not', async () => {
    const before = simulator.cases.list().length;
    expect(await cities.check('stadt', 'cases')).toMatchObject({ ok: true });
    expect(simulator.cases.list()).toHaveLength(before);
    for (const over of [{ apiKey: 'another-key' }, { jurisdiction: 'elsewhere' }, { baseUrl: `${simulator.url}/open311/v3` }]) {
      const health = await connect(simulator.url, { format, ...over }).cities.check('stadt', 'cases');
      expect(health.ok).toBe(false);
      expect(health.probes[0]?.hint).toBeTruthy();
    }
  });

  test.each([
    ['the reply to a new request is cut', { cutBodies: true }, { effect: 'unknown' }],
    ['it is under maintenance', { unavailable: 1 }, { kind: 'retryable', effect: 'none' }],
    ['a login page stands in front', { loginPage: true }, { kind: 'misconfigured' }],
  ] as const)('says honestly whether something landed when %s', async (_, faults, failure) => {
    const sick = await running({ faults });
    expect(await failureOf(submit(connect(sick.url, { format }).cities))).toMatchObject(failure);
  });
});

describe('a token', () => {
  test('stands for the request until its id is there, and ever after', async () => {
    const simulator = await running({ tokenAfter: 2 });
    const { cities } = connect(simulator.url, { idempotency: 'none', changes: undefined as never });
    expect(cities.adapter('stadt', 'cases').cases?.traits).toMatchObject({ idempotency: 'none', pollMs: 60_000 });
    const { ref, taken } = await submit(cities);
    expect([taken, ref.id]).toEqual(['queued', expect.stringMatching(/^token:/)]);
    expect(await load(cities, ref.id)).toEqual([expect.objectContaining({ ref, nativeStatus: 'queued' })]);
    await load(cities, ref.id);
    expect(await load(cities, ref.id, 'token:nobody’s')).toEqual([
      expect.objectContaining({ ref: { id: ref.id, publicNumber: '1' }, nativeStatus: 'open' }),
      null,
    ]);
    simulator.cases.setStatus(1, 'closed');
    expect(await load(cities, ref.id)).toEqual([expect.objectContaining({ nativeStatus: 'closed' })]);
  });
});

test('by start_date, old requests that changed are found within the window', async () => {
  let now = Date.parse('2026-11-01T10:00:00Z');
  const simulator = await running({ now: () => new Date(now) });
  const created = [1, 2].map(() => simulator.cases.create(null, 'open', { service_code: 'muell' }).id);
  now = Date.parse('2026-11-20T10:00:00Z');
  simulator.cases.setStatus(1, 'in_progress');
  const { cities } = connectCity(definition, configFor(simulator.url, { changes: { by: 'start_date', windowDays: 30, stepDays: 7 } }), {
    endpoint: simulator.url,
    secret: open311SimulatedKey,
    now: () => new Date(now),
  });
  const { changes } = await pull(cities, null);
  expect(Object.fromEntries(changes.map(({ ref, nativeStatus }) => [ref.id, nativeStatus]))).toEqual({
    [String(created[0])]: 'in_progress',
    [String(created[1])]: 'open',
  });
});

test('a server that ignores the number of the page is read once, not without end', async () => {
  const simulator = await running();
  for (let made = 0; made < 5; made++) simulator.cases.create(null, 'open', { service_code: 'muell' });
  const { cities } = connect(simulator.url, { changes: { by: 'updated_after', page: 'seite', everyMs: 200 } });
  expect((await pull(cities, null)).changes).toHaveLength(5);
});

test('where the server ignores the parameter of the key, nobody else’s request is taken', async () => {
  const simulator = await running({ externalIds: false });
  simulator.cases.create(null, 'open', { service_code: 'muell' });
  expect(await failureOf(submit(connect(simulator.url).cities))).toMatchObject({ kind: 'misconfigured', effect: 'none' });
});

test('where there is no list of requests, a key is not said to be unknown', async () => {
  const simulator = await running();
  for (const over of [{ baseUrl: `${simulator.url}/open311/v3` }, { jurisdiction: 'elsewhere' }]) {
    const look = connect(simulator.url, over).cities.read('stadt', 'cases', (adapter, call) => adapter.cases!.findByKey!(['k'], call), {
      traceparent: '',
    });
    expect(await failureOf(look)).toMatchObject({ kind: 'misconfigured', effect: 'none' });
  }
});

describe('XML', () => {
  test.each([
    ['<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'DOCTYPE'],
    ['<a><b></a>', 'line 1'],
    ['<a>&unknown;</a>', 'line 1'],
    ['', 'well-formed'],
    ['<a>'.repeat(100), 'nested'],
    [`<a ${Array.from({ length: 501 }, (_, index) => `n${index}=""`).join(' ')}/>`, 'too many attributes'],
  ])('%s is refused', (text, words) => expect(fromXml(text, 'none')).rejects.toThrow(words));

  test('of any text is read or malformed', async () => {
    const pieces = fc.array(
      fc.constantFrom('<services>', '</services>', '<service>', '</service>', 'a', '&amp;', '<', '<![CDATA[', ']]>', '<!--'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          pieces.map((parts) => parts.join('')),
        ),
        async (text) => {
          const outcome = await fromXml(text, 'none').then(
            (found) => JSON.stringify(found),
            (error: unknown) => (error as { kind?: string }).kind ?? String(error),
          );
          expect(outcome).toMatch(/^(malformed|["[{].*)$/s);
        },
      ),
    );
  });
});

test('a definition with anything in it becomes a schema, or nothing breaks', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (attributes) => {
      expect(toFormRecord('x', attributes as Json[]).revision).toMatch(/^[0-9a-f]{12}$/);
    }),
  );
});
