import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '#contract';
import { createFormCheck } from '../../src/applications/form.ts';
import { compileForm } from '../../src/catalogue/forms/form-record.ts';
import { linearPattern } from '../../src/catalogue/forms/pattern.ts';

const check = createFormCheck();
const codesOf = (schema: Json, data: Json): readonly string[] =>
  check('o1', { revision: JSON.stringify(schema), schema }, data).map(({ code }) => code);
const plate = '^([A-ZÄÖÜ]+-?)+ ?[0-9]{1,4}$';

describe('a pattern takes time in proportion to its text, whatever it is', () => {
  test.each([
    [plate, `${'A'.repeat(26)}!`],
    [plate, `${'A'.repeat(9000)}!`],
    ['^(a|a)*$', `${'a'.repeat(5000)}!`],
    ['^(a*)*b$', 'a'.repeat(5000)],
    [String.raw`^(\w+\s?)*$`, `${'wort '.repeat(1500)}!`],
    ['a*a*a*b', 'a'.repeat(5000)],
  ])('%s', (pattern, text) => {
    expect(codesOf({ properties: { it: { type: 'string', pattern } } }, { it: text })).toEqual(['pattern']);
    expect(codesOf({ type: 'object', propertyNames: { pattern: '^it$' }, patternProperties: { [pattern]: {} } }, { [text]: 1 })).toContain(
      'propertyNames',
    );
  });

  test('several patterns of a form are not taken for one another', () => {
    const schema = { properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } } };
    expect(codesOf(schema, { a: 'a', b: 'b' })).toEqual([]);
    expect(codesOf(schema, { a: 'b', b: 'a' })).toEqual(['pattern', 'pattern']);
  });

  test('a text that is too long to be looked at passes nowhere, not even where the pattern must not match', () => {
    const long = 'a'.repeat(20_000);
    expect(codesOf({ properties: { it: { not: { type: 'string', pattern: 'b' } } } }, { it: long })).toEqual(['x-too-much']);
    expect(codesOf({ properties: { it: { maxLength: 12, pattern: '^b' } } }, { it: long }).toSorted()).toEqual(['maxLength', 'pattern']);
  });
});

describe('a pattern that cannot be matched in linear time is refused when the form is read, with what to do', () => {
  test.each([
    ['^(?=.*[0-9]).{8,}$', 'looks ahead or behind; write the conditions as patterns of their own under allOf'],
    ['(?<!x)y', 'looks ahead or behind'],
    [String.raw`^(a)\1$`, 'refers back to a group; write the parts out'],
    [String.raw`^(?<x>a)\k<x>$`, 'refers back to a group'],
    ['^.{0,5000}$', 'repeats more than 1000 times; say with maxLength how long the text may be'],
    ['^((a{0,40}){0,20}){0,20}$', ''],
    [String.raw`^\p{Script_Extensions=Greek}$`, 'asks for Script_Extensions; write out the characters that are meant'],
    ['(?i:a)', 'changes its flags within'],
    ['[a-', 'is no regular expression'],
  ])('%s', (pattern, why) => {
    expect(() => compileForm({ properties: { it: { type: 'string', pattern } } })).toThrow(why);
  });
});

describe('a pattern means what it means in ECMAScript', () => {
  /** Patterns of every form that is shipped, and what patterns may hold. */
  const shipped = ['cities/forms', 'sandbox', 'test/catalogue/fixtures'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/"pattern": ("(?:[^"\\]|\\.)*")/g)])
      .map(([, pattern]) => JSON.parse(pattern ?? '""') as string),
  );
  const others = [
    plate,
    '.',
    '^.+$',
    String.raw`^\s+$`,
    String.raw`^\S+$`,
    String.raw`^[\s]$`,
    String.raw`^[^\S]$`,
    String.raw`^[\w.-]+$`,
    String.raw`\bstr\b`,
    String.raw`^\p{Lu}\p{Ll}*$`,
    String.raw`^\p{Script=Greek}+$`,
    String.raw`^\p{Letter}$`,
    '^[^]$',
    '[]',
    '^[a-c-e]$',
    String.raw`^[\]\[\\^-]$`,
    String.raw`^[\u00e4\u{1f600}\x41]$`,
    String.raw`^\ud83d\ude00$`,
    '^😀{2}$',
    '^(?<name>ab|c)+?$',
    'a{2}|b{2,}|c{0,3}d',
    '^(?:)$',
    '',
    '$',
    String.raw`^\/\-\.\$`.replace(String.raw`\-`, '-'),
    String.raw`[\b]|\cJ|\0`,
  ];

  test.each([...new Set([...shipped, ...others])])('%s', (pattern) => {
    const ours = linearPattern(pattern);
    // oxlint-disable-next-line eslint/no-control-regex -- the engine that is compared with
    const theirs = new RegExp(pattern, 'u');
    // oxlint-disable-next-line typescript/no-misused-spread -- code points are meant
    const letters = [...'aAbBcdeEHxyz01239-. /ÄäöÜß+_:,$^[]\\\n\r\t\v\f\0\b\u00a0\u2028\ufeffΩ😀str'];
    const texts = fc.oneof(
      fc.array(fc.constantFrom(...letters), { maxLength: 12 }).map((all) => all.join('')),
      fc.string({ unit: 'grapheme', maxLength: 10 }),
      fc.stringMatching(theirs.source === '[]' ? /x/ : simple(pattern)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(ours.test(text), JSON.stringify(text)).toBe(theirs.test(text));
      }),
      { numRuns: 300, seed: 9 },
    );
  });

  test('the forms that are shipped have patterns', () => {
    expect(shipped.length).toBeGreaterThan(8);
  });
});

/** A pattern whose matches can be made, where it can; any text otherwise. */
function simple(pattern: string): RegExp {
  const made = new RegExp(pattern, 'u');
  try {
    fc.sample(fc.stringMatching(made), 1);
    return made;
  } catch {
    return /.*/;
  }
}

describe('a form whose values cost too much is refused when it is read', () => {
  const doubling = (keyword: string, times: number): Json => ({
    $ref: '#/$defs/p0',
    $defs: Object.fromEntries(
      Array.from({ length: times }, (_, index) => [
        `p${index}`,
        index === times - 1 ? { type: 'string' } : { [keyword]: [{ $ref: `#/$defs/p${index + 1}` }, { $ref: `#/$defs/p${index + 1}` }] },
      ]),
    ),
  });
  test.each(['allOf', 'anyOf', 'oneOf'])('%s doubled thirty times', (keyword) => {
    expect(() => compileForm(doubling(keyword, 30))).toThrow('asks too much of one value: about millions of looks');
    expect(() => compileForm(doubling(keyword, 6))).not.toThrow();
  });
  test('a part that is looked at twice on each level', () => {
    const twice = { allOf: [{ properties: { a: { $ref: '#' } } }, { additionalProperties: { $ref: '#' } }] };
    expect(() => compileForm(twice)).toThrow('asks too much of one value');
  });
  test.each<[string, Json]>([
    ['$ref', { $ref: '#' }],
    [
      'allOf',
      { $defs: { a: { allOf: [{ $ref: '#/$defs/b' }] }, b: { not: { $ref: '#/$defs/a' } } }, properties: { x: { $ref: '#/$defs/a' } } },
    ],
    ['$dynamicRef', { $dynamicAnchor: 'me', anyOf: [{ $dynamicRef: '#me' }] }],
  ])('a part that refers to itself for the same value by %s', (_, schema) => {
    expect(() => compileForm(schema)).toThrow('refers to itself for the same value');
  });
  test('a list of lists of itself is a form', () => {
    const tree = { type: 'object', properties: { name: { type: 'string' }, below: { type: 'array', items: { $ref: '#' } } } };
    expect(codesOf(tree, { name: 'a', below: [{ name: 'b', below: [{ name: 1 }] }] })).toEqual(['type']);
  });
  test.each<[string, Json]>([
    ['parts', { properties: Object.fromEntries(Array.from({ length: 5001 }, (_, index) => [`p${index}`, {}])) }],
    ['levels', Array.from({ length: 150 }).reduce<Json>((inner) => ({ properties: { a: inner } }), {})],
    ['values of an enumeration', { enum: Array.from({ length: 60_000 }, (_, index) => `v${index}`) }],
    ['a part outside of the form', { $ref: 'https://example.org/form' }],
  ])('too many %s', (_, schema) => {
    expect(() => compileForm(schema)).toThrow(/parts; divide|100 levels|asks too much|is not in the form/);
  });
});

describe('what is sent is counted before it is checked', () => {
  test('entries of a list of objects are compared once each', () => {
    const schema = { type: 'array', uniqueItems: true, items: { type: 'object' } };
    const list = Array.from({ length: 15_000 }, (_, n) => ({ n, of: [n] }));
    expect(codesOf(schema, list)).toEqual([]);
    expect(codesOf(schema, [...list, { of: [7], n: 7 }])).toEqual(['uniqueItems']);
  });
  test('more values than the form can be checked for are refused as a whole', () => {
    const schema = { type: 'array', items: { enum: Array.from({ length: 1000 }, (_, index) => `v${index}`) } };
    expect(
      codesOf(
        schema,
        Array.from({ length: 15_000 }, () => 'x'),
      ),
    ).toEqual(['x-too-much']);
    expect(
      codesOf(
        schema,
        Array.from({ length: 100 }, () => 'v7'),
      ),
    ).toEqual([]);
  });
  test('hundreds of mistakes are told as fifty, of thousands the first', () => {
    const schema = { type: 'array', items: { anyOf: [{ type: 'object' }, { type: 'null' }], 'x-message': { de: 'nein', en: 'no' } } };
    const wrong = (length: number) => Array.from({ length }, () => 'x');
    expect(codesOf(schema, wrong(2000))).toHaveLength(50);
    expect(codesOf(schema, wrong(15_000))).toEqual(['anyOf']);
    const referring = {
      type: 'array',
      items: { $ref: '#/$defs/a' },
      $defs: { a: { allOf: [{ $ref: '#/$defs/b' }] }, b: { type: 'object' } },
    };
    expect(codesOf(referring, wrong(15_000))).toEqual(['type']);
    expect(codesOf(referring, wrong(100))).toHaveLength(50);
  });
});
