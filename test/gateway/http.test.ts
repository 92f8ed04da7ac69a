import { request } from 'node:http';
import { connect } from 'node:net';
import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { publicCodes } from '../../src/gateway/errors.ts';
import { startGateway, type Running } from './fixtures/gateway.ts';

let hub: Running;

beforeAll(async () => {
  hub = await startGateway({}, new Set(['neuss']));
});
afterAll(() => hub.stop());
beforeEach(() => {
  hub.lines.length = 0;
  Object.assign(hub.ports, { store: true, cache: true, bus: true, counter: 1 });
});

const post = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  fetch(`${hub.url}/graphql`, { method: 'POST', body, headers });

describe('GraphQL over HTTP', () => {
  test.each(serverAudits({ url: () => `${hub.url}/graphql` }).map((audit) => [audit.name, audit] as const))('%s', async (_, audit) => {
    const result = await audit.fn();
    expect(result.status, `reason: ${'reason' in result ? result.reason : 'none'}`).toBe('ok');
  });

  test('a query by GET', async () => {
    const response = await fetch(`${hub.url}/graphql?query=${encodeURIComponent('{ municipality(ars: "051110000000") { name } }')}`);
    expect(await response.json()).toMatchObject({ data: { municipality: { name: 'Düsseldorf' } } });
    expect(response.headers.get('cache-control')).toBe('private, no-store');
  });

  test.each(['variables=x', 'variables=%7B', 'variables=&extensions=x', 'variables={}&extensions={"a":'])(
    'a GET with %s is refused as any other bad request',
    async (given) => {
      const response = await fetch(`${hub.url}/graphql?query={__typename}&${given}`);
      const { errors } = (await response.json()) as { errors: object[] };
      expect([response.status, errors]).toMatchObject([400, [{ extensions: { code: 'BAD_REQUEST', requestId: expect.any(String) } }]]);
    },
  );

  test('no mutation by GET', async () => {
    const mutation = 'mutation { withdrawApplication(input: { id: "x", reason: "" }) { __typename } }';
    const response = await fetch(`${hub.url}/graphql?query=${encodeURIComponent(mutation)}`);
    expect(response.status).toBe(405);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    'application/jsonx',
  ])('a body of type %s, which other sites can send without asking, is refused', async (type) => {
    const response = await post('{"query":"{ __typename }"}', { 'content-type': type });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' } }] });
  });

  test('other sites may ask, without cookies', async () => {
    const preflight = await fetch(`${hub.url}/graphql`, { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('batches are refused', async () => {
    const response = await post(JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }]));
    expect(response.status).toBe(400);
  });
});

describe('the size of a body', () => {
  const large = JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(300_000) } });

  test('too large a body is refused with a typed error', async () => {
    const response = await post(large);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BODY_TOO_LARGE', requestId: expect.any(String) } }] });
  });

  test('even if it does not say how long it is', async () => {
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < large.length; at += 10_000) controller.enqueue(new TextEncoder().encode(large.slice(at, at + 10_000)));
        controller.close();
      },
    });
    const init: RequestInit & { duplex: 'half' } = {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    };
    expect((await fetch(`${hub.url}/graphql`, init)).status).toBe(413);
  });

  test('webhooks have the same bound', async () => {
    expect((await fetch(`${hub.url}/hooks/duesseldorf/cases`, { method: 'POST', body: large })).status).toBe(413);
  });
});

describe('one id finds a request everywhere', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

  test('its own, where it is well formed', async () => {
    const { headers, body } = await hub.ask('{ __typename }', { headers: { 'x-request-id': 'portal-4711' } });
    expect(headers.get('x-request-id')).toBe('portal-4711');
    expect(body.extensions.requestId).toBe('portal-4711');
    await expect.poll(() => hub.lines.map(({ facts }) => facts['requestId'])).toContain('portal-4711');
  });

  test('the id of its trace, which also reaches the back office', async () => {
    const { body } = await hub.ask('{ __typename }', { headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } });
    expect(body.extensions.requestId).toBe(trace);
  });

  test.each(['short', 'x'.repeat(65), 'line break', '<script>alert(1)</script>', 'ünïcödë-id'])('not %s', async (id) => {
    const { headers } = await hub.ask('{ __typename }', { headers: { 'x-request-id': id } });
    expect(headers.get('x-request-id')).toMatch(/^[\da-f]{32}$/);
  });

  test('errors carry it too', async () => {
    const { body } = await hub.ask('{ nothing }', { headers: { 'x-request-id': 'portal-4712' } });
    expect(body.errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST', requestId: 'portal-4712' } }]);
  });
});

describe('the log and the figures', () => {
  test('one line per request says what ran and how it ended, never what a citizen wrote', async () => {
    await hub.ask('query Secret($search: String) { services(search: $search) { totalCount } }', {
      variables: { search: 'Erika Mustermann' },
    });
    await expect.poll(() => hub.lines.length).toBe(1);
    expect(hub.lines[0]?.facts).toMatchObject({ route: '/graphql', status: 200, operation: 'Secret', kind: 'query', code: null });
    expect(JSON.stringify(hub.lines)).not.toContain('Erika');
  });

  test('/metrics speaks Prometheus, and no path a caller invents becomes a label', async () => {
    await fetch(`${hub.url}/invented/${'x'.repeat(50)}`);
    await fetch(`${hub.url}/hooks/secret-in-path/x/y`, { method: 'POST' });
    await expect.poll(() => hub.lines.length).toBe(2);
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    expect(text).toMatch(/^staedtebund_http_request_seconds_count\{route="none",method="GET",status="4xx"\} \d+$/m);
    expect(text).not.toContain('invented');
    expect(text).not.toContain('secret-in-path');
    expect(JSON.stringify(hub.lines)).not.toContain('secret-in-path');
  });
});

describe('health', () => {
  const ready = async () => {
    const response = await fetch(`${hub.url}/health/ready`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test('live while the process answers', async () => {
    hub.ports.store = false;
    expect((await fetch(`${hub.url}/health/live`)).status).toBe(200);
  });

  test('a dead city, a hanging one, no cache and no bus are told and change nothing', async () => {
    Object.assign(hub.ports, { cache: 'hangs', bus: false });
    expect(await ready()).toEqual({
      status: 200,
      body: {
        status: 'UP',
        store: 'UP',
        cache: 'DOWN',
        bus: 'DOWN',
        cities: [
          { city: 'duesseldorf', adapters: [{ adapter: 'cases', state: 'DOWN' }] },
          { city: 'neuss', adapters: 'UNKNOWN' },
        ],
      },
    });
  });

  test('without its store the hub is not ready', async () => {
    hub.ports.store = false;
    expect(await ready()).toMatchObject({ status: 503, body: { status: 'DOWN', store: 'DOWN' } });
  });
});

describe('the rate limit', () => {
  test('who asks too often waits', async () => {
    hub.ports.counter = 6001;
    const response = await post('{"query":"{ __typename }"}');
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED', retryable: true } }] });
  });

  test('who sends forged tokens too often waits as well', async () => {
    hub.ports.counter = 6001;
    const response = await post('{"query":"{ __typename }"}', { 'content-type': 'application/json', authorization: 'Bearer a.b.c' });
    expect(response.status).toBe(429);
  });

  test('nobody waits for a cache that is away', async () => {
    hub.ports.counter = null;
    expect((await post('{"query":"{ __typename }"}')).status).toBe(200);
  });
});

describe('the other places', () => {
  test('/ tells people and programs where to look', async () => {
    const page = await fetch(hub.url, { headers: { accept: 'text/html' } });
    const text = await page.text();
    expect(text).toContain('Eine Schnittstelle zu den Verwaltungsleistungen vieler Städte');
    expect(text).toContain('One API to the public services of many cities');
    expect(await (await fetch(hub.url)).json()).toMatchObject({ en: { '/graphql': expect.any(String) } });
  });

  test('/schema.graphql is the whole schema', async () => {
    const text = await (await fetch(`${hub.url}/schema.graphql`)).text();
    expect(text).toContain('type Competence {');
    expect(text).toContain('submitApplication(');
  });

  test('helpUrl leads to the page of its code', async () => {
    const { body } = await hub.ask('{ competence(service: "1", place: { ags: "1" }) { ... on Problem { code helpUrl } } }');
    const { code, helpUrl } = body.data.competence as { code: string; helpUrl: string };
    expect(helpUrl).toBe(`https://hub.example/problems/${code}`);
    expect(await (await fetch(`${hub.url}${new URL(helpUrl).pathname}`)).text()).toContain(`<h1><code>${code}</code></h1>`);
  });

  test('/problems has every code, and each a page of its own with whole texts in both languages', async () => {
    const overview = await (await fetch(`${hub.url}/problems`)).text();
    const listed = [...overview.matchAll(/<dt id="(\w+)"/g)].map(([, code]) => code ?? '');
    expect(listed).toEqual(expect.arrayContaining([...publicCodes]));
    expect(overview).not.toMatch(/[…{}]\s*(?:ist|gehört|is|belongs)|–\.|: –|\{\w+\}/);
    for (const code of listed) {
      const response = await fetch(`${hub.url}/problems/${code}`);
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('lang="en"');
    }
    expect((await fetch(`${hub.url}/problems/NO_SUCH_CODE`)).status).toBe(404);
    expect((await fetch(`${hub.url}/problems/constructor`)).status).toBe(404);
  });

  test('/graphql leads a browser to the playground, with its question', async () => {
    const browser = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }, redirect: 'manual' } as const;
    const response = await fetch(`${hub.url}/graphql`, browser);
    expect([response.status, response.headers.get('location')]).toEqual([303, '/graphiql']);
    expect((await fetch(`${hub.url}/graphql?query=%7B__typename%7D`, { headers: { accept: 'application/json' } })).status).toBe(200);
  });

  test('where there is no playground, it leads to the start page, which does not name one', async () => {
    const bare = await startGateway({ playground: false });
    try {
      const page = await fetch(`${bare.url}/graphql`, { headers: { accept: 'text/html' } });
      expect([page.status, page.url]).toEqual([200, `${bare.url}/`]);
      expect(await page.text()).not.toContain('graphiql');
      expect(Object.keys(((await (await fetch(bare.url)).json()) as { de: object }).de)).not.toContain('/graphiql');
      expect(await (await fetch(hub.url, { headers: { accept: 'text/html' } })).text()).toContain('/graphiql');
    } finally {
      await bare.stop();
    }
  });

  const refused = 'mutation { withdrawApplication(input: { id: "x", reason: "moved" }) { __typename } }';
  test.each<[string, RequestInit, string]>([
    ['of a document that does not fit', { method: 'POST', body: '{"query":"{ nope }"}' }, 'BAD_REQUEST'],
    ['of a resolver', { method: 'POST', body: JSON.stringify({ query: refused }) }, 'UNAUTHENTICATED'],
    ['of a hash', { method: 'POST', body: '{"extensions":{"persistedQuery":{"sha256Hash":"0"}}}' }, 'PERSISTED_QUERY_NOT_FOUND'],
    ['of a method', { method: 'PUT', body: '{}' }, 'METHOD_NOT_ALLOWED'],
  ])('an error says where its code is explained: %s', async (_, init, code) => {
    const response = await fetch(`${hub.url}/graphql`, { ...init, headers: { 'content-type': 'application/json' } });
    const { errors } = (await response.json()) as { errors: readonly { extensions: { helpUrl: string; code: string } }[] };
    expect(errors[0]?.extensions).toMatchObject({ code, helpUrl: `https://hub.example/problems/${code}` });
    expect((await fetch(`${hub.url}/problems/${code}`)).status).toBe(200);
  });

  test('/hooks hands a notification to the applications, with what follows the adapter in the path', async () => {
    const response = await fetch(`${hub.url}/hooks/duesseldorf/cases/s3cret`, {
      method: 'POST',
      body: '12345',
      headers: { 'x-hub-path': 'forged' },
    });
    expect(await response.text()).toBe('cases 5 s3cret');
    const bare = await fetch(`${hub.url}/hooks/duesseldorf/cases`, { method: 'POST', body: '12345', headers: { 'x-hub-path': 'forged' } });
    expect(await bare.text()).toBe('cases 5 ');
    expect((await fetch(`${hub.url}/hooks/nowhere/cases`, { method: 'POST' })).status).toBe(404);
  });

  test.each(['/nothing', '/graphql/x', '/.env', '//graphql', '/%00', '/hooks/'])('%s is not found, in JSON', async (path) => {
    const response = await fetch(hub.url + path);
    expect([404, 405]).toContain(response.status);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { requestId: expect.any(String) } }] });
  });

  test('what is no HTTP at all is answered and closed', async () => {
    const { port } = new URL(hub.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.end('\u0000\u0001nonsense\r\n\r\n'));
      let text = '';
      socket.setEncoding('utf8').on('data', (part) => (text += String(part)));
      socket.once('end', () => resolve(text)).once('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('GraphiQL', () => {
  const pathsOf = (html: string) => [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] as string);

  test('loads from the hub alone, and says so to the browser', async () => {
    const response = await fetch(`${hub.url}/graphiql`);
    const html = await response.text();
    expect(html).not.toMatch(/https?:|\/\/[a-z]/);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe-eval|https?:|\*/);
    expect(policy.match(/script-src [^;]*/)?.[0]).not.toContain('unsafe-inline');
    for (const path of pathsOf(html).filter((entry) => entry !== 'data:,')) {
      const asset = await fetch(hub.url + path);
      expect(asset.status, `asset ${path}`).toBe(200);
      await asset.arrayBuffer();
    }
  });

  test('its start script names workers that are there', async () => {
    const html = await (await fetch(`${hub.url}/graphiql`)).text();
    const start = pathsOf(html).find((path) => path.endsWith('start.js')) as string;
    const script = await (await fetch(hub.url + start)).text();
    const workers = [...script.matchAll(/'([a-z]+\.worker\.js)'/g)].map((match) => match[1] as string);
    expect(workers).toHaveLength(3);
    for (const worker of workers) {
      const response = await fetch(`${hub.url}${start.replace('start.js', worker)}`);
      expect(response.status, `worker ${worker}`).toBe(200);
      expect(response.headers.get('cache-control')).toContain('immutable');
      await response.arrayBuffer();
    }
    expect(script).not.toMatch(/https?:\/\//);
  });

  test('its style sheet fetches nothing from elsewhere', async () => {
    const html = await (await fetch(`${hub.url}/graphiql`)).text();
    const sheet = await (await fetch(hub.url + (pathsOf(html).find((path) => path.endsWith('.css')) as string))).text();
    expect([...sheet.matchAll(/url\(["']?(?!data:)([^)]{0,60})/g)].map((match) => match[1])).toEqual([]);
    expect(sheet).not.toContain('@import');
  });

  test('its examples are valid operations', async () => {
    const { examples } = await import('../../src/gateway/http/examples.ts');
    for (const { query, variables, title } of examples) {
      const { body } = await hub.ask(query, { as: 'citizen', variables: variables ? JSON.parse(variables) : undefined });
      expect(body.errors, `example ${title}`).toBeUndefined();
    }
  });
});

describe('whatever is refused, the answer has a request id and tells nothing of the inside', () => {
  const post = (body: string, headers: Record<string, string> = {}) => ({
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  test.each([
    ['no JSON', post('{'), 400],
    ['an empty body', post(''), 400],
    ['a list', post('[]'), 400],
    ['a text', post('"a"'), 400],
    ['null', post('null'), 400],
    ['no query', post('{}'), 400],
    ['a query that is none', post('{"query":1}'), 400],
    ['an unknown parameter', post('{"query":"{ __typename }","more":1}'), 400],
    ['variables that are a list', post('{"query":"{ __typename }","variables":[]}'), 400],
    ['variables that are a text', post('{"query":"{ __typename }","variables":"a"}'), 400],
    ['extensions that are none', post('{"query":"{ __typename }","extensions":1}'), 400],
    ['an operation name that is none', post('{"query":"{ __typename }","operationName":1}'), 400],
    ['a document that does not parse', post('{"query":"{"}'), 400],
    ['a document that does not fit', post('{"query":"{ nope }"}'), 400],
    ['a hash that nobody knows', post('{"documentId":"00"}'), 404],
    ['two Authorization headers', null, 400],
    ['an empty Authorization header before another', null, 400],
    ['one Authorization header, which is empty', null, 400],
  ])('%s', async (name, init, expected) => {
    const send = async (): Promise<{ status: number; text: string }> => {
      if (init) {
        const response = await fetch(`${hub.url}/graphql`, {
          ...init,
          headers: { ...init.headers, accept: 'application/graphql-response+json' },
        });
        return { status: response.status, text: await response.text() };
      }
      const first = name.startsWith('two') ? 'Bearer a' : '';
      return new Promise((resolve, reject) => {
        const sent = request(
          `${hub.url}/graphql`,
          {
            method: 'POST',
            headers: [
              'host',
              'hub',
              'content-length',
              '26',
              'content-type',
              'application/json',
              'authorization',
              first,
              ...(name.startsWith('one') ? [] : ['authorization', 'Bearer b']),
            ],
          },
          (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (part: string) => (text += part));
            response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
          },
        );
        sent.once('error', reject).end('{"query":"{ __typename }"}');
      });
    };
    const { status, text } = await send();
    expect(status, text).toBe(expected);
    expect(text).not.toMatch(/originalError|stack/);
    for (const error of (JSON.parse(text) as { errors: { extensions: object }[] }).errors)
      expect(error.extensions).toEqual(expect.objectContaining({ requestId: expect.any(String), code: expect.any(String) }));
  });
});
