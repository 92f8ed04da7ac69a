import fc from 'fast-check';
import { buildSchema, graphqlSync, parse, validate, type GraphQLResolveInfo } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { Json } from '#contract';
import { askedOf, contractFields, contractParts, type Asked } from '../../src/federation/rows/rows.ts';
import { createReader, Misfit } from '../../src/federation/rows/reader.ts';
import { createSchema } from '../../src/gateway/schema.ts';

const schema = buildSchema(`
  type Query { offices(first: Int): [Office!] }
  type Office { id: ID! name: String! open: Boolean hours: [Hours!]! address: Address }
  type Hours { day: Day! opens: String! }
  type Address { street: String town: String }
  enum Day { MONDAY TUESDAY }
`);

/** What an operation asks of `offices`. */
function askedBy(source: string, variableValues: Record<string, unknown> = {}): Asked {
  let asked: Asked | undefined;
  const rootValue = {
    offices: (_: unknown, __: unknown, info: GraphQLResolveInfo) => {
      asked = askedOf(info);
      return [];
    },
  };
  const { errors } = graphqlSync({ schema, source, rootValue, variableValues });
  expect(errors).toBeUndefined();
  return asked as Asked;
}

describe('what is asked of a value', () => {
  test.each([
    ['fields by name, sorted', '{ offices { name id } }', '{ id name }'],
    ['aliases under their names, once', '{ offices { a: name b: name name } }', '{ name }'],
    [
      'fragments where they are spread',
      'fragment F on Office { address { town } id } { offices { ...F ... { address { street } } } }',
      '{ address { street town } id }',
    ],
    ['the field asked twice, merged', '{ offices { id } offices { name } }', '{ id name }'],
    ['nothing but types: the cheapest field', '{ offices { __typename address { __typename } } }', '{ address { street } }'],
    ['nothing at all but the type', '{ offices { __typename } }', '{ id }'],
    [
      'what a directive leaves',
      '{ offices { id @skip(if: true) name @include(if: false) open hours @skip(if: false) { day } } }',
      '{ hours { day } open }',
    ],
  ])('%s', (_, source, selection) => expect(askedBy(source).selection).toBe(selection));

  test('variables decide anew each time', () => {
    const source = 'query ($names: Boolean!) { offices { id name @include(if: $names) } }';
    expect([true, false, true].map((names) => askedBy(source, { names }).selection)).toEqual(['{ id name }', '{ id }', '{ id name }']);
  });

  test('one question has one spelling, whatever document asks it', () => {
    expect(askedBy('{ offices { id name } }').read).toBe(askedBy('{ offices { x: name ... { id } } }').read);
  });

  const leaf = fc.constantFrom('id', 'name', 'open', 'a: name', '__typename');
  const selection = fc
    .array(
      fc.oneof(
        leaf,
        fc.constantFrom(
          'hours { day }',
          'h: hours { opens }',
          '... on Office { name }',
          '... { address { town } }',
          'address { t: street }',
        ),
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    .map((parts) => `{ ${parts.join(' ')} }`);

  test('is a selection set without variables, aliases or fragments, valid of the type', () => {
    fc.assert(
      fc.property(selection, (asked) => {
        const own = askedBy(`{ offices ${asked} }`).selection;
        expect(validate(schema, parse(`{ offices ${own} }`))).toEqual([]);
        expect(own).not.toMatch(/[:$@.]|__/);
      }),
    );
  });

  test('is read from whatever a city answers, or refused with its place', () => {
    fc.assert(
      fc.property(selection, fc.jsonValue(), (asked, answer) => {
        const { read } = askedBy(`{ offices ${asked} }`);
        const outcome = () => {
          try {
            return read(answer as Json);
          } catch (error) {
            return error;
          }
        };
        const value = outcome();
        expect(value === null || Array.isArray(value) || value instanceof Misfit).toBe(true);
      }),
    );
  });
});

describe('reading a value', () => {
  const office = schema.getQueryType()!.getFields()['offices']!.type;
  const read = createReader(office, { id: null, open: null, hours: { day: null }, address: { town: null } });
  const good = { id: 'o', open: true, hours: [{ day: 'MONDAY' }], address: null };

  test('as it should be', () => expect(read([good])).toEqual([good]));
  test('an id may be a number', () => expect(read([{ ...good, id: 7 }])).toEqual([{ ...good, id: '7' }]));

  test.each([
    ['/0/hours/0/day', [{ ...good, hours: [{ day: 'MONTAG' }] }]],
    ['/0/hours', [{ ...good, hours: null }]],
    ['/0/hours/1', [{ ...good, hours: [{ day: 'MONDAY' }, null] }]],
    ['/0/open', [{ ...good, open: 'yes' }]],
    ['/0/id', [{ ...good, id: 1.5 }]],
    ['/0/id', [{ ...good, id: 'x'.repeat(10_001) }]],
    ['/0/address', [{ ...good, address: 'Marktplatz' }]],
    ['/0', [null]],
    ['', { 0: good }],
  ] as const)('%s is named where it does not fit', (pointer, value) => {
    expect(() => read(value as unknown as Json)).toThrow(expect.objectContaining({ name: 'Misfit', pointer }) as Error);
  });

  test('what an object inherits is not an answer', () => {
    const inherits = createReader(office, { id: null, name: null });
    expect(() => inherits([JSON.parse('{"id":"1","__proto__":{"name":"x"}}') as Json])).toThrow(Misfit);
  });

  test('moments, days and addresses by the rules of the schema', () => {
    const municipality = createSchema().getType('Kita') as unknown as { getFields(): Record<string, { type: never }> };
    const of = (name: string) => createReader(municipality.getFields()[name]!.type, null);
    expect(of('asOf')('2026-11-24T12:00:00+01:00')).toEqual(new Date('2026-11-24T11:00:00Z'));
    expect(() => of('asOf')('gestern')).toThrow(Misfit);
    expect(() => of('url')('javascript:alert(1)')).toThrow(Misfit);
  });
});

describe('the contracts', () => {
  test('say what every city may answer', () => {
    expect(contractFields().map(({ type, name }) => `${type}.${name}`)).toEqual([
      'Municipality.kitas',
      'Municipality.officeHours',
      'Municipality.roadworks',
    ]);
  });

  test('extend municipalities only', () => {
    expect(() => contractFields(['extend type Offer { x: Int }'])).toThrow('schema/contracts extends Offer');
  });

  test('have fields without arguments below them, so that a city needs no aliases', () => {
    const own = buildSchema(
      `scalar DateTime scalar Date scalar URL scalar ServiceKey type Municipality { ars: ID } type Query { m: Municipality } ${contractParts().join('\n')}`,
    );
    const withArguments = Object.values(own.getTypeMap()).flatMap((type) =>
      'getFields' in type && !type.name.startsWith('__') && type.name !== 'Municipality'
        ? Object.values(type.getFields()).flatMap((field) =>
            'args' in field && field.args.length > 0 ? [`${type.name}.${field.name}`] : [],
          )
        : [],
    );
    expect(withArguments).toEqual([]);
  });

  test('bound every list they ask for', () => {
    const fields = (
      createSchema().getType('Municipality') as unknown as { getFields(): Record<string, { args: readonly { name: string }[] }> }
    ).getFields();
    for (const { name } of contractFields()) expect(fields[name]?.args.map((one) => one.name)).toContain('first');
  });
});
