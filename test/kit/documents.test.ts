import { readFileSync } from 'node:fs';
import { buildSchema, Kind, parse, validate, visit } from 'graphql';
import { describe, expect, test } from 'vitest';
import { randomDocument } from './documents.ts';
import { createRandom } from './random.ts';
import { shrink } from './shrink.ts';

const schema = buildSchema(readFileSync('schema/staedtebund.graphql', 'utf8'));
const documents = Array.from({ length: 1500 }, (_, seed) => randomDocument(schema, createRandom(seed)));

describe('random documents', () => {
  test('are valid', () => {
    for (const { query } of documents) expect(validate(schema, parse(query))).toEqual([]);
  });

  test('are the same for the same seed, and others for another', () => {
    expect(randomDocument(schema, createRandom(7))).toEqual(documents[7]);
    expect(new Set(documents.map(({ query }) => query)).size).toBeGreaterThan(1200);
  });

  test('have every shape', () => {
    const seen = new Set<string>();
    for (const { query, variables, operationName } of documents) {
      const spreads: string[] = [];
      if (operationName !== undefined) seen.add('operationName');
      visit(parse(query), {
        enter(node, _, parent) {
          seen.add(node.kind);
          if (node.kind === Kind.FRAGMENT_SPREAD) {
            if (spreads.includes(node.name.value)) seen.add('a fragment spread twice');
            spreads.push(node.name.value);
          }
          if (node.kind === Kind.DIRECTIVE && parent) seen.add(node.name.value);
          if (node.kind === Kind.FIELD && node.alias) seen.add('alias');
          if (node.kind === Kind.INLINE_FRAGMENT && !node.typeCondition) seen.add('inline without a type');
          if (node.kind === Kind.VARIABLE_DEFINITION) {
            const value = variables[node.variable.name.value];
            seen.add(value === undefined ? 'absent variable' : value === null ? 'variable of null' : 'variable');
            if (node.defaultValue) seen.add('default');
          }
          if (node.kind === Kind.OBJECT_FIELD && node.value.kind === Kind.VARIABLE) seen.add('variable within a literal');
        },
      });
    }
    const shapes = [
      'Field',
      'InlineFragment',
      'FragmentDefinition',
      'ListValue',
      'ObjectValue',
      'NullValue',
      'EnumValue',
      'include',
      'skip',
    ];
    const more = ['alias', 'inline without a type', 'a fragment spread twice', 'operationName', 'default'];
    const given = ['variable', 'variable of null', 'absent variable', 'variable within a literal'];
    expect([...shapes, ...more, ...given].filter((shape) => !seen.has(shape))).toEqual([]);
  });

  test('ask for every field of the schema that a query reaches', () => {
    const small = buildSchema(
      'type Query { a: A b: [B!]! } type A { c: Int d(e: [F!]): U } type B { g: A! } union U = A | B input F { h: Int! }',
    );
    const asked = new Set<string>();
    for (let seed = 0; seed < 200; seed += 1)
      visit(parse(randomDocument(small, createRandom(seed)).query), { Field: ({ name }) => void asked.add(name.value) });
    expect([...asked].toSorted()).toEqual(['__typename', 'a', 'b', 'c', 'd', 'g']);
  });

  test('can be mutations', () => {
    expect(randomDocument(schema, createRandom(1), { operation: 'mutation' }).query).toMatch(/mutation/);
  });
});

test('a document that differs is made small', async () => {
  const found = documents.find(({ query }) => query.length > 600 && query.includes('hasNextPage'));
  expect(found).toBeDefined();
  const small = await shrink(schema, found as never, async ({ query }) => query.includes('hasNextPage'));

  expect(small.query).toContain('hasNextPage');
  expect(small.query.length).toBeLessThan(250);
});
