import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFormCheck } from '../../src/applications/form.ts';

const form = {
  revision: '1',
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
    required: ['plate', 'since', 'zone'],
    properties: {
      plate: {
        type: 'string',
        title: 'Kennzeichen',
        'x-title-en': 'Number plate',
        minLength: 1,
        maxLength: 12,
        pattern: '^[A-ZÄÖÜ]{1,3}-',
      },
      since: { type: 'string', format: 'date', title: 'Wohnhaft seit' },
      zone: { title: 'Parkzone', enum: ['A', 'B'] },
      email: { type: 'string', format: 'email', title: 'E-Mail' },
      persons: {
        type: 'array',
        title: 'Personen',
        maxItems: 2,
        items: { type: 'object', properties: { age: { type: 'integer', minimum: 18, title: 'Alter' } } },
      },
      truth: { const: true, title: 'Erklärung' },
    },
  },
} as const;
const check = createFormCheck();

describe('a form that is filled in wrongly', () => {
  test('is told by the names of its own fields, in German and English', () => {
    const problems = check('o1', form, { plate: '', since: 'gestern', zone: 'C', persons: [{ age: 3 }], truth: false, hobby: 'x' });
    expect(Object.fromEntries(problems.map((problem) => [`${problem.pointer} ${problem.code}`, problem.message.de]))).toMatchObject({
      '/plate minLength': 'Bitte füllen Sie das Feld „Kennzeichen“ aus.',
      '/since format': '„Wohnhaft seit“ muss ein Datum im Format JJJJ-MM-TT sein.',
      '/zone enum': 'Bitte wählen Sie bei „Parkzone“ einen der angebotenen Werte.',
      '/persons/0/age minimum': '„Alter“ muss mindestens 18 sein.',
      '/truth const': '„Erklärung“ muss bestätigt werden.',
      '/hobby additionalProperties': 'Das Feld „hobby“ gibt es in diesem Formular nicht.',
    });
    expect(problems.find(({ pointer }) => pointer === '/plate')?.message.en).toBe('Please fill in “Number plate”.');
  });

  test.each([
    [{ exclusiveMinimum: 0 }, 0, '„Menge“ muss größer als 0 sein.', '“Amount” must be greater than 0.'],
    [{ exclusiveMaximum: 9 }, 9, '„Menge“ muss kleiner als 9 sein.', '“Amount” must be less than 9.'],
    [{ multipleOf: 5 }, 7, '„Menge“ muss ein Vielfaches von 5 sein.', '“Amount” must be a multiple of 5.'],
    [{ type: 'integer' }, 'x', '„Menge“ muss eine ganze Zahl sein.', '“Amount” must be a whole number.'],
    [{ type: ['string', 'null'] }, 1, '„Menge“ muss ein Text sein.', '“Amount” must be a text.'],
    [
      { const: 'kg' },
      'g',
      'Bitte wählen Sie bei „Menge“ einen der angebotenen Werte.',
      'Please choose one of the given values for “Amount”.',
    ],
    [{ type: 'array', uniqueItems: true }, [1, 1], '„Menge“ darf keinen Eintrag zweimal haben.', '“Amount” may have no entry twice.'],
    [
      { type: 'string', format: 'date', formatExclusiveMinimum: '2026-01-31' },
      '2026-01-31',
      '„Menge“ muss nach dem 31.01.2026 liegen.',
      '“Amount” must be after 2026-01-31.',
    ],
  ])('and what %o does not take is told so that who keeps to it is right', (rule, it, de, en) => {
    const schema = { type: 'object', properties: { it: { title: 'Menge', 'x-title-en': 'Amount', ...rule } } };
    expect(check(JSON.stringify(rule), { revision: '1', schema }, { it })).toMatchObject([{ pointer: '/it', message: { de, en } }]);
  });

  test('names fields of parts that are referred to by their titles, and what another field asks for', () => {
    const schema = {
      type: 'object',
      properties: { home: { $ref: '#/$defs/place' }, former: { title: 'Frühere Wohnung', $ref: '#/$defs/place' } },
      $defs: {
        place: {
          type: 'object',
          title: 'Ort',
          properties: { street: { type: 'string', title: 'Straße', minLength: 1 }, number: { type: 'string', title: 'Hausnummer' } },
          dependentRequired: { street: ['number'] },
        },
      },
    };
    const problems = check('refs', { revision: '1', schema }, { home: { street: 'Am Markt' }, former: 'x' });
    expect(problems.map(({ pointer, message }) => `${pointer}: ${message.de}`)).toEqual([
      '/home/number: Bitte füllen Sie das Feld „Hausnummer“ aus.',
      '/former: „Frühere Wohnung“ muss eine Gruppe von Angaben sein.',
    ]);
  });

  test('says where a missing field belongs', () => {
    expect(check('o1', form, {}).map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
      '/plate required',
      '/since required',
      '/zone required',
    ]);
  });

  test('names at most fifty problems', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, i]));
    expect(check('o1', form, many)).toHaveLength(50);
  });

  test('never throws and never repeats what the applicant wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.uuid(), (value, secret) => {
        const problems = check('o1', form, { zone: secret, since: secret, plate: secret, extra: value } as never);
        for (const { message } of problems) expect(message.de + message.en).not.toContain(secret);
      }),
    );
  });
});

test('a form that is filled in rightly has no problems', () => {
  expect(check('o1', form, { plate: 'D-AB 1', since: '2026-01-31', zone: 'A' })).toEqual([]);
});

test('a new revision is checked by its own rules', () => {
  const later = { revision: '2', schema: { type: 'object', required: ['street'], properties: { street: { type: 'string' } } } };
  expect(check('o1', later, {}).map(({ pointer }) => pointer)).toEqual(['/street']);
});

test.each(['url', 'uri', 'uri-reference', 'email', 'hostname', 'ipv6', 'uri-template', 'json-pointer', 'duration', 'date-time', 'regex'])(
  'a long text that is nearly of the format %s is refused for its length',
  (format) => {
    const form = { type: 'object', properties: { it: { type: 'string', format } } };
    const hostile = ['http://[', 'http://a', 'a@', '{', '/~', 'P', ''].map((begin) => `${begin}${':'.repeat(1_000_000)}`);
    // Were they gone through, the worst would take an hour: it was a minute for a tenth of it.
    const problems = hostile.flatMap((it) => check(`long ${format}`, { revision: 'r', schema: form }, { it }));
    expect(problems.length).toBeGreaterThan(0);
  },
);

test.each([
  ['http://example.org/a?b=c', true],
  ['https://[2001:db8::1]/', true],
  ['example.org', false],
  ['javascript:alert(1)', false],
  [`http://[${':'.repeat(100_000)}`, false],
])('%# an address on the web is one as browsers read it', (it, fits) => {
  const form = { type: 'object', properties: { it: { type: 'string', format: 'url' } } };
  expect(check('urls', { revision: 'r', schema: form }, { it }).length).toBe(fits ? 0 : 1);
});
