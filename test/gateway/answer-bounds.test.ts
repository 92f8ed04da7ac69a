import { buildSchema, execute, parse, type GraphQLObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { boundAnswers } from '../../src/gateway/answer-bounds.ts';
import { noOutcome } from '../../src/gateway/context.ts';

const text = 'x'.repeat(100);

/** A schema of a hundred things, and how often a text, list or form of one was looked for. */
function things() {
  const schema = buildSchema(
    `scalar JSON
     type Query { things: [Thing!]! later: [Thing!]! }
     type Thing { text: String! number: Int list: [String!]! form: JSON! }`,
  );
  let found = 0;
  const thing = (schema.getType('Thing') as GraphQLObjectType).getFields();
  const finding = (value: unknown) => () => {
    found += 1;
    return value;
  };
  thing['text']!.resolve = finding(text);
  thing['list']!.resolve = finding([text, text]);
  thing['form']!.resolve = finding({ text });
  const all = Array.from({ length: 100 }, () => ({ number: 1 }));
  const { things: now, later } = schema.getQueryType()!.getFields();
  now!.resolve = () => all;
  later!.resolve = async () => all;
  return { schema: boundAnswers(schema), found: () => found };
}

test.each([
  ['texts', '{ things { text } }', 8],
  ['lists', '{ things { list } }', 4],
  ['forms', '{ things { form } }', 7],
  ['what comes later', '{ later { text } }', 8],
])('%s beyond the length of an answer are not made', async (_, query, times) => {
  const { schema, found } = things();
  const outcome = { ...noOutcome(), charactersLeft: 1000 };
  const { errors } = await execute({ schema, document: parse(query), contextValue: { outcome } });
  expect(errors).toBeUndefined();
  expect(outcome.charactersLeft).toBeLessThan(0);
  // The list of things itself takes 300.
  expect(found()).toBe(times);
});

test('an answer that is not too long holds everything', async () => {
  const { schema, found } = things();
  const outcome = { ...noOutcome(), charactersLeft: 1_000_000 };
  const { data } = await execute({ schema, document: parse('{ things { text list form number } }'), contextValue: { outcome } });
  expect(found()).toBe(300);
  // Never counted as more than it is.
  expect(1_000_000 - outcome.charactersLeft).toBeLessThanOrEqual(JSON.stringify(data).length);
});
