import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runDocuments } from '../../src/cli/documents.ts';
import { readPersistedDocuments } from '../../src/gateway/persisted.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import { createStack } from '../kit/stack.ts';
import { startGateway, type Running } from './fixtures/gateway.ts';

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-documents-'));
afterAll(() => rmSync(folder, { recursive: true }));
const keep = createStack();
const file = (name: string, content: unknown) => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const document = 'query Services($first: Int!) { services(first: $first) { nodes { key } } }';

const start = async (only: boolean): Promise<Running> => {
  const gateway = await startGateway({ persisted: { file: file('documents.json', { [hashOf(document)]: document }), only } });
  keep({ close: () => gateway.stop() });
  return gateway;
};
const post = async ({ url, issuer }: Running, body: object, as?: string) => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(as && { authorization: `Bearer ${await issuer.token(as)}` }),
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as { data?: unknown; errors?: { extensions: { code: string } }[] } };
};

describe('documents asked by their hash', () => {
  test.each([
    ['documentId', { documentId: hashOf(document) }],
    ['documentId with its algorithm', { documentId: `sha256:${hashOf(document)}` }],
    ['documentId beside a query that is null', { documentId: hashOf(document), query: null }],
    ['Apollo’s extension', { extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(document) } } }],
  ])('are answered as if their text had come: %s', async (_, by) => {
    const hub = await start(false);
    const variables = { first: 2 };
    const expected = await post(hub, { query: document, variables });
    expect((await post(hub, { ...by, variables })).body.data).toEqual(expected.body.data);
    // Again: kept answers know hashes too.
    expect((await post(hub, { ...by, variables })).body.data).toEqual(expected.body.data);
  });

  test('that nobody registered are refused, and everything else is still answered', async () => {
    const hub = await start(false);
    const { status, body } = await post(hub, { documentId: hashOf('{ __typename }') });
    expect([status, body.errors?.[0]?.extensions.code]).toEqual([404, 'PERSISTED_DOCUMENT_NOT_FOUND']);
    expect((await post(hub, { query: '{ __typename }' })).body.data).toEqual({ __typename: 'Query' });
  });

  test('may be all that an anonymous caller can ask', async () => {
    const hub = await start(true);
    for (const query of ['{ __typename }', '{ __schema { types { name } } }', 'query { services(first: 1) { nodes { key } } }', '{'])
      expect((await post(hub, { query })).body.errors?.[0]?.extensions.code).toBe('PERSISTED_DOCUMENTS_ONLY');
    for (const query of [5, null, {}, [document]])
      expect((await post(hub, { query })).body.errors?.[0]?.extensions.code).toBe('PERSISTED_DOCUMENTS_ONLY');
    expect((await post(hub, { query: document, variables: { first: 1 } })).body.errors).toBeUndefined();
    expect((await post(hub, { documentId: hashOf(document), variables: { first: 1 } })).body.errors).toBeUndefined();
    expect((await post(hub, { query: '{ __typename }' }, 'portal')).body.data).toEqual({ __typename: 'Query' });
  });

  test.each([
    [{}, 400],
    [{ documentId: 7 }, 400],
    [{ documentId: null }, 400],
    [{ extensions: { persistedQuery: 'x' } }, 400],
    [{ documentId: '__proto__' }, 404],
  ])('nonsense is refused: %j', async (body, status) => {
    const hub = await start(false);
    expect((await post(hub, body)).status).toBe(status);
  });
});

describe('a file of documents', () => {
  const schema = createSchema();
  const read = (content: unknown) => () => readPersistedDocuments(file('given.json', content), schema);

  test('is what the command writes', () => {
    const source = file('services.graphql', `${document}\n`);
    const out = join(folder, 'out.json');
    expect(runDocuments([source], { out }, () => {})).toBe(0);
    expect(readPersistedDocuments(out, schema)).toEqual(new Map([[hashOf(document), document]]));
  });

  test('is refused if a document does not fit, with its line', () => {
    const printed: string[] = [];
    expect(runDocuments([file('wrong.graphql', '{\n  servicez { key }\n}')], {}, (line) => printed.push(line))).toBe(1);
    expect(printed.join()).toMatch(/wrong.graphql: line 2: Cannot query field "servicez"/);
  });

  test.each([
    ['{', /is not JSON/],
    [[], /one JSON object/],
    [{ abc: document }, /abc is not the SHA-256/],
    [{ abc: 7 }, /abc is no text/],
    [{ [hashOf('{ x }')]: '{ x }' }, /Cannot query field "x"/],
  ])('is refused with the reason: %j', (content, reason) => {
    expect(read(content)).toThrow(reason);
  });

  test('keeps what a subgraph may answer later, and says so, where there may be subgraphs', () => {
    const asksBonn = '{ bonnFairs { title } }';
    const misfits: string[] = [];
    const path = file('bonn.json', { [hashOf(asksBonn)]: asksBonn });
    expect(readPersistedDocuments(path, schema, (hash, complaint) => misfits.push(`${hash} ${complaint}`)).get(hashOf(asksBonn))).toBe(
      asksBonn,
    );
    expect(misfits).toEqual([expect.stringMatching(new RegExp(`^${hashOf(asksBonn)} line 1: Cannot query field "bonnFairs"`))]);
    const source = file('bonn.graphql', asksBonn);
    const graph = file('graph.graphql', 'type Query { bonnFairs: [Fair!]! } type Fair { title: String! }');
    expect(runDocuments([source], { out: join(folder, 'fairs.json'), schema: graph }, () => {})).toBe(0);
    expect(runDocuments([source], {}, () => {})).toBe(1);
  });

  test('that is not there is named', () => {
    expect(() => readPersistedDocuments(join(folder, 'none.json'), schema)).toThrow(/none.json: cannot be read \(ENOENT\)/);
  });
});
