import { Agent, request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type Running } from './fixtures/gateway.ts';

let hub: Running;
let token: string;
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

beforeAll(async () => {
  hub = await startGateway({ rateLimit: null });
  token = await hub.issuer.token('citizen');
});
afterAll(async () => {
  agent.destroy();
  await hub.stop();
});

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

interface Answered {
  readonly status: number;
  readonly text: string;
}

/** Sends bytes as they are: fetch would put some of them right. */
const send = ({ method, path, headers, body }: Sent): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest(hub.url + path, { method, headers: { ...headers, 'content-length': body.byteLength }, agent, timeout: 5000 });
    sent
      .on('timeout', () => sent.destroy(new Error(`no answer within 5 s to ${method} ${path} ${body.toString('latin1').slice(0, 300)}`)))
      .on('error', reject)
      .on('response', (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (part) => (text += String(part)))
          .on('end', () => resolve({ status: response.statusCode ?? 0, text }))
          .on('error', reject);
      })
      .end(body);
  });

const words = [
  'services',
  'service',
  'node',
  'competence',
  'application',
  'viewer',
  'offers',
  'edges',
  'first',
  'id',
  '__typename',
  '__schema',
  'on',
  'Problem',
  'fragment',
  'query',
  'mutation',
  'subscription',
  'submitApplication',
  'input',
  '{',
  '}',
  '(',
  ')',
  ':',
  '$',
  '!',
  '[',
  ']',
  '...',
  '@include',
  '@skip(if: true)',
  '"',
  '"""',
  '\\u0000',
  '99108001001000',
  '1e309',
  '-0',
  '2147483648',
  'null',
  'true',
  '#',
  ',',
  '\uFEFF',
  '|',
  '&',
  '=',
];

const document = fc.oneof(
  fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((parts) => parts.join(' ')),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.integer({ min: 1, max: 3000 }).map((depth) => '{a'.repeat(depth)),
  fc.integer({ min: 1, max: 3000 }).map((count) => `{${'__typename '.repeat(count)}}`),
  fc
    .integer({ min: 1, max: 500 })
    .map((count) => `{${Array.from({ length: count }, (_, index) => `a${index}: services(first: 100) { totalCount }`).join(' ')}}`),
  fc.constantFrom(
    'query a { __typename } query a { __typename }',
    'fragment a on Service { ...a } { services { edges { node { ...a } } } }',
    'query ($a: Int = $b, $b: Int = $a) { services(first: $a) { totalCount } }',
    'subscription { applicationChanged(id: "x") { id } }',
    'subscription { a: applicationChanged(id: "x") { id } b: applicationChanged(id: "y") { id } }',
    'mutation { submitApplication(input: {}) { __typename } }',
    '{ services(search: "break") { totalCount } }',
    '{ municipality(ars: "constructor") { name } }',
    '{ service(key: "__proto__") { name } }',
  ),
);

const json = fc.oneof(
  fc.jsonValue({ maxDepth: 6 }),
  fc.constantFrom('__proto__', 'constructor', { toString: 1 }, JSON.parse('{"__proto__":{"x":1}}') as unknown),
);

const operation = fc.record(
  {
    query: fc.oneof({ weight: 6, arbitrary: document }, { weight: 1, arbitrary: json }),
    variables: json,
    operationName: fc.oneof(fc.string(), json),
    extensions: json,
    unknown: json,
  },
  { requiredKeys: [] },
);

/** Variables of every form for an operation that takes the largest input there is. */
const submission = fc
  .record(
    { service: json, place: json, formRevision: json, applicant: json, formData: json, idempotencyKey: json, channel: json, extra: json },
    { requiredKeys: [] },
  )
  .map((input) => ({
    query: 'mutation ($input: SubmitApplicationInput!) { submitApplication(input: $input) { __typename } }',
    variables: { input },
  }));

const body = fc.oneof(
  { weight: 5, arbitrary: operation.map((value) => Buffer.from(JSON.stringify(value))) },
  { weight: 3, arbitrary: submission.map((value) => Buffer.from(JSON.stringify(value))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 100_000 }).map((depth) => Buffer.from('['.repeat(depth))) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 20_000 })
      .map((depth) => Buffer.from(`{"query":"{ __typename }","variables":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`)),
  },
  { weight: 1, arbitrary: operation.map((value) => Buffer.from(JSON.stringify(value)).subarray(0, -3)) },
  { weight: 1, arbitrary: fc.array(operation, { maxLength: 3 }).map((value) => Buffer.from(JSON.stringify(value))) },
);

const printable = fc.string({
  unit: fc.constantFrom(...Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))),
  maxLength: 60,
});

const hostile: fc.Arbitrary<Sent> = fc.record({
  method: fc.oneof(
    { weight: 12, arbitrary: fc.constant('POST') },
    { weight: 1, arbitrary: fc.constantFrom('PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND') },
  ),
  path: fc.oneof(
    { weight: 10, arbitrary: fc.constant('/graphql') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '/hooks/duesseldorf/cases',
        '/hooks/../x',
        '/graphql?query=%',
        '/graphql?query=%7B__typename%7D',
        '/graphql/../metrics',
      ),
    },
  ),
  headers: fc.record(
    {
      'content-type': fc.oneof(
        { weight: 10, arbitrary: fc.constantFrom('application/json', 'application/graphql+json', 'application/json; charset=utf-16') },
        { weight: 1, arbitrary: printable },
      ),
      accept: fc.oneof(
        fc.constantFrom(
          '*/*',
          'application/graphql-response+json',
          'text/event-stream',
          'multipart/mixed',
          'text/event-stream, multipart/mixed;q=0.1',
          'application/json; charset=x',
        ),
        printable,
      ),
      authorization: fc.oneof({ weight: 3, arbitrary: fc.constant('token') }, { weight: 1, arbitrary: printable }),
      'x-request-id': printable,
      traceparent: printable,
      'accept-language': printable,
    },
    { requiredKeys: ['content-type'] },
  ),
  body,
});

/** What must never leave the hub: stacks, file names, statements, secrets of the sample. */
const leaks = /\bat .+\.[jt]s:\d+|node_modules|\/src\/|SELECT |vault|ECONN/;

describe('hostile requests', () => {
  test('5,000 of them: each is answered, none with a server error, nothing of the inside shows', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 25, maxLength: 25 }), async (batch) => {
        const answers = await Promise.all(
          batch.map((sent) =>
            send({
              ...sent,
              headers: { ...sent.headers, ...(sent.headers['authorization'] === 'token' && { authorization: `Bearer ${token}` }) },
            }),
          ),
        );
        answers.forEach(({ status, text }, index) => {
          const what = `${batch[index]?.method} ${batch[index]?.path} ${batch[index]?.body.toString('latin1').slice(0, 400)} → ${status} ${text.slice(0, 400)}`;
          expect(status, `answer to ${what}`).toBeGreaterThanOrEqual(200);
          expect(status, `answer to ${what}`).toBeLessThan(500);
          expect(leaks.test(text), `answer to ${what}`).toBe(false);
        });
      }),
      { numRuns: 200, endOnFailure: true },
    );
    expect((await send({ method: 'GET', path: '/health/live', headers: {}, body: Buffer.alloc(0) })).status).toBe(200);
    const unexpected = hub.lines.filter(({ level, facts }) => level === 'error' && !String(facts['err']).includes('vault'));
    expect(unexpected, 'hostile input must end in a refusal, never in an unexpected error').toEqual([]);
  });
});
