import { buildSchema } from 'graphql';
import { createYoga, type GraphQLParams, type YogaServerInstance } from 'graphql-yoga';
import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/gateway/context.ts';
import { askDirectly, mediaTypeFor } from '../../src/gateway/http/direct.ts';

/* The short way must not differ from the long one: both are asked the same, and what they answer is compared. */

const yoga = createYoga<Context>({
  schema: buildSchema('type Query { a: Int b(c: Int!): String } type Mutation { d: Int } type Subscription { e: Int }'),
  maskedErrors: false,
  logging: false,
  batching: false,
}) as YogaServerInstance<Context, object>;

const long = async (body: string, accept: string) => {
  const request = new yoga.fetchAPI.Request('http://hub.invalid/graphql', {
    method: 'POST',
    body,
    headers: { accept, 'content-type': 'application/json' },
  });
  const response = await yoga.fetch(request, {} as Context);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};

const short = async (body: string, accept: string) => {
  const outcome = { kind: null };
  const answered = await askDirectly(yoga, { body: Buffer.from(body), accept, url: 'http://hub.invalid/graphql' }, {
    outcome,
  } as unknown as Context);
  return answered && { status: answered.status, type: answered.headers.get('content-type'), text: await answered.text() };
};

const asJson = (params: GraphQLParams) => JSON.stringify(params);

describe('the short way answers what the long way answers', () => {
  const accepts = [
    '*/*',
    'application/json',
    'application/graphql-response+json',
    'application/graphql-response+json, application/json;q=0.9',
    'application/*',
  ];
  const bodies = [
    asJson({ query: '{ a }' }),
    asJson({ query: '{ __typename x: __typename }' }),
    asJson({ query: 'mutation { d }' }),
    asJson({ query: '{ nope }' }),
    asJson({ query: '{ a' }),
    asJson({ query: '{ b }' }),
    asJson({ query: 'query ($c: Int!) { b(c: $c) }', variables: {} }),
    asJson({ query: 'query A { a } query B { a }' }),
    asJson({ query: 'query A { a } query B { a }', operationName: 'B' }),
    asJson({ query: 'query A { a }', operationName: 'C' }),
  ];
  test.each(accepts.flatMap((accept) => bodies.map((body) => [accept, body] as const)))('%s %s', async (accept, body) => {
    expect(await short(body, accept)).toEqual(await long(body, accept));
  });
});

describe('leaves to the long way', () => {
  test.each([
    ['what is no JSON', '{'],
    ['a list', '[]'],
    ['a text', '"a"'],
    ['null', 'null'],
    ['no query', '{}'],
    ['a query that is none', '{"query":1}'],
    ['an unknown parameter', '{"query":"{ a }","more":1}'],
    ['variables that are none', '{"query":"{ a }","variables":[]}'],
    ['a subscription', '{"query":"subscription { e }"}'],
  ])('%s', async (_, body) => expect(await short(body, '*/*')).toBeNull());

  test.each(['text/event-stream', 'text/html', 'application/json; charset=latin1', 'multipart/mixed'])(
    'who takes only %s',
    async (accept) => expect(await short('{"query":"{ a }"}', accept)).toBeNull(),
  );
});

test.each([
  ['*/*', 'application/json'],
  ['application/graphql-response+json', 'application/graphql-response+json'],
  ['application/json, application/graphql-response+json', 'application/json'],
  ['text/html, application/graphql-response+json;q=0.1', 'application/graphql-response+json'],
  ['text/html', null],
])('%s gets %s', (accept, type) => expect(mediaTypeFor(accept)).toBe(type));
