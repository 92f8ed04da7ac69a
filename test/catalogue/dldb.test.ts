import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { shorten } from '#contract';
import { dldbFormat } from '../../src/catalogue/import/formats/dldb.ts';
import { keysOf } from '../../src/catalogue/import/formats/dldb-offer.ts';
import { ars, folders } from './kit.ts';

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-dldb-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const read = (text: string, parts: Record<string, string> = {}) => {
  files += 1;
  const services = join(folder, `services-${files}.json`);
  writeFileSync(services, text);
  return dldbFormat.read({ services, ...parts }, { ars: ars('040110000000') });
};
const fixture = (name: string) => join(folders.fixtures, name);
const service = (fields: object) => ({ id: '1', name: 'Eins', ...fields });

describe('the DLDB catalogue of a city never seen before', () => {
  const parts = {
    services: fixture('seestadt-services.json'),
    services_en: fixture('seestadt-services-en.json'),
    locations: fixture('seestadt-locations.json'),
  };

  test('is read with what it states, and nothing more', async () => {
    const [residence, berth, fishing, advice] = await dldbFormat.read(parts, { ars: ars('040120000000') });
    expect(residence).toEqual({
      localKey: '4711',
      serviceKey: '99115005104000',
      name: { de: 'Wohnsitz anmelden', en: 'Register your residence' },
      summary: { de: 'Wer in die Seestadt zieht, meldet sich an.', en: 'Whoever moves here registers.' },
      authority: {
        name: 'Amt für Bürgerdienste, Bürgeramt Hafen',
        street: 'Kaistraße 1',
        postalCode: '27570',
        town: 'Seestadt',
        phone: '0471 000',
        email: 'hafen@example.org',
        url: 'https://buergerdienste.example/',
      },
      channels: ['ONLINE', 'OFFICE'],
      maturityLevel: 2,
      fees: [{ cents: 0, currency: 'EUR' }],
      processingDays: { min: 0, max: 0 },
      requiredDocuments: [{ de: 'Ausweis' }, { de: 'Wohnungsgeberbestätigung' }],
      onlineUrl: 'https://online.example/anmeldung',
    });
    expect(berth).toMatchObject({
      serviceKey: null,
      authority: {},
      channels: [],
      processingDays: { min: 14, max: 28 },
      fees: [
        { cents: 125_050, label: { de: 'Sommer' } },
        { cents: 40_000, label: { de: 'Winter, nur Trockenplatz' } },
      ],
    });
    expect(berth).not.toHaveProperty('onlineUrl');
    expect(fishing).toMatchObject({
      serviceKey: '99042001000000',
      fees: [],
      channels: ['OFFICE'],
      appointmentMinutes: 20,
    });
    expect(advice).toMatchObject({ serviceKey: null });
  });

  test('gets its forms from a file of the hub, which may name only services it has', async () => {
    const form = join(folders.offers, '../forms/meldebescheinigung.schema.json');
    const forms = join(folder, 'forms.yaml');
    writeFileSync(forms, `"1": { form: ${form}, assuranceLevel: HIGH }\n`);
    const [offer] = await read(JSON.stringify([service({})]), { forms });
    expect(offer).toMatchObject({
      channels: ['ONLINE'],
      assuranceLevel: 'HIGH',
      maturityLevel: 2,
      form: { schema: { title: 'Meldebescheinigung' } },
    });
    await expect(read(JSON.stringify([service({ id: '2' })]), { forms })).rejects.toThrow('forms.yaml: 1: is no service of the catalogue');
  });
});

describe('authorities that services name by id', () => {
  const authorities = join(folder, 'authorities.json');
  writeFileSync(
    authorities,
    JSON.stringify({
      error: false,
      datacount: 5,
      data: [
        { id: 1, name: 'Landesamt für Einwohnerwesen', contact: { webinfo: 'https://amt.example/' } },
        ...['Mitte', 'Nord', 'Ost', 'West'].map((part, index) => ({ id: `b${index}`, name: `Bezirksamt ${part}` })),
      ],
    }),
  );
  const locations = fixture('seestadt-locations.json');
  const authorityOf = async (fields: object, parts: Record<string, string> = { authorities }) =>
    (await read(JSON.stringify([service({ locations: [{ location: 12 }], ...fields })]), { locations, ...parts }))[0]?.authority;

  test('get the name and address from the authorities’ own file', async () => {
    expect(await authorityOf({ authorities: [{ id: '1' }] })).toMatchObject({
      name: 'Landesamt für Einwohnerwesen, Bürgeramt Hafen',
      url: 'https://amt.example/',
    });
    expect(await authorityOf({ locations: [], authorities: [{ id: 'b0' }, { id: 'b1' }] })).toEqual({
      name: 'Bezirksamt Mitte; Bezirksamt Nord',
    });
    expect(await authorityOf({ locations: [], authorities: ['b0', 'b1', 'b2', 'b3'].map((id) => ({ id })) })).toEqual({
      name: 'Bezirksamt Mitte; Bezirksamt Nord; Bezirksamt Ost und 1 weitere',
    });
  });

  test('have no name where none is stated, and never the service’s or a location’s', async () => {
    for (const [fields, parts] of [
      [{ authorities: [{ id: '1' }] }, {}],
      [{ authorities: [{ id: 'unknown' }] }, { authorities }],
      [{ authorities: [] }, { authorities }],
      [{ authorities: [{ id: 'b0' }, { id: 'unknown' }] }, { authorities }],
    ] as const)
      expect(await authorityOf(fields, parts)).not.toHaveProperty('name');
  });

  test('a file of authorities that is not complete is refused', async () => {
    const short = join(folder, 'short.json');
    writeFileSync(short, JSON.stringify({ datacount: 2, data: [{ id: 1, name: 'Amt' }] }));
    await expect(authorityOf({}, { authorities: short })).rejects.toThrow('short.json: $.data: has 1 entries where the file announces 2');
  });
});

test('keeps the keywords of a service, in all its languages, each once', async () => {
  const english = join(folder, 'keywords-en.json');
  writeFileSync(english, JSON.stringify([service({ meta: { keywords: 'dog, Hund' } })]));
  const keywords = 'Hund, Köter; <b>Vierbeiner</b>,,\n x, ' + 'y'.repeat(81);
  const [offer] = await read(JSON.stringify([service({ meta: { keywords } })]), { services_en: english });
  expect(offer?.keywords).toEqual(['Hund', 'Köter', 'Vierbeiner', 'dog']);
  const [without] = await read(JSON.stringify([service({ meta: { keywords: '' } })]));
  expect(without).not.toHaveProperty('keywords');
});

test('whether a visit must be booked, and how well somebody must be identified, is said only where the source says it', async () => {
  const appointmentOf = async (fields: object) => (await read(JSON.stringify([service(fields)])))[0];
  const bookable = await appointmentOf({ locations: [{ location: 1, appointment: { allowed: true } }] });
  expect(bookable).not.toHaveProperty('appointment');
  expect(bookable).not.toHaveProperty('assuranceLevel');
  expect(await appointmentOf({ locations: [{ location: 1 }] })).not.toHaveProperty('appointment');
  expect(await appointmentOf({ locations: [{ location: 1, appointment: { allowed: '0' } }] })).toMatchObject({ appointment: 'NONE' });
});

describe('a broken or hostile DLDB file is refused, by name and place', () => {
  test.each<[string, string, string]>([
    ['cut off', '{"data": [{"id": "1", "name": "Ein', 'is not complete JSON'],
    [
      'shorter than it announces',
      JSON.stringify({ meta: { datacount: 2 }, data: [service({})] }),
      'has 1 entries where the file announces 2',
    ],
    [
      'shorter than it announces beside its data',
      JSON.stringify({ error: false, datacount: 560, data: Array.from({ length: 300 }, (_, id) => service({ id })) }),
      'has 300 entries where the file announces 560',
    ],
    [
      'shorter than it announces as text',
      JSON.stringify({ datacount: '2', data: [service({})] }),
      'has 1 entries where the file announces 2',
    ],
    ['made with an error', JSON.stringify({ error: true, data: [service({})] }), '$.error: says that making the export failed'],
    ['made with an error that has a text', JSON.stringify({ meta: { error: 'timeout' }, data: [service({})] }), 'making the export failed'],
    ['no list', '{"services": []}', 'expected a list of entries'],
    ['empty', '[]', 'lists no service'],
    ['an id twice', JSON.stringify([service({}), service({ name: 'Zwei' })]), '$[1].id: "1" stands there twice'],
    ['an id that is no id', JSON.stringify([service({ id: '../../etc' })]), '$[0].id: expected an id'],
    ['no name', JSON.stringify([{ id: 1 }]), '$[0].name: expected the name of the service'],
    ['a wrong type inside', JSON.stringify([service({ locations: [{ location: {} }] })]), '$[0].locations'],
    [
      '__proto__',
      '[{"id": 1, "name": "Eins", "meta": {"__proto__": {"admin": true}}}]',
      '$[0].meta.__proto__: is a name that no catalogue needs',
    ],
    ['a huge text', JSON.stringify([service({ description: 'x'.repeat(200_001) })]), '$[0].description: is a text of 200001 characters'],
    ['nested without end', `[{"id":1,"name":"Eins","x":${'['.repeat(5000)}${']'.repeat(5000)}}]`, 'is nested deeper than 24 levels'],
    ['too many', JSON.stringify(Array.from({ length: 20_001 }, (_, id) => ({ id, name: 'x' }))), 'at most 20000 are read'],
    ['not UTF-8 text', '\u0000\uFFFE', 'is not complete JSON'],
  ])('%s', async (_, text, complaint) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'IMPORT_REFUSED', message: expect.stringContaining(complaint) });
  });

  test('all that is wrong is said at once', async () => {
    await expect(read(JSON.stringify([{ id: 1 }, { name: 'x' }]))).rejects.toThrow(/\$\[0\]\.name.*\n.*\$\[1\]\.id/);
  });

  test('bytes that are not UTF-8 are named as such', async () => {
    const path = join(folder, 'latin1.json');
    writeFileSync(path, Buffer.from('[{"id":1,"name":"B\xfcrger"}]', 'latin1'));
    await expect(dldbFormat.read({ services: path }, { ars: ars('040110000000') })).rejects.toThrow('latin1.json: is not UTF-8 text');
  });

  test('any JSON at all is read or refused, never anything else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), fc.boolean(), async (value, inService) => {
        const text = JSON.stringify(inService ? [{ id: 1, name: 'x', leika: value, locations: value, meta: value, fees: value }] : value);
        await read(text).then(
          (records) => expect(records.length).toBeGreaterThan(0),
          (error: unknown) => expect(error).toMatchObject({ code: 'IMPORT_REFUSED' }),
        );
      }),
      { numRuns: 60 },
    );
  });
});

test('a long text ends with a sentence or a word', () => {
  expect(shorten('Eins zwei drei. Vier fünf sechs sieben.', 20)).toBe('Eins zwei drei.');
  expect(shorten('Einszweidrei vierfünfsechs', 20)).toBe('Einszweidrei…');
});

test('one field may hold several keys, and what is no key is none', () => {
  expect(keysOf('99036008007003, 99036008007004')).toEqual(['99036008007003', '99036008007004']);
  expect(keysOf('9910800100100')).toEqual([]);
});

const munich = join(folders.shared, 'munich-dldb-services_de.json');
describe.runIf(existsSync(munich))("Munich's published catalogue (../shared/data/catalogue)", () => {
  const parts = { services: munich, locations: join(folders.shared, 'munich-dldb-locations_de.json') };

  test('has 287 services, 132 of them under a LeiKa key', async () => {
    const records = await dldbFormat.read(parts, { ars: ars('091620000000') });
    expect(records.length).toBe(287);
    expect(records.filter(({ serviceKey }) => serviceKey !== null).length).toBe(132);
    expect(
      records.filter(({ furtherServiceKeys }) => furtherServiceKeys).map(({ furtherServiceKeys }) => furtherServiceKeys?.length),
    ).toEqual([3]);
    expect(records.find(({ localKey }) => localKey === '1072043')?.fees.map(({ cents }) => cents)).toEqual([3000, 6000]);
  });

  test('cut off anywhere, it is refused', async () => {
    const text = readFileSync(munich, 'utf8');
    for (const part of [0.1, 0.5, 0.999])
      await expect(read(text.slice(0, Math.floor(text.length * part)))).rejects.toThrow('is not complete JSON');
  });
});
