import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Reply, Request } from '../../src/federation/engine/engine.ts';
import { createRemote, subgraphLimits, type Remote, type SubgraphLimits } from '../../src/federation/remote.ts';
import { startSubgraph, type SubgraphServer } from './kit/subgraph-server.ts';

let city: SubgraphServer;
beforeAll(async () => {
  city = await startSubgraph({
    sdl: 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: [])\n type Query { n: Int text(length: Int!): String refused: Int broken: Int } type Mutation { add: Int }',
    resolvers: {
      Query: {
        n: () => 1,
        text: (_: unknown, { length }: { length: number }) => 'x'.repeat(length),
        refused: () => {
          throw Object.assign(new Error('not on Sundays'), { extensions: { code: 'CLOSED_TODAY' } });
        },
        broken: () => {
          throw new Error('SELECT secret FROM vault');
        },
      },
    },
  });
});
afterAll(() => city.close());

const remotes: Remote[] = [];
afterEach(async () => {
  Object.assign(city.faults, { hang: false, status: null, text: null });
  city.seen.length = 0;
  for (const remote of remotes.splice(0)) await remote.close();
});

const open = (over: Partial<SubgraphLimits> = {}): Remote => {
  const remote = createRemote({ name: 'bonn', url: city.url, limits: { ...subgraphLimits, ...over } });
  remotes.push(remote);
  return remote;
};
const question = (operation: string, kind: Request['kind'] = 'query'): Request => ({ kind, operation, variables: {} });
const nobody = { context: null, traceparent: null, signal: null };
const kindOf = ({ errors }: Reply) => (errors[0]?.cause as { kind?: string } | undefined)?.kind ?? 'ok';

describe('the way to a subgraph', () => {
  test('carries the trace and nothing of the caller', async () => {
    const { data } = await open().ask(question('{ n }'), { ...nobody, traceparent: '00-1-2-01' });
    expect(data).toEqual({ n: 1 });
    expect(city.seen[0]?.headers).toMatchObject({ traceparent: '00-1-2-01' });
    expect(Object.keys(city.seen[0]?.headers ?? {}).toSorted()).toEqual([
      'accept',
      'connection',
      'content-length',
      'content-type',
      'host',
      'traceparent',
    ]);
  });

  test('tells a refusal with a code from a failure without one', async () => {
    const refused = await open().ask(question('{ refused }'), nobody);
    expect(refused.errors[0]).toMatchObject({ path: ['refused'], cause: { kind: 'refused', code: 'CLOSED_TODAY' } });
    expect((await open().ask(question('{ broken }'), nobody)).errors[0]).toMatchObject({
      path: ['broken'],
      cause: { kind: 'failed', code: null },
    });
  });

  test('opens after failures in a row, lets one try, and closes again; refusals do not count', async () => {
    const remote = open({ timeoutMs: 300, breaker: { failures: 3, halfOpenMs: 200 } });
    for (let n = 0; n < 5; n += 1) expect(kindOf(await remote.ask(question('{ refused }'), nobody))).toBe('refused');
    city.faults.hang = true;
    const kinds: string[] = [];
    for (let n = 0; n < 5; n += 1) kinds.push(kindOf(await remote.ask(question('{ n }'), nobody)));
    expect(kinds).toEqual(['deadline', 'deadline', 'deadline', 'left-alone', 'left-alone']);
    expect(remote.breaker()).toBe('open');
    city.faults.hang = false;
    await expect.poll(async () => kindOf(await remote.ask(question('{ n }'), nobody))).toBe('ok');
    expect(remote.breaker()).toBe('closed');
  });

  test('a caller who goes away says nothing about the city', async () => {
    const remote = open({ breaker: { failures: 1, halfOpenMs: 60_000 } });
    city.faults.hang = true;
    const leave = new AbortController();
    const asked = remote.ask(question('{ n }'), { ...nobody, signal: leave.signal });
    await expect.poll(() => city.seen.length).toBe(1);
    leave.abort();
    expect(kindOf(await asked)).toBe('aborted');
    expect(remote.breaker()).toBe('closed');
  });

  test('a change is sent once and not aborted with its caller', async () => {
    const remote = open({ timeoutMs: 400 });
    city.faults.status = 503;
    expect(kindOf(await remote.ask(question('mutation { add }', 'mutation'), nobody))).toBe('unavailable');
    expect(city.seen).toHaveLength(1);
    Object.assign(city.faults, { status: null, hang: true });
    const leave = new AbortController();
    const asked = remote.ask(question('mutation { add }', 'mutation'), { ...nobody, signal: leave.signal });
    leave.abort();
    expect(kindOf(await asked)).toBe('deadline');
    expect(city.seen).toHaveLength(2);
  });

  test('what comes on top of those that wait is turned away', async () => {
    const remote = open({ timeoutMs: 500, concurrency: 1, breaker: { failures: 1000, halfOpenMs: 100 } });
    city.faults.hang = true;
    const kinds = (await Promise.all(Array.from({ length: 8 }, () => remote.ask(question('{ n }'), nobody)))).map(kindOf);
    expect(kinds.filter((kind) => kind === 'busy')).toHaveLength(3);
  });

  test('of the errors of an answer so many are taken that they cannot hold up the hub', async () => {
    const path = (length: number) => Array.from({ length }, () => 'n');
    const errors = [
      { message: 'a', path: path(64) },
      { message: 'b', path: path(65) },
      { message: 'c', path: ['n'.repeat(300)] },
    ];
    city.faults.text = JSON.stringify({ data: { n: null }, errors: [...errors, ...Array.from({ length: 5000 }, () => ({ path: ['n'] }))] });
    const reply = await open().ask(question('{ n }'), nobody);
    expect(reply.errors.slice(0, 4).map((error) => error.path?.length)).toEqual([64, undefined, undefined, 1]);
    expect(reply.errors).toHaveLength(200);
  });

  test('an answer that is too long says nothing about the next one', async () => {
    const remote = open({ mostBytes: 1000, breaker: { failures: 2, halfOpenMs: 60_000 } });
    for (let n = 0; n < 4; n += 1) expect(kindOf(await remote.ask(question('{ text(length: 2000) }'), nobody))).toBe('too-long');
    expect(kindOf(await remote.ask(question('{ n }'), nobody))).toBe('ok');
  });

  test('an answer that is no JSON or no answer is malformed', async () => {
    const noUtf8 = Buffer.from('{"data":{"text":"Käse"}}', 'latin1');
    for (const text of ['<html>', '[]', '{}', '{"data":null}', '{"data":"x"}', 'null', noUtf8]) {
      city.faults.text = text;
      expect(kindOf(await open().ask(question('{ n }'), nobody)), text.toString()).toBe('malformed');
    }
  });
});
