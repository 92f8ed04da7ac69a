import { connect, createServer, type AddressInfo } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { Fault, FaultName } from '../../src/conformance/faults.ts';
import { addressOf, startProxy, Turns, type Proxy } from '../../src/conformance/proxy/proxy.ts';
import { createStack } from '../kit/stack.ts';

const opened = createStack();

/** An HTTP server that counts what reaches it, links to itself, and a proxy before it. */
async function overHttp(options: { tlsExpired?: boolean } = {}) {
  let reached = 0;
  const server = createHttpServer((request, response) => {
    reached++;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ path: request.url, next: `${url}/next`, host: request.headers.host }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  opened({ close: () => new Promise<void>((resolve) => (server.closeAllConnections(), server.close(() => resolve()))) });
  const turns = new Turns();
  const proxy = opened(await startProxy(`${url}/base`, turns, options));
  return { url, turns, proxy, set: settingOf(turns, proxy), reached: () => reached };
}

const settingOf = (turns: Turns, proxy: Proxy) => async (fault: Fault | null) => {
  turns.set(fault);
  await proxy.follow();
};

const ask = async (url: string, init: RequestInit = {}): Promise<{ status: number; text: string } | { broken: string }> => {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(500) });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return { broken: cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown' };
  }
};

describe('in front of HTTP', () => {
  test('the path stays, and addresses of the back office lead through the proxy', async () => {
    const { proxy, url } = await overHttp();
    expect(proxy.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/base$/);
    const origin = new URL(proxy.url).origin;
    expect(await ask(`${proxy.url}/a?b=c`)).toEqual({
      status: 200,
      text: JSON.stringify({ path: '/base/a?b=c', next: `${origin}/next`, host: new URL(url).host }),
    });
  });

  test.each<[FaultName, reaches: number, outcome: object]>([
    ['refused', 0, { broken: 'ECONNREFUSED' }],
    ['timeout', 0, { broken: '23' }],
    ['slow-drip', 1, { broken: '23' }],
    ['reset', 0, { broken: 'ECONNRESET' }],
    ['lost-reply', 1, { broken: 'ECONNRESET' }],
    ['cut-body', 1, { broken: 'UND_ERR_SOCKET' }],
    ['500', 1, { status: 500, text: 'Internal Server Error' }],
    ['502-html', 1, { status: 502, text: expect.stringContaining('<h1>') as string }],
    ['503-retry-after', 0, { status: 503, text: expect.any(String) as string }],
    ['429', 0, { status: 429, text: expect.any(String) as string }],
    ['html-login-page-with-200', 0, { status: 200, text: expect.stringContaining('password') as string }],
    ['wrong-shape', 1, { status: 200, text: '{"unexpected":true}' }],
    ['empty-200', 1, { status: 200, text: '' }],
    ['401-midway', 0, { status: 401, text: expect.any(String) as string }],
    ['echo', 0, { status: 400, text: expect.stringContaining('POST /base/x') as string }],
  ])('%s reaches it %i times', async (name, reaches, outcome) => {
    const { proxy, set, reached, turns } = await overHttp();
    await set({ name });
    expect(await ask(`${proxy.url}/x`, { method: 'POST', body: 'geheim' })).toEqual(outcome);
    expect(reached()).toBe(reaches);
    const seen = { method: 'POST', path: '/base/x', fault: name, reached: reaches === 1 };
    expect(turns.exchanges()).toMatchObject(name === 'refused' ? [] : [seen]);
    await set(null);
    expect(await ask(`${proxy.url}/x`)).toMatchObject({ status: 200 });
  });

  test('a fault hits the exchanges it is aimed at', async () => {
    const { proxy, set } = await overHttp();
    await set({ name: '500', from: 2, times: 1 });
    const statuses = [];
    for (let turn = 0; turn < 3; turn++) statuses.push(((await ask(proxy.url)) as { status: number }).status);
    expect(statuses).toEqual([200, 500, 200]);
    await set({ name: '500', writesOnly: true });
    expect([await ask(proxy.url), await ask(proxy.url, { method: 'PUT' })]).toMatchObject([{ status: 200 }, { status: 500 }]);
  });

  test('an expired certificate is met as one', async () => {
    const { proxy } = await overHttp({ tlsExpired: true });
    expect(proxy.url).toMatch(/^https:/);
    expect(await ask(proxy.url)).toEqual({ broken: 'CERT_HAS_EXPIRED' });
  });
});

/** A server that greets and answers each line, and a proxy before it. */
async function overTcp() {
  const lines: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('hello\n');
    socket.on('data', (chunk) => {
      lines.push(chunk.toString().trim());
      socket.write(`answer to ${chunk.toString()}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened({ close: () => new Promise<void>((resolve) => void server.close(() => resolve())) });
  const turns = new Turns();
  const proxy = opened(await startProxy(`postgres://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}/db`, turns));
  return { turns, proxy, set: settingOf(turns, proxy), lines };
}

/** What a client hears that says one line after the other. */
const converse = (proxy: Proxy, said: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    const { host, port } = addressOf(proxy.url);
    const socket = connect({ host, port });
    const rest = [...said];
    let heard = '';
    const end = () => (clearTimeout(patience), socket.destroy(), resolve(heard));
    const patience = setTimeout(end, 600);
    socket.on('error', (error: NodeJS.ErrnoException) => ((heard += `[${error.code ?? ''}]`), end()));
    socket.on('close', end);
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      if (!heard.endsWith('\n')) return;
      const next = rest.shift();
      if (next === undefined) end();
      else socket.write(`${next}\n`);
    });
  });

describe('in front of any other protocol', () => {
  test('credentials and path of the URL stay', async () => {
    const { proxy } = await overTcp();
    expect(proxy.url).toMatch(/^postgres:\/\/user:secret@127\.0\.0\.1:\d+\/db$/);
  });

  test.each<[FaultName, heard: RegExp, reached: string[]]>([
    ['refused', /^\[ECONNREFUSED\]$/, []],
    ['timeout', /^hello\nanswer to one\n$/, ['one']],
    ['reset', /^hello\nanswer to one\n\[ECONNRESET\]$/, ['one']],
    ['lost-reply', /^hello\nanswer to one\n\[ECONNRESET\]$/, ['one', 'two']],
    ['cut-body', /^hello\nanswer to one\nanswer $/, ['one', 'two']],
    ['slow-drip', /^hello\nanswer to one\nan?s?w?e?r?$/, ['one', 'two']],
  ])('%s at the second exchange', async (name, heard, reached) => {
    const { proxy, set, lines } = await overTcp();
    await set({ name, ...(name === 'refused' ? {} : { from: 2 }) });
    expect(await converse(proxy, ['one', 'two'])).toMatch(heard);
    expect(lines).toEqual(reached);
    await set(null);
    expect(await converse(proxy, ['three'])).toBe('hello\nanswer to three\n');
  });
});
