import { GraphQLNonNull, isInputObjectType, isObjectType, type GraphQLInputType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSchema } from '../../src/gateway/schema.ts';
import { startGateway, submission, type Running } from './fixtures/gateway.ts';

let hub: Running;
beforeAll(async () => {
  hub = await startGateway();
});
afterAll(() => hub.stop());

const long = 'hundesteueranmeldung'.repeat(20);

describe('a text longer than allowed is refused before anything is done with it', () => {
  test.each([
    ['services(search:)', '{ services(search: $t) { totalCount } }'],
    ['services(lifeSituation:)', '{ services(lifeSituation: $t) { totalCount } }'],
    ['municipalities(search:)', '{ municipalities(search: $t) { totalCount } }'],
    ['offers(search:)', '{ municipality(ars: "051110000000") { offers(search: $t) { totalCount } } }'],
    ['municipalities(postalCode:)', '{ municipalities(postalCode: $t) { totalCount } }'],
    ['municipality(ags:)', '{ municipality(ags: $t) { name } }'],
    ['node(id:)', 'node'],
  ])('%s', async (_, body) => {
    const query = body === 'node' ? 'query ($t: ID!) { node(id: $t) { id } }' : `query ($t: String!) ${body}`;
    const answer = await hub.ask(query, { variables: { t: long }, headers: { 'accept-language': 'en' } });
    expect(answer.body.errors).toMatchObject([{ extensions: { code: 'TEXT_TOO_LONG' } }]);
    expect(answer.body.errors[0].message).toMatch(/has 400 characters; at most \d+ are allowed/);
    // Asked again and again it is compiled: the same answer.
    for (let time = 0; time < 8; time += 1)
      expect((await hub.ask(query, { variables: { t: long } })).body.errors[0].extensions.code).toBe('TEXT_TOO_LONG');
  });

  test('within an input it is a member of the union', async () => {
    const input = { ...submission, applicant: { ...submission.applicant, name: 'n'.repeat(5000) } };
    const { body } = await hub.ask(
      'mutation ($input: SubmitApplicationInput!) { submitApplication(input: $input) { __typename ... on InvalidInput { code path message(language: EN) } } }',
      { variables: { input }, as: 'citizen' },
    );
    expect(body.data.submitApplication).toMatchObject({
      __typename: 'InvalidInput',
      code: 'TEXT_TOO_LONG',
      path: ['input', 'applicant', 'name'],
    });
  });

  test('two hundred characters are searched for', async () => {
    const { body } = await hub.ask('query ($t: String!) { services(search: $t) { totalCount } }', { variables: { t: long.slice(0, 200) } });
    expect(body.errors).toBeUndefined();
  });
});

test('no argument of a text is left out', () => {
  /** Arguments whose type is a text, or holds one, by field. */
  const holdsText = (type: GraphQLInputType, above: ReadonlySet<unknown> = new Set()): boolean => {
    if (type instanceof GraphQLNonNull || 'ofType' in type) return holdsText(type.ofType, above);
    if (isInputObjectType(type))
      return !above.has(type) && Object.values(type.getFields()).some((field) => holdsText(field.type, new Set([...above, type])));
    return type.name === 'String' || type.name === 'ID';
  };
  const schema = createSchema();
  const unbounded: string[] = [];
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields()))
      for (const argument of field.args) {
        if (!holdsText(argument.type)) continue;
        let refused = false;
        const given = probe(argument.type);
        try {
          const answer = field.resolve?.({}, { [argument.name]: given }, {}, {} as never) as { code?: string } | undefined;
          refused = answer?.code === 'TEXT_TOO_LONG';
        } catch (error) {
          refused = (error as { problem?: { code: string } }).problem?.code === 'TEXT_TOO_LONG';
        }
        if (!refused) unbounded.push(`${type.name}.${field.name}(${argument.name}:)`);
      }
  }
  expect(unbounded).toEqual([]);
});

/** A value of the type whose texts are all too long. */
function probe(type: GraphQLInputType, above: ReadonlySet<unknown> = new Set()): unknown {
  if ('ofType' in type) {
    const inner = probe(type.ofType, above);
    return type instanceof GraphQLNonNull ? inner : [inner];
  }
  if (isInputObjectType(type))
    return above.has(type)
      ? null
      : Object.fromEntries(Object.values(type.getFields()).map((field) => [field.name, probe(field.type, new Set([...above, type]))]));
  return 'x'.repeat(100_000);
}
