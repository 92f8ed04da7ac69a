import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { startGateway, submit, type Running } from './fixtures/gateway.ts';

let hub: Running | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await hub?.stop();
  hub = undefined;
});

const start = async (...given: Parameters<typeof startGateway>): Promise<Running> => (hub = await startGateway(...given));
const port = () => Number(new URL(hub?.url ?? '').port);

/** A connection that says something and reads only when told. */
function open(text = ''): Socket {
  const socket = connect(port(), '127.0.0.1').on('error', () => {});
  sockets.push(socket);
  socket.pause();
  if (text) socket.write(text);
  return socket;
}
const read = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    socket
      .setEncoding('utf8')
      .on('data', (part) => (text += String(part)))
      .once('close', () => resolve(text))
      .resume();
  });
const connections = () => new Promise<number>((resolve) => hub?.gateway.server.getConnections((_, count) => resolve(count)));

/** The address of the playground's largest file. */
async function largestFile(): Promise<string> {
  const page = await (await fetch(`${hub?.url}/graphiql`)).text();
  return /src="(\/graphiql\/[^"]+\/graphiql\.js)"/.exec(page)?.[1] ?? '';
}

describe('an answer that its caller does not read', () => {
  test('is the same bytes for everybody, however many ask', async () => {
    await start({ server: { connectionsPerAddress: null } });
    const file = await largestFile();
    const size = (await (await fetch(`${hub?.url}${file}`, { headers: { 'accept-encoding': 'identity' } })).arrayBuffer()).byteLength;
    expect(size).toBeGreaterThan(1_000_000);
    const before = process.memoryUsage().arrayBuffers;
    for (let caller = 0; caller < 60; caller += 1) open(`GET ${file} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await expect.poll(connections, { timeout: 10_000 }).toBeGreaterThanOrEqual(60);
    await expect.poll(openRequests, { timeout: 10_000 }).toBe(60);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * size);
  });

  test('is ended when it does not move', async () => {
    await start({ server: { stalledMs: 200 } });
    open(`GET ${await largestFile()} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await expect.poll(openRequests).toBe(1);
    await expect.poll(openRequests, { timeout: 5000 }).toBe(0);
  });
});

/** Requests for files of the playground that are being answered. */
async function openRequests(): Promise<number> {
  const text = await (await fetch(`${hub?.url}/metrics`)).text();
  return Number(/^staedtebund_http_open\{route="\/graphiql\/\*"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

test('a stream in which nothing happens is not ended for that', async () => {
  await start({ server: { stalledMs: 100 } });
  const id = await submit(hub as Running);
  const token = await hub?.issuer.token('citizen');
  const stream = await fetch(`${hub?.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: 'subscription ($id: ID!) { applicationChanged(id: $id) { id status } }', variables: { id } }),
  });
  const reader = stream.body?.getReader();
  const ended = (async () => {
    while (!(await reader?.read())?.done);
    return true;
  })();
  expect(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 700, false))])).toBe(false);
  await reader?.cancel();
});

describe('connections of one address', () => {
  test('beyond the limit are told to come back', async () => {
    await start({ server: { connectionsPerAddress: 3 } });
    for (let caller = 0; caller < 3; caller += 1) open();
    await expect.poll(connections).toBe(3);
    expect(await read(open('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n'))).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: \d/);
    sockets[0]?.destroy();
    await expect.poll(connections).toBe(2);
    expect(await read(open('GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'))).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('are not limited where they are all the proxy’s', async () => {
    await start({ behindProxy: true, server: { connectionsPerAddress: 1 } });
    open();
    await expect.poll(connections).toBe(1);
    expect(await read(open('GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'))).toMatch(/^HTTP\/1\.1 200 /);
  });
});

test('what comes on top of what the hub can do is told to come back at once, over old and new connections alike', async () => {
  await start({ server: { requests: 2 } });
  const counted = Promise.withResolvers<number>();
  (hub as Running).ports.counter = () => counted.promise;
  const question = 'GET /graphql?query={__typename} HTTP/1.1\r\nhost: x\r\n\r\n';
  const busy = [open(question), open(question)];
  await expect.poll(connections).toBe(2);
  await expect.poll(async () => (await hub?.ask('{ __typename }'))?.status).toBe(503);
  const refused = await fetch(`${hub?.url}/graphql?query={__typename}`);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
  expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE', retryable: true } }] });
  expect((await fetch(`${hub?.url}/health/live`)).status).toBe(200);
  counted.resolve(1);
  for (const socket of busy) socket.destroy();
  await expect.poll(async () => (await hub?.ask('{ __typename }'))?.status).toBe(200);
});

test('one caller opens event streams up to a limit, and another is not held up by it', async () => {
  await start({ streamsPerCaller: 2 });
  const id = await submit(hub as Running);
  const stop = new AbortController();
  const subscribe = async (persona: string, signal = stop.signal) =>
    fetch(`${hub?.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${await hub?.issuer.token(persona)}`,
      },
      body: JSON.stringify({ query: 'subscription ($id: ID!) { applicationChanged(id: $id) { id status } }', variables: { id } }),
      signal,
    });
  const leaving = new AbortController();
  const first = await subscribe('citizen', leaving.signal);
  expect([first.status, (await subscribe('citizen')).status]).toEqual([200, 200]);
  const third = await subscribe('citizen');
  expect(third.status).toBe(429);
  expect(await third.json()).toMatchObject({ errors: [{ message: expect.any(String), extensions: { code: 'TOO_MANY_STREAMS' } }] });
  expect((await subscribe('clerk-duesseldorf')).status).toBe(200);
  leaving.abort();
  await expect.poll(async () => (await subscribe('citizen')).status).toBe(200);
  stop.abort();
});

describe('an answer to a query', () => {
  const query = '{ services { nodes { key name } } }';

  test('longer than allowed is not sent', async () => {
    await start({ mostAnswerBytes: 100 });
    for (const as of [undefined, 'citizen']) {
      const { status, body } = await (hub as Running).ask(query, { ...(as && { as }) });
      expect(status).toBe(400);
      expect(body).toMatchObject({ errors: [{ message: expect.stringContaining('100'), extensions: { code: 'LIMIT_EXCEEDED' } }] });
    }
  });

  test('of a usual length is', async () => {
    await start();
    expect((await (hub as Running).ask(query)).status).toBe(200);
  });
});

test('the playground can be switched off', async () => {
  await start({ playground: false });
  expect((await fetch(`${hub?.url}/graphiql`)).status).toBe(404);
});

describe('how the hub is doing', () => {
  const get = (path: string, headers: Record<string, string> = {}) => fetch(`${hub?.url}${path}`, { headers });

  test('is told on its own machine, not to other sites and not through a proxy', async () => {
    await start();
    const metrics = await get('/metrics');
    expect([metrics.status, metrics.headers.get('access-control-allow-origin')]).toEqual([200, null]);
    expect((await get('/metrics', { 'x-forwarded-for': '203.0.113.7' })).status).toBe(401);
    expect(await (await get('/health/ready')).json()).toHaveProperty('cities');
    const outside = await get('/health/ready', { 'x-forwarded-for': '203.0.113.7' });
    expect([outside.status, await outside.json()]).toEqual([200, { status: 'UP' }]);
  });

  test('is told to who has the token, and to nobody else', async () => {
    await start({ operationsToken: 'a-token-of-the-operators' });
    const as = { authorization: 'Bearer a-token-of-the-operators', 'x-forwarded-for': '203.0.113.7' };
    expect((await get('/metrics', as)).status).toBe(200);
    expect((await get('/metrics')).status).toBe(401);
    expect((await get('/metrics', { authorization: 'Bearer a-token-of-the-operator' })).status).toBe(401);
    expect(await (await get('/health/ready')).json()).toEqual({ status: 'UP' });
    expect(await (await get('/health/ready', as)).json()).toHaveProperty('store');
  });
});
