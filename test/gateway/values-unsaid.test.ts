import { buildSchema, parse, type GraphQLScalarType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { variableErrors } from '../../src/gateway/values-unsaid.ts';
import { startGateway, type Running } from './fixtures/gateway.ts';

/* What does not fit is named by its place, never by itself: it is often a person's. */

const canary = 'Kanarienvogel';
const submit = 'mutation ($input: SubmitApplicationInput!) { submitApplication(input: $input) { __typename } }';
const whole = {
  service: '99108001001000',
  place: { ars: '051110000000' },
  formRevision: 'r1',
  applicant: { name: canary, email: `${canary}@example.org` },
  formData: { name: canary },
  idempotencyKey: 'k',
};

let hub: Running;
beforeAll(async () => {
  hub = await startGateway({ rateLimit: null });
});
afterAll(() => hub.stop());

describe('a variable that does not fit is named by its path', () => {
  test.each([
    ['a field too many', { ...whole, applicant: { ...whole.applicant, age: canary } }, 'input.applicant', 'Field "age" is not defined'],
    ['a field missing', { ...whole, applicant: { email: canary } }, 'input.applicant', 'Field "name" of required type "String!"'],
    ['a text for an object', { ...whole, applicant: canary }, 'input.applicant', 'to be an object'],
    ['an object for a text', { ...whole, applicant: { name: whole.applicant } }, 'input.applicant.name', 'a value of type "String!"'],
    ['a name that is no channel', { ...whole, channel: canary }, 'input.channel', 'ONLINE'],
    ['an object for a channel', { ...whole, channel: whole.applicant }, 'input.channel', 'a value of type "Channel"'],
    ['an object for a key', { ...whole, service: whole.applicant }, 'input.service', 'Expected a service key'],
    ['two places', { ...whole, place: { ars: canary, ags: canary } }, 'input.place', 'Exactly one key'],
    ['objects for ids', { ...whole, attachmentIds: ['1', whole.applicant] }, 'input.attachmentIds.1', 'a value of type "ID!"'],
    ['a text for everything', canary, '$input', 'to be an object'],
  ])('%s', async (_, input, place, expected) => {
    const { body } = await hub.ask(submit, { variables: { input }, as: 'citizen' });
    const text = JSON.stringify(body);
    expect(text).not.toContain(canary);
    expect(body.errors[0].message).toContain(place);
    expect(body.errors[0].message).toContain(expected);
  });
});

test('after fifty mistakes nobody looks for more of them', () => {
  const schema = buildSchema('scalar Odd type Query { a(of: [Odd]): Int }');
  let looked = 0;
  const odd = schema.getType('Odd') as GraphQLScalarType;
  odd.parseValue = () => {
    looked += 1;
    throw new Error('no');
  };
  const document = parse('query ($a: [Odd] $b: [Odd] $c: Int!) { a(of: $a) b: a(of: $b) }');
  const many = Array.from({ length: 20_000 }, () => ({}));
  expect(variableErrors(schema, document, null, { a: many.slice(0, 30), b: many })).toHaveLength(50);
  // One more tells that there are too many.
  expect(looked).toBe(51);
});

describe('a literal that does not fit is named by its line', () => {
  test.each([
    `{ service(key: { name: "${canary}" }) { key } }`,
    `{ services(first: "${canary}") { totalCount } }`,
    `{ services(search: [{ name: "${canary}" }]) { totalCount } }`,
    `{ service(key: "x") { name(language: ${canary}) } }`,
    `{ service(key: "x") { name(language: { name: "${canary}" }) } }`,
    `query ($first: Int = "${canary}") { services(first: $first) { totalCount } }`,
    `{ municipality(ars: { name: "${canary}" }) { name } }`,
    `mutation { submitApplication(input: "${canary}") { __typename } }`,
    `mutation { submitApplication(input: { applicant: { name: { first: "${canary}" } } }) { __typename } }`,
    `{ service("${canary}") { key } }`,
    `{ service(key: """${canary}""" """${canary}""") { key } }`,
    `query ($k: ServiceKey) { a: service(key: "${canary.repeat(10)}") { key } b: service(key: $k) { key } }`,
  ])('%s', async (query) => {
    const { body } = await hub.ask(query, { as: 'citizen' });
    expect(body.errors[0].locations).toHaveLength(1);
    expect(JSON.stringify(body)).not.toContain(canary);
  });
});
