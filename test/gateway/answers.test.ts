import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAnswers, type KeptAnswer } from '../../src/gateway/http/answers.ts';
import { isPublicDocument } from '../../src/gateway/public-document.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { createRedisCache } from '../../src/infra/cache/redis.ts';
import { describeWithService } from '../kit/services.ts';
import { catalogue } from './fixtures/features.ts';
import { startGateway, type Running } from './fixtures/gateway.ts';

const kept = (head: string): KeptAnswer => ({ head: Buffer.from(head), contentType: 'application/json', operation: null, cost: 1 });
const accept = '*/*';
const body = (text: string) => Buffer.from(text);

describe('answers to public questions', () => {
  test('are worked out once for all who ask at the same time, and then not at all', async () => {
    const answers = createAnswers({ cache: createMemoryCache(), revision: () => 'r' });
    const question = answers.question(body('q'), accept);
    let worked = 0;
    const workOut = async () => {
      worked += 1;
      await new Promise(setImmediate);
      return kept('{"data":{}');
    };
    const all = await Promise.all(Array.from({ length: 50 }, () => answers.findOr(question, workOut)));
    expect(worked).toBe(1);
    expect(new Set(all)).toEqual(new Set([kept('{"data":{}')]));
    expect(answers.find(question)).toEqual(kept('{"data":{}'));
  });

  test('end with the revision of the catalogue, and with their time', async () => {
    let revision = 'monday';
    const answers = createAnswers({ cache: createMemoryCache(), revision: () => revision, ttlMs: 20 });
    await answers.findOr(answers.question(body('q'), accept), async () => kept('{"data":{"of":"monday"}'));
    revision = 'tuesday';
    expect(answers.find(answers.question(body('q'), accept))).toBeUndefined();
    revision = 'monday';
    const question = answers.question(body('q'), accept);
    await expect.poll(() => answers.find(question)).toBeUndefined();
  });

  test('differ by what media types the caller takes, and by every byte of the question', () => {
    const answers = createAnswers({ cache: createMemoryCache(), revision: () => 'r' });
    const question = (...asked: Parameters<typeof answers.question>) => answers.question(...asked);
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (one, other) => {
        const same = Buffer.compare(one, other) === 0;
        expect(question(Buffer.from(one), accept) === question(Buffer.from(other), accept)).toBe(same);
      }),
    );
    expect(question(body('q'), 'application/json')).not.toBe(question(body('q'), accept));
  });

  test('that are not public are remembered as such; a failure is nobody else’s answer', async () => {
    const answers = createAnswers({ cache: createMemoryCache(), revision: () => 'r' });
    const question = answers.question(body('q'), accept);
    expect(await answers.findOr(question, async () => null)).toBeNull();
    expect(answers.mayBePublic(question)).toBe(false);
    const other = answers.question(body('other'), accept);
    await expect(answers.findOr(other, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(answers.mayBePublic(other)).toBe(true);
    expect(await answers.findOr(other, async () => kept('{"data":{}'))).toEqual(kept('{"data":{}'));
  });
});

describeWithService('redis', 'answers shared through Redis', (url) => {
  test('are worked out by one process for all, and rubbish in the cache is a miss', async () => {
    const cache = createRedisCache(url, { keyPrefix: `test:${randomUUID()}:` });
    await expect.poll(() => cache.check()).toBe(true);
    const [one, other] = [createAnswers({ cache, revision: () => 'r' }), createAnswers({ cache, revision: () => 'r' })];
    const question = one.question(body('q'), accept);
    await one.findOr(question, async () => kept('{"data":{"n":1}'));
    expect(await other.findOr(question, () => expect.unreachable('the first has worked it out'))).toEqual(kept('{"data":{"n":1}'));
    const spoilt = { ...cache, get: async () => '{"head":7' };
    const third = createAnswers({ cache: spoilt, revision: () => 'r' });
    expect(await third.findOr(question, async () => kept('{"data":{"n":2}'))).toEqual(kept('{"data":{"n":2}'));
    await cache.close();
  });
});

describe('a document is public', () => {
  const schema = createSchema();
  test.each([
    ['{ services(first: 3) { nodes { key name offers { nodes { fees { cents } municipality { name } } } } } }', true],
    ['{ __typename }', true],
    ['{ __schema { types { name } } }', true],
    ['query A { service(key: "99108001001000") { ...s } } fragment s on Service { name }', true],
    ['{ competence(service: "99108001001000", place: { postalCode: "40213" }) { ... on Problem { message } } }', true],
    ['{ municipality(ars: "051110000000") { name connection { adapters { state } } } }', false],
    ['{ municipality(ars: "051110000000") { ...m } } fragment m on Municipality { ... { connection { since } } }', false],
    ['{ application(id: "x") { status } }', false],
    ['{ viewer { roles } }', false],
    ['{ node(id: "x") { id } }', false],
    ['{ x: services(first: 1) { nodes { key } } viewer { roles } }', false],
    ['query A { __typename } mutation B { withdrawApplication(input: { id: "x" }) { __typename } }', false],
  ])('%s: %s', (text, expected) => {
    expect(isPublicDocument(schema, parse(text))).toBe(expected);
  });
});

describe('through the gateway', () => {
  let hub: Running;
  beforeAll(async () => {
    hub = await startGateway({ rateLimit: { perMinute: 1000 } });
  });
  afterAll(() => hub.stop());
  const services = '{ services(first: 2) { nodes { key name } } }';

  test('the second answer is the first, with its own request id and count', async () => {
    const first = await hub.ask(services, { headers: { 'x-request-id': 'first-asked' } });
    const second = await hub.ask(services, { headers: { 'x-request-id': 'second-asked' } });
    expect(second.body.data).toEqual(first.body.data);
    expect(first.body.extensions).toMatchObject({ requestId: 'first-asked', cost: expect.any(Number) });
    expect(second.body.extensions).toMatchObject({ requestId: 'second-asked', cost: first.body.extensions.cost });
    expect(second.body.extensions.rateLimit).toMatchObject({ limit: 1000 });
    for (const { headers, body } of [first, second]) {
      expect(headers.get('x-cost')).toBe(String(body.extensions.cost));
      expect(headers.get('ratelimit')).toMatch(/^"minute";r=\d+;t=\d+$/);
      expect(headers.get('ratelimit-policy')).toBe('"minute";q=1000;w=60');
      expect(headers.get('cache-control')).toBe('private, no-store');
    }
    await expect
      .poll(() => hub.lines.filter(({ facts }) => String(facts['requestId']).endsWith('-asked')).map(({ facts }) => facts['kind']))
      .toEqual(['query', 'query']);
  });

  test('is worked out once', async () => {
    const listed = catalogue.listServices.bind(catalogue);
    let worked = 0;
    Object.assign(catalogue, {
      listServices: (...given: Parameters<typeof listed>) => {
        worked += 1;
        return listed(...given);
      },
    });
    const query = '{ services(first: 1) { nodes { key } } }';
    const all = await Promise.all(Array.from({ length: 20 }, () => hub.ask(query)));
    await hub.ask(query);
    Object.assign(catalogue, { listServices: listed });
    expect(worked).toBe(1);
    expect(new Set(all.map(({ body }) => JSON.stringify(body.data))).size).toBe(1);
  });

  test('whoever is known, and whatever is no catalogue, is answered anew', async () => {
    await hub.ask('{ municipalities(first: 5) { nodes { connection { adapters { state } } } } }');
    const before = hub.asked.length;
    await hub.ask('{ municipalities(first: 5) { nodes { connection { adapters { state } } } } }');
    expect(hub.asked.length).toBeGreaterThan(before);
    expect((await hub.ask('{ viewer { roles } }')).body.data).toEqual({ viewer: null });
    expect((await hub.ask('{ viewer { roles } }', { as: 'citizen' })).body.data.viewer.roles).toContain('CITIZEN');
    expect((await hub.ask('{ viewer { roles } }')).body.data).toEqual({ viewer: null });
  });

  test('a refusal is never an answer for others', async () => {
    const broken = '{ services(search: "break", first: 2) { nodes { key } } }';
    const answers = await Promise.all([hub.ask(broken), hub.ask(broken), hub.ask(broken)]);
    const ids = answers.map(({ body }) => body.errors[0].extensions.requestId as string);
    expect(new Set(ids).size).toBe(3);
  });
});
