import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { HubError, type Json } from '#contract';
import { createFormCheck } from '../../src/applications/form.ts';
import { parseCodeList } from '../../src/catalogue/forms/code-lists.ts';
import { compileForm } from '../../src/catalogue/forms/form-record.ts';
import { convertXdatenfelder, type CodeLists } from '../../src/catalogue/forms/xdatenfelder.ts';
import { offersFormat } from '../../src/catalogue/import/formats/offers.ts';
import { runForm } from '../../src/cli/form.ts';
import { anySchema, field, group, member, message, rule } from './data-schemas.ts';
import { ars, folders } from './kit.ts';

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-xdf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const wabeka = join(folders.fixtures, 'xdatenfelder/WaBeKa.xml');
const source = (text: string, name = 'antrag.xml') => ({ path: name, name, text });
const convert = (text: string, lists: CodeLists = []) => convertXdatenfelder(source(text), lists);
const problems = (schema: Json, formData: Json) => createFormCheck()('o', { revision: 'r', schema }, formData);
const told = (schema: Json, formData: Json) =>
  problems(schema, formData).map(({ pointer, message: { de, en } }) => `${pointer}: ${de} / ${en}`);
const refusal = (text: string): string => {
  try {
    convert(text);
  } catch (error) {
    if (error instanceof HubError && error.code === 'IMPORT_REFUSED') return error.message;
    throw error;
  }
  return 'no complaint';
};

describe('a real data schema, Waffenbesitzkarte in XDatenfelder 1', () => {
  const { schema, unconverted } = convert(readFileSync(wabeka, 'utf8'));
  const everyId = (node: Json): string[] => {
    if (node === null || typeof node !== 'object') return [];
    if (Array.isArray(node)) return node.flatMap((one: Json) => everyId(one));
    const { id, input, kind } = node as Record<string, Json>;
    return [
      ...(typeof id === 'string' && (input !== undefined || kind === 'group' || 'title' in node) ? [id] : []),
      ...Object.values(node).flatMap(everyId),
    ];
  };

  test('is converted whole: no element of it is missing', () => {
    const text = readFileSync(wabeka, 'utf8');
    const written = [...text.matchAll(/<xdf:datenfeld>\n<xdf:id>(F\d+)/g)].map(([, id]) => id);
    expect(written).toHaveLength(46);
    const found = new Set(everyId(schema));
    expect(written.filter((id) => !found.has(id ?? ''))).toEqual([]);
    compileForm(schema);
  });

  test('names the code lists that are not at hand, with their lines, and nothing else', () => {
    expect(unconverted.map(({ kind, id, line }) => `${kind} ${id} ${line}`)).toEqual([
      'codeList F00000073 231',
      'codeList F00000038 696',
      'codeList F00000049 1014',
      'codeList F00000050 1044',
      'codeList F00000024 1074',
      'codeList F00000019 1154',
    ]);
  });

  test('keeps labels, help, limits and how often', () => {
    const text = JSON.stringify(schema);
    expect(schema).toMatchObject({
      title: 'Waffenbesitzkarte nach § 10 Absatz 1 WaffG',
      'x-fim': {
        id: 'S00000036',
        standard: 'xdatenfelder 1',
        labels: expect.arrayContaining([{ id: 'F00000141', title: 'Urkundenbezeichnung', before: 'F00000057' }]),
      },
    });
    expect(text).toContain('"title":"Hersteller- bzw. Seriennummer","type":"array","minItems":1,"maxItems":4');
    expect(text).toContain(
      '"title":"Organisationsname","description":"Geben Sie den Namen der Organisation an.","type":"string","minLength":1,"maxLength":250',
    );
  });

  test('tells an applicant what is missing, in both languages', () => {
    expect(told(schema, { F00000057: 7, G00000032: { G00000008: { F00000034: '' } } })).toEqual(
      expect.arrayContaining([
        '/G00000067: Bitte füllen Sie das Feld „Berechtigte natürliche Person“ aus. / Please fill in “Berechtigte natürliche Person”.',
        '/G00000032/G00000008/F00000034: Bitte füllen Sie das Feld „Organisationsname“ aus. / Please fill in “Organisationsname”.',
      ]),
    );
  });
});

const samples = join(folders.shared, '../fim');
describe.skipIf(!existsSync(samples))('the samples of other parsers', () => {
  test.each([
    ['xdf2-test-simple.xml', ['rule R60000037']],
    ['xdf2-test-rule.xml', ['rule R60000037']],
    ['xdf2-test-select.xml', ['codeList F123']],
    ['xdf3-test-simple.xml', ['rule R60000000019']],
    ['xdf3-test-input.xml', ['codeList F60000000243', 'limit F60000000243', 'limit F60000000243']],
  ])('%s becomes a form', (name, left) => {
    const { schema, unconverted } = convert(readFileSync(join(samples, name), 'utf8'));
    compileForm(schema);
    expect(unconverted.map(({ kind, id }) => `${kind} ${id}`)).toEqual(left);
  });
});

describe('any data schema', () => {
  test('becomes a form that compiles and takes what fills it in rightly', () => {
    fc.assert(
      fc.property(anySchema, ({ xml, filled }) => {
        const { schema } = convert(xml);
        compileForm(schema);
        expect(told(schema, filled)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('is converted or refused in words, whatever was cut out of it', () => {
    fc.assert(
      fc.property(anySchema, fc.nat(), fc.nat(60), ({ xml }, at, length) => {
        const from = at % xml.length;
        const answer = refusal(xml.slice(0, from) + xml.slice(from + length));
        expect(answer === 'no complaint' || /antrag\.xml:\d+: /.test(answer)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

/** A form of one field. */
const single = (make: (standard: 2 | 3) => string, often = '1:1', standard: 2 | 3 = 3) =>
  convert(message(standard, member(often, make(standard))));
const one = (type: string, given: Record<string, string> = {}, more: { kind?: string; content?: string; more?: string } = {}) =>
  single(field('F60000001', 'Angabe', { type, given, ...more }));

describe('what an applicant is told', () => {
  test.each<[string, Record<string, string>, Json, string]>([
    ['text', { minLength: '3' }, 'ab', '„Angabe“ braucht mindestens 3 Zeichen.'],
    ['text', {}, '', 'Bitte füllen Sie das Feld „Angabe“ aus.'],
    ['text', { pattern: '[0-9]{5}' }, 'x12345x', '„Angabe“ muss aus 5 Ziffern bestehen.'],
    ['date', {}, '31.01.2026', '„Angabe“ muss ein Datum im Format JJJJ-MM-TT sein.'],
    ['date', { minValue: '2026-02-01' }, '2026-01-31', '„Angabe“ darf nicht vor dem 01.02.2026 liegen.'],
    ['time', {}, '25:00', '„Angabe“ muss eine Uhrzeit als HH:MM sein.'],
    ['num_int', {}, 1.5, '„Angabe“ muss eine ganze Zahl sein.'],
    ['num_int', { maxValue: '10' }, 11, '„Angabe“ darf höchstens 10 sein.'],
    ['num_currency', {}, 0.071, '„Angabe“ hat zu viele Nachkommastellen.'],
    ['bool', {}, 'ja', '„Angabe“ muss Ja oder Nein (true oder false) sein.'],
    ['file', {}, 'scan.pdf', '„Angabe“ muss die Kennung einer hochgeladenen Anlage sein.'],
  ])('%s %j given %j', (type, given, value, expected) => {
    expect(problems(one(type, given).schema, { F60000001: value }).map(({ message: { de } }) => de)).toEqual([expected]);
  });

  test('of a selection: to choose, once, not why each value does not fit', () => {
    const values =
      '<xdf:werte><xdf:wert><xdf:code>m</xdf:code><xdf:name>Mann</xdf:name></xdf:wert><xdf:wert><xdf:code>w</xdf:code><xdf:name>Frau</xdf:name><xdf:hilfe>Hilfe</xdf:hilfe></xdf:wert></xdf:werte>';
    const { schema } = one('text', {}, { kind: 'select', more: values });
    expect(schema).toMatchObject({
      properties: {
        F60000001: {
          oneOf: [
            { const: 'm', title: 'Mann' },
            { const: 'w', title: 'Frau', description: 'Hilfe' },
          ],
        },
      },
    });
    expect(told(schema, { F60000001: 'x' })).toEqual([
      '/F60000001: Bitte wählen Sie bei „Angabe“ einen der angebotenen Werte. / Please choose one of the given values for “Angabe”.',
    ]);
  });

  test('of a choice between groups: exactly one', () => {
    const two = ['1', '2']
      .map((n) => member('0:1', group(`G6000000${n}`, `Weg ${n}`, member('1:1', field(`F6000000${n}`, 'Angabe')(3)))))
      .join('');
    const { schema } = convert(message(3, member('1:1', group('G60000009', 'Anschrift', two, '<xdf:art><code>X</code></xdf:art>'))));
    const filled = (...n: string[]) => ({ G60000009: Object.fromEntries(n.map((i) => [`G6000000${i}`, { [`F6000000${i}`]: 'a' }])) });
    expect(told(schema, filled('1'))).toEqual([]);
    expect(told(schema, filled())).toEqual(['/G60000009: Bitte füllen Sie „Anschrift“ aus. / Please fill in “Anschrift”.']);
    expect(told(schema, filled('1', '2'))).toEqual([
      '/G60000009: Bitte füllen Sie bei „Anschrift“ höchstens eine Angabe aus. / Please fill in at most one of the entries of “Anschrift”.',
    ]);
  });
});

describe('rules', () => {
  const fields = ['1', '2'].map((n) => member('0:1', field(`F6000000${n}`, `Feld ${n}`)(2))).join('');
  const ruled = (text: string) => convert(message(2, fields, rule(2, 'R1', text)));
  const both = { F60000001: 'a', F60000002: 'b' };

  test.each<[string, Json[], Json[], string]>([
    [
      'Es muss entweder Feld F60000001 "Feld 1" oder Feld F60000002 "Feld 2" befüllt werden.',
      [{ F60000001: 'a' }],
      [{}, both],
      'Bitte füllen Sie genau eines davon aus: „Feld 1“, „Feld 2“.',
    ],
    [
      'Es muss mindestens eines der Felder F60000001 und F60000002 befüllt sein.',
      [{ F60000001: 'a' }, both],
      [{}],
      'Bitte füllen Sie mindestens eines davon aus: „Feld 1“, „Feld 2“.',
    ],
    [
      'F60000001 und F60000002 dürfen nicht beide leer sein',
      [{ F60000002: 'a' }, both],
      [{}],
      'Bitte füllen Sie mindestens eines davon aus: „Feld 1“, „Feld 2“.',
    ],
    [
      'F60000001 und F60000002 dürfen nicht gleichzeitig ausgefüllt werden.',
      [{}, { F60000002: 'a' }],
      [both],
      'Bitte füllen Sie nicht beides aus: „Feld 1“, „Feld 2“.',
    ],
    [
      'Wenn F60000001 ausgefüllt ist, muss auch F60000002 ausgefüllt werden.',
      [{}, both],
      [{ F60000001: 'a' }],
      'Wenn Sie „Feld 1“ ausfüllen, brauchen wir auch „Feld 2“.',
    ],
  ])('the form checks: %s', (text, right, wrong, sentence) => {
    const { schema, unconverted } = ruled(text);
    compileForm(schema);
    expect(unconverted).toEqual([]);
    for (const filled of right) expect(told(schema, filled)).toEqual([]);
    for (const filled of wrong) expect(problems(schema, filled).map(({ message: { de } }) => de)).toEqual([sentence]);
  });

  test.each([
    ['Die Angabe in F60000001 muss vor F60000002 liegen.', 'nur in Worten'],
    ['Es muss entweder F60000001 oder F60000002 befüllt werden, außer bei Minderjährigen.', 'nur in Worten'],
    ['Es muss entweder F60000001 oder F69999999 befüllt werden.', 'nennt F69999999'],
    ['', 'nur in Worten'],
  ])('people check: %s', (text, reason) => {
    const { schema, unconverted } = ruled(text);
    expect(unconverted).toMatchObject([{ kind: 'rule', id: 'R1', name: 'Regel', text, reason: { de: expect.stringContaining(reason) } }]);
    expect(schema['x-fim']).toMatchObject({ uncheckedRules: [{ id: 'R1', name: 'Regel', text }] });
    expect(schema).not.toHaveProperty('allOf');
  });

  test('longer numbers of version 3 name the same fields', () => {
    const longer = ['1', '2'].map((n) => member('0:1', field(`F6000000000${n}`, `Feld ${n}`)(3))).join('');
    const { unconverted } = convert(message(3, longer, rule(3, 'R1', 'Es muss entweder F60000001 oder F60000002 befüllt werden.')));
    expect(unconverted).toEqual([]);
  });
});

describe('what cannot be taken over is named', () => {
  test.each<[string, ReturnType<typeof one>, string]>([
    ['a limit that does not fit the type', one('bool', { maxLength: '5' }), 'limit maxLength 5'],
    ['a pattern that is none', one('text', { pattern: '[a-' }), 'limit pattern [a-'],
    ['limits that exclude each other', one('num', { minValue: '5', maxValue: '3' }), 'limit minimum 5, maximum 3'],
    ['a declaration made in advance', one('bool', {}, { content: 'true' }), 'content true'],
    ['a field that nobody can fill in', one('text', {}, { kind: 'hidden' }), 'element hidden'],
    [
      'a limit on a selection',
      one('text', { maxLength: '2' }, { kind: 'select', more: '<xdf:werte><xdf:wert><xdf:code>a</xdf:code></xdf:wert></xdf:werte>' }),
      'limit maxLength 2',
    ],
    [
      'a first value that the selection does not offer',
      one('text', {}, { kind: 'select', content: 'b', more: '<xdf:werte><xdf:wert><xdf:code>a</xdf:code></xdf:wert></xdf:werte>' }),
      'content b',
    ],
    ['a limit that the standard does not have', one('num', { decimals: '2' }), 'limit decimals 2'],
    ['an element that does not occur', single(field('F1', 'A'), '0:0'), 'element 0:0'],
  ])('%s', (_, { schema, unconverted }, expected) => {
    compileForm(schema);
    expect(unconverted.map(({ kind, text }) => `${kind} ${text}`)).toEqual([expected]);
  });

  test('prose where version 2 has limits', () => {
    const prose = message(
      2,
      member(
        '1:1',
        field('F1', 'A')(2).replace('<xdf:praezisierung></xdf:praezisierung>', '<xdf:praezisierung>nur Ziffern</xdf:praezisierung>'),
      ),
    );
    expect(convert(prose).unconverted).toMatchObject([{ kind: 'limit', text: 'nur Ziffern' }]);
  });
});

const genericode = (version: string, values: readonly string[]) =>
  `<gc:CodeList xmlns:gc="http://docs.oasis-open.org/codelist/ns/genericode/1.0/"><Identification><ShortName>staat</ShortName><Version>${version}</Version><CanonicalUri>urn:test:staat</CanonicalUri></Identification><ColumnSet><Column Id="Name" Use="required"/><Column Id="Code" Use="required"/><Key Id="k"><ColumnRef Ref="Code"/></Key></ColumnSet><SimpleCodeList>${values.map((value) => `<Row><Value ColumnRef="Name"><SimpleValue>Staat ${value}</SimpleValue></Value><Value ColumnRef="Code"><SimpleValue>${value}</SimpleValue></Value></Row>`).join('')}</SimpleCodeList></gc:CodeList>`;
const reference = (version: string) =>
  `<xdf:codelisteReferenz><xdf:canonicalIdentification>urn:test:staat</xdf:canonicalIdentification>${version ? `<xdf:version>${version}</xdf:version>` : ''}</xdf:codelisteReferenz>`;
const lists = [parseCodeList(source(genericode('1', ['000']))), parseCodeList(source(genericode('2', ['000', '111'])))];

describe('code lists', () => {
  test.each([
    ['1', ['000']],
    ['', ['000', '111']],
  ])('the version named, else the newest: %j', (version, codes) => {
    const { schema, unconverted } = convert(
      message(3, member('1:1', field('F1', 'Staat', { kind: 'select', more: reference(version) })(3))),
      lists,
    );
    expect(unconverted).toEqual([]);
    expect(schema).toMatchObject({
      properties: {
        F1: { oneOf: codes.map((code) => ({ const: code, title: `Staat ${code}` })), 'x-fim': { codeList: { uri: 'urn:test:staat' } } },
      },
    });
  });

  test('of a list that is not at hand, the limits of the field count', () => {
    const { schema, unconverted } = convert(
      message(3, member('1:1', field('F1', 'Staat', { kind: 'select', given: { maxLength: '3' }, more: reference('9') })(3))),
    );
    expect(unconverted.map(({ kind }) => kind)).toEqual(['codeList']);
    expect(problems(schema, { F1: '0000' }).map(({ message: { de } }) => de)).toEqual(['„Staat“ darf höchstens 3 Zeichen haben.']);
  });

  test('a version that is not at hand is not replaced by another', () => {
    const { unconverted } = convert(message(3, member('1:1', field('F1', 'Staat', { kind: 'select', more: reference('9') })(3))), lists);
    expect(unconverted).toMatchObject([{ kind: 'codeList', text: 'urn:test:staat 9' }]);
  });

  test('what is none is refused by name', () => {
    expect(() => parseCodeList(source('<list/>', 'staat.xml'))).toThrow('staat.xml:1: <list> is no code list; expected Genericode');
  });
});

describe('a malformed file is refused with element, line and reason', () => {
  const good = member('1:1', field('F1', 'A')(2));
  test.each<[string, string, string]>([
    ['no XML', 'Formular', 'antrag.xml:1: is no well-formed XML'],
    ['a file that was cut off', message(2, good).slice(0, -30), 'antrag.xml:5: is no well-formed XML'],
    ['an entity that is not declared', message(2, good).replace('Antrag', '&x;'), 'antrag.xml:3: is no well-formed XML: undefined entity'],
    [
      'a document type',
      message(2, good).replace('?>\n', '?>\n<!DOCTYPE x [<!ENTITY a "b">]>\n'),
      'antrag.xml:2: has a document type (DOCTYPE)',
    ],
    ['another standard', '<a xmlns="urn:x"/>', 'antrag.xml:1: <a> is in the namespace "urn:x"; expected XDatenfelder 1, 2 or 3'],
    [
      'no schema in it',
      message(2, good).replaceAll('stammdatenschema>', 'anderes>'),
      'has neither a <stammdatenschema> nor a <datenfeldgruppe>',
    ],
    ['no id', message(2, good).replace('<xdf:id>F1</xdf:id>', ''), 'antrag.xml:4: <datenfeld> has no <id>'],
    [
      'no name',
      message(2, good).replaceAll(/<xdf:(name|bezeichnungEingabe)>A</g, '<xdf:$1>-<'),
      'antrag.xml:4: <datenfeld> F1 has neither a <name>',
    ],
    [
      'an unknown kind',
      message(2, good.replace('input', 'inputt')),
      'antrag.xml:4: <feldart> has the code "inputt"; did you mean "input"?',
    ],
    [
      'no type',
      message(2, good.replace(/<xdf:datentyp>.*<\/xdf:datentyp>/, '')),
      'antrag.xml:4: <datenfeld> lacks <datentyp> with its <code>',
    ],
    [
      'a number that is none',
      message(2, good.replace('1:1', '1')),
      'antrag.xml:4: <anzahl> is "1"; expected how often, such as 1:1 or 0:*',
    ],
    ['more at least than at most', message(2, good.replace('1:1', '3:2')), 'antrag.xml:4: <anzahl> is "3:2"'],
    ['an empty place', message(2, member('1:1', '')), 'antrag.xml:4: <struktur> holds 0 elements; expected one'],
    [
      'an element twice',
      message(2, `${good}\n${good}`),
      'antrag.xml:3: <stammdatenschema> holds F1 in version 1.0 twice (again in line 5)',
    ],
    [
      'one id with two meanings, wherever they stand',
      message(2, `${good}\n${member('1:1', group('G1', 'B', good.replaceAll('>A<', '>C<')))}`),
      'describes F1 in version 1.0 otherwise than line 4 does',
    ],
    [
      'an element that is nearly one that is read',
      message(2, good.replaceAll('xdf:struktur', 'xdf:strucktur')),
      '<strucktur> is no element of XDatenfelder; did you mean <struktur>?',
    ],
    ['deep nesting', '<a xmlns="urn:x">'.repeat(300), '<a> is nested deeper than 200 levels'],
  ])('%s', (_, text, expected) => expect(refusal(text)).toContain(expected));

  test('with everything at once', () => {
    const bad = message(2, [good.replace('input', 'x'), good.replace('1:1', 'x').replace('F1', 'F2')].join('\n'));
    expect(refusal(bad).split('\n')).toHaveLength(2);
  });
});

describe('in use', () => {
  const place = join(folder, 'stadt');
  mkdirSync(join(place, 'codelists'), { recursive: true });
  cpSync(wabeka, join(place, 'waffen.xml'));
  writeFileSync(
    join(place, 'codelists/staat.xml'),
    genericode('2017-01-01', ['000']).replaceAll('urn:test:staat', 'urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:staat'),
  );
  const offers = join(place, 'stadt.yaml');
  writeFileSync(
    offers,
    'source: test\nasOf: 2026-01-01\nauthorities: { amt: { name: Amt } }\noffers:\n  - { localKey: a, serviceKey: null, name: { de: Karte }, authority: amt, channels: [ONLINE], maturityLevel: 2, assuranceLevel: LOW, form: ./waffen.xml }\n',
  );

  test('an offer may name it as its form; code lists beside it count', async () => {
    const [record] = await offersFormat.read({ offers }, { ars: ars('051110000000') });
    expect(record?.form?.revision).toMatch(/^[0-9a-f]{12}$/);
    expect(JSON.stringify(record?.form?.schema)).toContain('{"const":"000","title":"Staat 000"}');
  });

  test('staedtebund form prints the schema, and beside it what people go on checking', async () => {
    const [out, notes]: [string[], string[]] = [[], []];
    expect(
      await runForm(
        { file: wabeka, language: 'EN' },
        (line) => out.push(line),
        (line) => notes.push(line),
      ),
    ).toBe(0);
    expect(JSON.parse(out.join('\n'))).toMatchObject({ title: 'Waffenbesitzkarte nach § 10 Absatz 1 WaffG' });
    expect(notes[0]).toBe('Not converted: 6 rules. Caseworkers go on checking them:');
    expect(notes[1]).toContain('WaBeKa.xml:231 code list F00000073 Anrede: the code list is not at hand');
    out.length = 0;
    await runForm(
      { file: join(place, 'waffen.xml'), json: true },
      (line) => out.push(line),
      () => expect.unreachable('JSON alone'),
    );
    expect(JSON.parse(out.join('\n'))).toMatchObject({ unconverted: expect.objectContaining({ length: 5 }) });
  });
});
