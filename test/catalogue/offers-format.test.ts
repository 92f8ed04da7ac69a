import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nearestWord } from '../../src/catalogue/import/complaints.ts';
import { offersFormat } from '../../src/catalogue/import/formats/offers.ts';
import { readSource } from '../../src/catalogue/import/source.ts';
import { ars, folders } from './kit.ts';

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-offers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'stadt.yaml');

const head = 'source: test\nasOf: 2026-01-01\nauthorities: { amt: { name: Amt } }\noffers:\n';
const offer = (more = '', authority = 'amt') =>
  `  - localKey: a\n    serviceKey: "99108001001000"\n    name: { de: Ausweis }\n    authority: ${authority}\n    channels: [ONLINE]\n    maturityLevel: 2\n    assuranceLevel: LOW\n${more}`;
const read = (text: string) => {
  writeFileSync(path, text);
  return offersFormat.read({ offers: path }, { ars: ars('051110000000') });
};
const complaint = async (text: string): Promise<string> =>
  read(text).then(
    () => 'no complaint',
    (error: unknown) => (error as Error).message,
  );

describe('a file of offers', () => {
  test('gives a record per offer, absent fields absent', async () => {
    expect(await read(head + offer())).toEqual([
      {
        localKey: 'a',
        serviceKey: '99108001001000',
        name: { de: 'Ausweis' },
        authority: { name: 'Amt' },
        channels: ['ONLINE'],
        maturityLevel: 2,
        fees: [],
        requiredDocuments: [],
        assuranceLevel: 'LOW',
      },
    ]);
  });

  test.each<[string, string, string]>([
    ['a misspelt field', offer('    fee: []\n'), 'stadt.yaml:12:5 offers.0.fee: “fee” is not known here. Did you mean “fees”?'],
    [
      'a misspelt field of a fee',
      offer('    fees: [{ cent: 1, cents: 1, currency: EUR }]\n'),
      '“cent” is not known here. Did you mean “cents”?',
    ],
    ['a word that is none', offer().replace('ONLINE', 'ONLIN'), '“ONLIN” is not a possible value. Did you mean “ONLINE”?'],
    [
      'a key that is none',
      offer().replace('"99108001001000"', '"9910800100100"'),
      'stadt.yaml:6:17 offers.0.serviceKey: The value "9910800100100" does not fit. Expected: a LeiKa key',
    ],
    [
      'an authority that is not listed',
      offer('', 'ampt'),
      'stadt.yaml:8:16 offers.0.authority: “ampt” is not named under authorities. Did you mean “amt”?',
    ],
    ['a local key twice', offer() + offer(), 'stadt.yaml:12:15 offers.1.localKey: localKey “a” stands further up already.'],
    ['a form that is not there', offer('    form: ./none.json\n'), 'stadt.yaml:12:11 offers.0.form: The file ./none.json cannot be read.'],
    ['a field twice', offer('    localKey: b\n'), 'this name stands here twice'],
    ['a negative fee', offer('    fees: [{ cents: -1, currency: EUR }]\n'), 'cents:'],
    ['__proto__ as an authority', offer('', '__proto__'), '“__proto__” is not named under authorities'],
  ])('names place and remedy for %s', async (_, offers, expected) => {
    expect(await complaint(head + offers)).toContain(expected);
  });

  test('says everything at once', async () => {
    const text = await complaint(head + offer().replace('LOW', 'LOWER').replace('maturityLevel: 2', 'maturityLevel: 9'));
    expect(text.split('\n').length).toBe(2);
  });

  test.each([
    ['{"type": "objekt"}', 'schema is invalid'],
    ['{"propertys": {}}', '“propertys” is not known here. Did you mean “properties”?'],
    ['[]', 'is not a JSON Schema'],
    ['{', 'JSON'],
    [
      '{ "properties": {\n "a": {},\n "it": { "type": "string", "pattern": "^(?=.*[0-9])" } } }',
      'form.json:3:1 This cannot be used as a form: the pattern ^(?=.*[0-9]) looks ahead or behind; write the conditions as patterns of their own under allOf',
    ],
  ])('refuses the form %s', async (form, expected) => {
    writeFileSync(join(folder, 'form.json'), form);
    expect(await complaint(head + offer('    form: ./form.json\n'))).toContain(expected);
  });

  test('a form has a revision that changes when it does', async () => {
    const revision = async (form: string) => {
      writeFileSync(join(folder, 'form.json'), form);
      return (await read(head + offer('    form: ./form.json\n')))[0]?.form?.revision;
    };
    const first = await revision('{"type": "object", "title": "A"}');
    expect(first).toMatch(/^[0-9a-f]{12}$/);
    expect(await revision('{ "title": "A", "type": "object" }')).toBe(first);
    expect(await revision('{"type": "object", "title": "B"}')).not.toBe(first);
  });

  test('is not read beyond its largest size', async () => {
    writeFileSync(path, 'x'.repeat(1000));
    await expect(readSource(path, 999)).rejects.toThrow('stadt.yaml: is larger than 999 bytes');
    await expect(readSource('/dev/zero', 999)).rejects.toThrow('is not a file');
    await expect(readSource(folders.offers, 999)).rejects.toThrow('is not a file');
  });

  test('aliases that unfold without end are refused', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x,x]',
      ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(10)}]`),
    ];
    await expect(read(bomb.join('\n'))).rejects.toThrow(/alias/i);
  });
});

test('the nearest word is near, or there is none', () => {
  expect(nearestWord('dlbd', ['offers', 'dldb'])).toBe('dldb');
  expect(nearestWord('dldbb', ['offers', 'dldb'])).toBe('dldb');
  expect(nearestWord('xyz', ['offers', 'dldb'])).toBeNull();
});
