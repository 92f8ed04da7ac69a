import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startGateway, submit, type Reply, type Running } from './fixtures/gateway.ts';

let hub: Running;
let id: string;
let reference: string;

beforeEach(async () => {
  hub = await startGateway();
  id = await submit(hub);
  const { body } = await hub.ask('query ($id: ID!) { application(id: $id) { receipt { reference } } }', {
    variables: { id },
    as: 'citizen',
  });
  reference = body.data.application.receipt.reference as string;
});
afterEach(() => hub.stop());

/** Opens a subscription and reads it event by event; `within` is the status of the application of its case. */
async function follow(
  signal?: AbortSignal,
  query = 'subscription Follow($id: ID!) { applicationChanged(id: $id) { id status } }',
  token?: string,
) {
  const response = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token ?? (await hub.issuer.token('citizen'))}`,
      'x-request-id': 'following-1',
    },
    body: JSON.stringify({ query, variables: { id: query.includes('caseChanged') ? reference : id } }),
    ...(signal && { signal }),
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  return {
    response,
    /** The next event's name and payload; null at the end of the stream. */
    next: async (): Promise<{ event: string; status?: string; requestId?: string; within?: string; code?: string } | null> => {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end >= 0) {
          const block = text.slice(0, end);
          text = text.slice(end + 2);
          const event = /^event: (\w+)$/m.exec(block)?.[1];
          if (!event) continue; // a comment that keeps the connection open
          const payload = /^data: (.+)$/m.exec(block)?.[1];
          const parsed: Reply['body'] = payload ? JSON.parse(payload) : null;
          const { applicationChanged, caseChanged } = parsed?.data ?? {};
          const within = (applicationChanged?.case ?? caseChanged)?.application?.status as string | undefined;
          const code = parsed?.errors?.[0].extensions.code as string | undefined;
          const { status } = applicationChanged ?? {};
          return { event, status, requestId: parsed?.extensions?.requestId, ...(within && { within }), ...(code && { code }) };
        }
        const { done, value } = await reader.read();
        if (done) return null;
        text += decoder.decode(value, { stream: true });
      }
    },
  };
}

/** When a token ends, in epoch milliseconds. */
const expiryOf = (token: string): number =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }).exp * 1000;

describe('applicationChanged over SSE', () => {
  test('tells each change as it happens, under the id of its request', async () => {
    const stream = await follow();
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
    expect(await stream.next()).toEqual({ event: 'next', status: 'SUBMITTED', requestId: 'following-1' });
    hub.applications.move(reference, 'DELIVERED');
    expect(await stream.next()).toMatchObject({ status: 'DELIVERED' });
    hub.applications.move(reference, 'IN_REVIEW');
    expect(await stream.next()).toMatchObject({ status: 'IN_REVIEW' });
  });

  test.each([
    'subscription ($id: ID!) { applicationChanged(id: $id) { case { application { status } } } }',
    'subscription ($id: ID!) { caseChanged(id: $id) { application { status } } }',
  ])('what is reached from it is as it is then: %s', async (query) => {
    const stream = await follow(undefined, query);
    expect(await stream.next()).toMatchObject({ within: 'SUBMITTED' });
    hub.applications.move(reference, 'DELIVERED');
    expect(await stream.next()).toMatchObject({ within: 'DELIVERED' });
  });

  test('a caller who leaves is not watched for any longer', async () => {
    const leaving = new AbortController();
    const stream = await follow(leaving.signal);
    await stream.next();
    expect(hub.applications.watchers()).toBe(1);
    leaving.abort();
    await expect.poll(() => hub.applications.watchers()).toBe(0);
    await expect.poll(() => hub.lines.some(({ facts }) => facts['kind'] === 'subscription' && facts['operation'] === 'Follow')).toBe(true);
  });

  test.each([
    'subscription ($id: ID!) { applicationChanged(id: $id) { id status } }',
    'subscription ($id: ID!) { caseChanged(id: $id) { id } }',
  ])('when the token of who follows ends, so does the stream, and says why: %s', async (query) => {
    const token = await hub.issuer.token('citizen', 2);
    const stream = await follow(undefined, query, token);
    expect(await stream.next()).toMatchObject({ event: 'next' });
    expect(await stream.next()).toMatchObject({ event: 'next', code: 'UNAUTHENTICATED' });
    expect(Date.now()).toBeGreaterThanOrEqual(expiryOf(token));
    expect(await stream.next()).toMatchObject({ event: 'complete' });
    expect(await stream.next()).toBeNull();
    await expect.poll(() => hub.applications.watchers()).toBe(0);
  });

  test('when the hub stops, the stream is completed, not cut', async () => {
    const stream = await follow();
    await stream.next();
    const stopped = hub.gateway.stop(5000);
    expect(await stream.next()).toMatchObject({ event: 'complete' });
    expect(await stream.next()).toBeNull();
    await stopped;
    expect(hub.applications.watchers()).toBe(0);
  });
});

describe('stopping', () => {
  test('a request that is running is answered, later ones find nobody', async () => {
    const running = hub.ask('{ __typename }');
    const body = JSON.stringify({ query: '{ __typename }' });
    // A body that arrives in two halves: the request has begun when the hub stops.
    let finish = () => {};
    const slow = fetch(`${hub.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      duplex: 'half',
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(body.slice(0, 5)));
          finish = () => {
            controller.enqueue(new TextEncoder().encode(body.slice(5)));
            controller.close();
          };
        },
      }),
    } as RequestInit & { duplex: 'half' });
    expect((await running).status).toBe(200);
    await expect.poll(() => openRequests()).toBeGreaterThan(0);
    const stopped = hub.gateway.stop(5000);
    finish();
    const answer = await slow;
    expect(answer.status).toBe(200);
    expect(answer.headers.get('connection')).toBe('close');
    await answer.arrayBuffer();
    await stopped;
    await expect(fetch(`${hub.url}/health/live`)).rejects.toThrow(/fetch failed/);
  });

  const openRequests = async () => {
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    return Number(/^staedtebund_http_open\{route="\/graphql"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };

  test('what does not finish in time is cut', async () => {
    const stalled = fetch(`${hub.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      duplex: 'half',
      body: new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{')) }),
    } as RequestInit & { duplex: 'half' }).catch((error: unknown) => error);
    await expect.poll(() => openRequests()).toBeGreaterThan(0);
    await hub.gateway.stop(50);
    expect(await stalled).toBeInstanceOf(TypeError);
  });
});
