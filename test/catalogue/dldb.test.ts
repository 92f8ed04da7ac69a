import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { dldbFormat } from '../../src/catalogue/import/formats/dldb.ts';
import { parseFees, parseProcessingDays } from '../../src/catalogue/import/formats/dldb-fees.ts';
import { keysOf } from '../../src/catalogue/import/formats/dldb-offer.ts';
import { plainLines, shorten } from '../../src/catalogue/import/formats/plain-text.ts';
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
      assuranceLevel: 'NONE',
      appointment: 'OPTIONAL',
      onlineUrl: 'https://online.example/anmeldung',
    });
    expect(berth).toMatchObject({
      serviceKey: null,
      authority: { name: 'Liegeplatz mieten' },
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
      appointment: 'NONE',
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

describe('a broken or hostile DLDB file is refused, by name and place', () => {
  test.each<[string, string, string]>([
    ['cut off', '{"data": [{"id": "1", "name": "Ein', 'is not complete JSON'],
    [
      'shorter than it announces',
      JSON.stringify({ meta: { datacount: 2 }, data: [service({})] }),
      'has 1 entries where meta.datacount announces 2',
    ],
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

describe('fees from free text', () => {
  const cents = (html: string) => parseFees(html).map((fee) => fee.cents);
  test.each([
    ['<p>35 Euro<br></p>', [3500]],
    ['<ul><li>unter 24 Jahren: 27,60 Euro</li><li>ab 24 Jahren: 46 Euro</li></ul>', [2760, 4600]],
    ['Es fallen keine Gebühren an.', [0]],
    ['1.250,50 EUR', [125_050]],
  ])('%s is safe', (html, expected) => expect(cents(html)).toEqual(expected));

  test.each([
    '50 bis 60 Euro (abhängig von der Rechtsform)',
    'ab 12,80 Euro',
    'etwa 300 Euro',
    'In der Regel 120 €',
    '<p>40 Euro</p><p>Dazu kommen die Gebühren für das Ummelden.</p>',
    '192,90 Euro (zuzüglich Kennzeichenschilder)',
    '12 Euro pro Person',
    'Gebühr plus 22 Euro Aufpreis',
    'Vielreisende: Gebühr plus 22 Euro Aufpreis',
    'Siehe Übersicht',
    '',
  ])('%j says more than an amount: no fee', (html) => expect(cents(html)).toEqual([]));

  test('an amount read is an amount written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999 }), fc.integer({ min: 0, max: 99 }), (euros, rest) => {
        expect(cents(`Ausweis: ${euros},${String(rest).padStart(2, '0')} Euro`)).toEqual([euros * 100 + rest]);
      }),
    );
  });

  test('processing times', () => {
    expect(parseProcessingDays('etwa 3 Tage')).toEqual({ min: 3, max: 3 });
    expect(parseProcessingDays('<p>1 bis 2 Monate.</p>')).toEqual({ min: 30, max: 60 });
    expect(parseProcessingDays('kommt darauf an')).toBeUndefined();
    expect(parseProcessingDays('4 bis 2 Wochen')).toBeUndefined();
  });
});

describe('HTML becomes plain text', () => {
  test('tags, comments and what a browser hides are gone, characters decoded', () => {
    expect(plainLines('<p>Gr&uuml;&szlig;e&nbsp;&amp; <b>mehr</b><!-- <p>nein</p> --></p><style>p{}</style><li>a &lt; b<li>5 < 6')).toEqual(
      ['Grüße & mehr', 'a < b', '5 < 6'],
    );
  });

  test('no text leaves a tag behind, and none takes long', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('<', '>', '<!--', '-->', '<p', '</script>', '<script', 'a', '&#', ';', '&amp', '"', ' '), {
          maxLength: 60,
        }),
        (parts) => {
          for (const line of plainLines(parts.join(''))) expect(line).not.toMatch(/<(script|p)>/);
        },
      ),
    );
    expect(plainLines('<'.repeat(200_000)).length).toBe(1);
  });

  test('a long text ends with a sentence or a word', () => {
    expect(shorten('Eins zwei drei. Vier fünf sechs sieben.', 20)).toBe('Eins zwei drei.');
    expect(shorten('Einszweidrei vierfünfsechs', 20)).toBe('Einszweidrei…');
  });
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
