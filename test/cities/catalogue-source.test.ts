import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AdapterError, type Adapter, type AdapterDefinition } from '#contract';
import { complaintText } from '../../src/cities/load/complaint.ts';
import { loadCities } from '../../src/cities/load.ts';

/* What a city's file says about where its offers come from, and about adapters that take no applications. */

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-source-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const life = { start: async () => {}, stop: async () => {}, check: async () => ({ ok: true, probes: [] }) } satisfies Adapter;
const product = (id: string, make: () => Partial<Adapter>): AdapterDefinition => ({
  id,
  version: '1.0.0',
  contract: ['1.0'],
  config: z.strictObject({}),
  create: () => ({ ...life, ...make() }),
});
const cases: Adapter['cases'] = {
  traits: { maxBatch: 1, idempotency: 'none' },
  submit: () => Promise.reject(new AdapterError('unsupported', 'none', 'never asked')),
  loadCases: () => Promise.resolve([]),
};
const catalogue: Adapter['catalogue'] = { listOffers: async function* () {} };
const adapters = [
  product('editorial', () => ({ catalogue })),
  product('permits', () => ({ cases })),
  product('both', () => ({ cases, catalogue })),
  product('choosy', () => {
    throw new AdapterError('misconfigured', 'none', 'queue and topic exclude each other');
  }),
  product('broken', () => {
    throw new TypeError('cannot read hunter2');
  }),
];

let count = 0;
const load = (more: object) => {
  const own = join(folder, String((count += 1)));
  mkdirSync(own);
  writeFileSync(join(own, 'stadt.yaml'), JSON.stringify({ ars: '051110000000', name: 'Stadt', since: '2026-11-01', ...more }));
  return loadCities({ folder: own, adapters, env: {} });
};
const told = async (more: object): Promise<string[]> =>
  (await load(more)).complaints.map((complaint) => complaintText(complaint, 'EN').replace(/^.*?:\d+:\d+ /, ''));

const editorial = { product: 'editorial', config: {} };
const permits = { product: 'permits', services: ['*'], config: {}, statusMap: {} };

describe('a catalogue from an adapter', () => {
  test.each([
    [{}, 24],
    [{ everyHours: 6 }, 6],
  ])('is read every day, or as often as the file says: %j', async (more, everyHours) => {
    const { cities, complaints } = await load({ catalogue: { adapter: 'services', ...more }, adapters: { services: editorial } });
    expect(complaints).toEqual([]);
    expect(cities[0]?.city.catalogue).toEqual({ adapter: 'services', everyHours });
    expect(cities[0]?.city.adapters[0]).toMatchObject({ services: [], statusMap: new Map() });
  });

  test.each<[string, object, string]>([
    [
      'its name is mistyped',
      { adapter: 'service' },
      'catalogue.adapter: “service” is not one of the names under adapters. Did you mean “services”?',
    ],
    ['it lists no offers', { adapter: 'cases' }, 'catalogue.adapter: “cases” lists no offers. A catalogue comes from: services.'],
    [
      'files stand beside it',
      { adapter: 'services', format: 'offers', files: { offers: './stadt.yaml' } },
      'catalogue: A catalogue comes either from files or from an adapter.',
    ],
    ['nothing stands there', {}, 'catalogue: A catalogue comes either from files or from an adapter.'],
    [
      'hours without an adapter',
      { format: 'offers', files: { offers: './stadt.yaml' }, everyHours: 2 },
      'catalogue.everyHours: “everyHours” is not known here.',
    ],
    ['a format without files', { format: 'offers' }, 'catalogue.files: “files” is missing. Add “files”: the files by part'],
    ['too many hours', { adapter: 'services', everyHours: 400 }, 'catalogue.everyHours:'],
  ])('is complained about where %s', async (_, from, expected) => {
    const [first = 'nothing', ...more] = await told({ catalogue: from, adapters: { services: editorial, cases: permits } });
    expect(first).toContain(expected);
    expect(more).toEqual([]);
  });

  test('without any adapter that lists offers, files are the way', async () => {
    expect(await told({ catalogue: { adapter: 'cases' }, adapters: { cases: permits } })).toEqual([
      expect.stringContaining('Connect a system that lists offers, or name format and files.'),
    ]);
  });
});

describe('an adapter', () => {
  test.each<[string, object, string[]]>([
    [
      'that takes applications needs to know whose',
      { product: 'permits', config: {} },
      ['“services” is missing. Add “services”: the keys of the services'],
    ],
    [
      'that takes applications needs to know what its statuses mean',
      { product: 'permits', config: {}, services: ['*'] },
      ['“statusMap” is missing.'],
    ],
    ['may be kept from taking applications', { product: 'both', config: {}, services: [] }, []],
    [
      'that takes none claims none',
      { ...editorial, services: ['*'] },
      ['“editorial” takes no applications; “services” has no meaning here. Remove “services”.'],
    ],
    ['that takes none has no statuses', { ...editorial, statusMap: { New: 'received' } }, ['“statusMap” has no meaning here.']],
    [
      'that cannot be made says why, in its own words',
      { product: 'choosy', config: {} },
      ['The adapter “choosy” cannot be made of this: queue and topic exclude each other.'],
    ],
    ['that breaks is not quoted', { product: 'broken', config: {} }, ['cannot be made of this: TypeError.']],
  ])('%s', async (_, adapter, expected) => {
    const complaints = await told({ adapters: { one: adapter } });
    expect(complaints).toEqual(expected.map((part) => expect.stringContaining(part)));
    expect(complaints.join()).not.toContain('hunter2');
  });
});
