import { expect, test } from 'vitest';
import { limitPlugins } from '../../src/gateway/limits.ts';
import { limitText } from '../../src/gateway/limit-texts.ts';
import { createYoga, createSchema } from 'graphql-yoga';

const yoga = createYoga({
  schema: createSchema({ typeDefs: 'type Query { a: Query, n: Int }' }),
  plugins: limitPlugins({ depth: 3, aliases: 2, characters: 200, tokens: 40 }),
  maskedErrors: false,
  logging: false,
  context: { outcome: {} },
});

async function refused(query: string): Promise<string> {
  const response = await yoga.fetch('http://hub.test/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const body = (await response.json()) as { errors: readonly { message: string }[] };
  return body.errors[0]?.message ?? '';
}

test.each([
  ['deep', '{ a { a { a { a { n } } } } }', /^Die Anfrage ist \d+ Ebenen tief; erlaubt sind höchstens 3\.$/],
  ['full of aliases', '{ a: n b: n c: n d: n }', /^Die Anfrage hat \d+ Aliasse; erlaubt sind höchstens 2\.$/],
  ['long', `{ n # ${'x'.repeat(300)}\n }`, /^Die Anfrage hat \d+ Zeichen; erlaubt sind höchstens 200\.$/],
  ['full of tokens', `{ ${'n '.repeat(60)} }`, /^Die Anfrage hat mehr als 40 Token /],
])('an operation that is too %s is refused in German and in English', async (_, query, german) => {
  const message = await refused(query);
  expect(limitText(message, 'EN')).toBe(message);
  expect(limitText(message, 'DE')).toMatch(german);
});
