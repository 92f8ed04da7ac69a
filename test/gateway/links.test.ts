import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { createClient, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestHub, type TestHub } from '../kit/hub.ts';

/*
 * Clients of automatic persisted queries as their packages come: they send a hash, and the text only when they are told so in
 * the words of their protocol.
 */

const services = 'query Services($first: Int!) { services(first: $first) { nodes { key } } }';
const variables = { first: 2 };
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

/** What a client sent: its method, the text if there was one, the hash. */
interface Sent {
  readonly method: string;
  readonly query: string | null;
  readonly hash: string | null;
}

interface Client {
  readonly name: string;
  /** The keys answered, or the code of the first error. */
  ask(hub: TestHub, sent: Sent[], byGet: boolean): Promise<readonly string[] | string>;
}

/** A fetch that notes what goes out. */
const noting =
  (sent: Sent[]): typeof fetch =>
  async (input, init) => {
    const { searchParams } = new URL(input as string | URL);
    const body = (
      typeof init?.body === 'string'
        ? JSON.parse(init.body)
        : { query: searchParams.get('query'), extensions: JSON.parse(searchParams.get('extensions') ?? '{}') }
    ) as { query?: string | null; extensions?: { persistedQuery?: { sha256Hash: string } } };
    sent.push({ method: init?.method ?? 'GET', query: body.query || null, hash: body.extensions?.persistedQuery?.sha256Hash ?? null });
    return fetch(input, init);
  };

interface Answer {
  readonly services: { readonly nodes: readonly { readonly key: string }[] };
}
const keysOf = ({ services: { nodes } }: Answer) => nodes.map(({ key }) => key);

const clients: readonly Client[] = [
  {
    name: '@apollo/client',
    async ask({ url }, sent, byGet) {
      const client = new ApolloClient({
        cache: new InMemoryCache(),
        link: ApolloLink.from([
          new PersistedQueryLink({ sha256: hashOf, useGETForHashedQueries: byGet }),
          new HttpLink({ uri: `${url}/graphql`, fetch: noting(sent) }),
        ]),
      });
      try {
        const { data } = await client.query<Answer>({ query: gql(services), variables, fetchPolicy: 'no-cache' });
        return keysOf(data as Answer);
      } catch (error) {
        if (CombinedGraphQLErrors.is(error)) return error.errors[0]?.extensions?.['code'] as string;
        throw error;
      } finally {
        client.stop();
      }
    },
  },
  {
    name: '@urql/core',
    async ask({ url }, sent, byGet) {
      const client = createClient({
        url: `${url}/graphql`,
        fetch: noting(sent),
        preferGetMethod: false,
        exchanges: [persistedExchange({ preferGetForPersistedQueries: byGet }), fetchExchange],
      });
      const { data, error } = await client.query<Answer>(services, variables);
      return data ? keysOf(data) : (error?.graphQLErrors[0]?.extensions['code'] as string);
    },
  },
];

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-links-'));
let open: TestHub;
/** Knows what the clients send; `only`: and answers nothing else to who is not signed in. */
let registered: TestHub;
let only: TestHub;
let expected: readonly string[];

beforeAll(async () => {
  open = await startTestHub({ cities: {} });
  const answer = await open.ask<Answer>(services, variables);
  expected = keysOf(answer.data as Answer);
  // Each client writes the document in its own way: what it sends is what is registered.
  const sent: Sent[] = [];
  for (const client of clients) await client.ask(open, sent, false);
  const texts = sent.flatMap(({ query }) => (query === null ? [] : [query]));
  const file = join(folder, 'documents.json');
  writeFileSync(file, JSON.stringify(Object.fromEntries(texts.map((text) => [hashOf(text), text]))));
  registered = await startTestHub({ cities: {}, like: open, env: { PERSISTED_DOCUMENTS: file } });
  const none = join(folder, 'none.json');
  writeFileSync(none, '{}');
  only = await startTestHub({ cities: {}, like: open, env: { PERSISTED_DOCUMENTS: none, PERSISTED_ONLY: 'true' } });
}, 120_000);
afterAll(async () => {
  await only.close();
  await registered.close();
  await open.close();
  rmSync(folder, { recursive: true });
});

describe.each(clients)('$name', (client) => {
  test.each([false, true])(
    'a document that nobody registered: the hash is not known, so the text follows (hash by GET: %s)',
    async (byGet) => {
      const sent: Sent[] = [];
      expect(await client.ask(open, sent, byGet)).toEqual(expected);
      expect(sent.map(({ query }) => query !== null)).toEqual([false, true]);
      expect(sent[0]?.method).toBe(byGet ? 'GET' : 'POST');
      expect(sent[0]?.hash).toBe(hashOf(sent[1]?.query ?? ''));
    },
  );

  test.each([false, true])('a registered document: the hash is enough (by GET: %s)', async (byGet) => {
    const sent: Sent[] = [];
    expect(await client.ask(registered, sent, byGet)).toEqual(expected);
    expect(sent.map(({ query }) => query)).toEqual([null]);
  });

  test('where only registered documents are answered, the client gets that as the reason', async () => {
    const sent: Sent[] = [];
    expect(await client.ask(only, sent, false)).toBe('PERSISTED_DOCUMENTS_ONLY');
    expect(sent).toHaveLength(2);
  });
});
