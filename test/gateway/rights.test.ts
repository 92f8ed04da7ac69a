import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, submit, type Reply, type Running } from './fixtures/gateway.ts';

let hub: Running;
/** An application of the persona `citizen` in Düsseldorf. */
let id: string;

beforeAll(async () => {
  hub = await startGateway();
  id = await submit(hub);
});
afterAll(() => hub.stop());

const everyone = ['citizen', 'citizen2', 'portal', 'state', 'clerk-duesseldorf', 'clerk-neuss', undefined] as const;
type Who = (typeof everyone)[number];

const fields = `id status statusSince caseNumber parkedReason receipt { reference submittedAt channel formRevision }
  offer { name } service { key } municipality { name } history { edges { node { id type occurredAt status facts } } }`;

/** Every way to an application, and what it answers to those who may not see it. */
const ways = {
  application: `query ($id: ID!) { application(id: $id) { ${fields} } }`,
  node: `query ($id: ID!) { node(id: $id) { ... on Application { ${fields} } } }`,
  viewer: `query { viewer { applications { edges { node { ${fields} } } } } }`,
};

const ask = (query: string, as: Who, variables: unknown = { id }) => hub.ask(query, { variables, ...(as && { as }) });

const found = (data: Reply['body']): unknown =>
  'application' in data ? data['application'] : 'node' in data ? data['node'] : (data['viewer']?.applications.edges[0]?.node ?? null);

const may: readonly Who[] = ['citizen', 'clerk-duesseldorf'];
const casesOf = (those: readonly Who[]) =>
  those.flatMap((who) => (['application', 'node', 'viewer'] as const).map((way) => [who ?? 'nobody', way, who] as const));

describe('an application is seen by who submitted it and by its city, by nobody else', () => {
  test.each(casesOf(may))('%s sees it by %s', async (_, way, who) => {
    const { body } = await ask(ways[way], who);
    expect(body.errors).toBeUndefined();
    expect(found(body.data)).toMatchObject({ id, municipality: { name: 'Düsseldorf' } });
  });

  test.each(casesOf(everyone.filter((who) => !may.includes(who))))('%s does not see it by %s', async (_, way, who) => {
    const { body } = await ask(ways[way], who);
    expect(body.errors).toBeUndefined();
    expect(found(body.data)).toBeNull();
    expect(JSON.stringify(body)).not.toContain(id);
  });

  test('facts of its events are for the city', async () => {
    const factsFor = async (who: Who) => (await ask(ways.application, who)).body.data.application.history.edges[0].node.facts;
    expect(await factsFor('clerk-duesseldorf')).toMatchObject({ adapter: 'cases' });
    expect(await factsFor('citizen')).toBeNull();
  });

  test('the back office finds it by the UUID it got', async () => {
    const { body } = await ask(ways.application, 'clerk-duesseldorf');
    const { reference } = body.data.application.receipt;
    const again = await ask(ways.application, 'clerk-duesseldorf', { id: reference });
    expect(again.body.data.application.id).toBe(id);
    expect((await ask(ways.application, 'clerk-neuss', { id: reference })).body.data.application).toBeNull();
  });
});

const withdraw = `mutation ($id: ID!) { withdrawApplication(input: { id: $id, reason: "moved" }) { __typename ... on Problem { code } } }`;
const release = `mutation ($id: ID!) { releaseApplication(input: { id: $id, decision: { retry: true } }) { __typename ... on Problem { code } } }`;
const follow = `subscription ($id: ID!) { applicationChanged(id: $id) { id } }`;

describe('changing one', () => {
  test.each(everyone.filter((who) => who && who !== 'citizen'))('%s cannot withdraw it', async (who) => {
    const { body } = await ask(withdraw, who);
    expect(body.data.withdrawApplication).toEqual({ __typename: 'NotFound', code: 'NOT_FOUND' });
  });

  test.each(everyone.filter((who) => who && who !== 'clerk-duesseldorf'))('%s cannot release it', async (who) => {
    const { body } = await ask(release, who);
    expect(body.data.releaseApplication).toEqual({ __typename: 'NotFound', code: 'NOT_FOUND' });
  });

  test.each([withdraw, release])('nobody is asked to sign in: %s', async (mutation) => {
    const { body } = await ask(mutation, undefined);
    expect(body.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  });

  test.each(['nonsense', '', Buffer.from('Offer:1').toString('base64url')])('id %s is not found', async (wrong) => {
    expect((await ask(withdraw, 'citizen', { id: wrong })).body.data.withdrawApplication.code).toBe('NOT_FOUND');
    expect((await ask(release, 'clerk-duesseldorf', { id: wrong })).body.data.releaseApplication.code).toBe('NOT_FOUND');
  });

  test('its city releases it once it is parked', async () => {
    expect((await ask(release, 'clerk-duesseldorf')).body.data.releaseApplication).toEqual({ __typename: 'NotParked', code: 'NOT_PARKED' });
    const { body } = await ask(ways.application, 'citizen');
    hub.applications.move(body.data.application.receipt.reference as string, 'PARKED', 'unknown-effect');
    expect((await ask(ways.application, 'citizen')).body.data.application.parkedReason).toBe('unknown-effect');
    expect((await ask(release, 'clerk-duesseldorf')).body.data.releaseApplication).toEqual({ __typename: 'ReleaseApplicationSuccess' });
  });

  test.each(['retry: false', 'discard: false', 'delivered: { caseRef: "7" }, retry: true', ''])(
    'a decision {%s} decides nothing',
    async (decision) => {
      const { body } = await ask(release.replace('retry: true', decision), 'clerk-duesseldorf');
      const code = body.data?.releaseApplication?.code ?? body.errors[0].extensions.code;
      expect(code).toMatch(/INVALID_INPUT|BAD_REQUEST/);
    },
  );

  test('who submitted it withdraws it', async () => {
    expect((await ask(withdraw, 'citizen')).body.data.withdrawApplication).toEqual({ __typename: 'WithdrawApplicationSuccess' });
    expect((await ask(withdraw, 'citizen')).body.data.withdrawApplication).toEqual({
      __typename: 'NotWithdrawable',
      code: 'NOT_WITHDRAWABLE',
    });
  });
});

describe('following one', () => {
  test.each(everyone.filter((who) => who !== 'citizen' && who !== 'clerk-duesseldorf'))('%s is told that there is none', async (who) => {
    const token = who ? { authorization: `Bearer ${await hub.issuer.token(who)}` } : {};
    const response = await fetch(`${hub.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...token },
      body: JSON.stringify({ query: follow, variables: { id } }),
    });
    const text = await response.text();
    expect(text).toContain('NOT_FOUND');
    expect(text).not.toContain('"data":{');
    expect(hub.applications.watchers()).toBe(0);
  });
});

describe('signing in', () => {
  test('a token that does not verify is refused before anything runs', async () => {
    const { status, headers, body } = await hub.ask('{ __typename }', { headers: { authorization: 'Bearer x.y.z' } });
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('Bearer');
    expect(body.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', requestId: headers.get('x-request-id') } }]);
  });

  test('while the issuer is away the answer is to try again, and anonymous callers are served', async () => {
    const own = await startGateway();
    try {
      const token = await own.issuer.token('citizen');
      await own.issuer.stop();
      const { status, headers, body } = await own.ask('{ __typename }', { headers: { authorization: `Bearer ${token}` } });
      expect(status).toBe(503);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(body.errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE', retryable: true } }]);
      expect((await own.ask('{ __typename }')).status).toBe(200);
    } finally {
      await own.gateway.stop(100);
    }
  });

  test('viewer says who one is', async () => {
    const query = '{ viewer { roles assuranceLevel municipality { name } } }';
    expect((await ask(query, undefined)).body.data.viewer).toBeNull();
    expect((await ask(query, 'citizen')).body.data.viewer).toEqual({
      roles: ['CITIZEN'],
      assuranceLevel: 'SUBSTANTIAL',
      municipality: null,
    });
    expect((await ask(query, 'clerk-neuss')).body.data.viewer).toMatchObject({ roles: ['CITY'], municipality: { name: 'Neuss' } });
  });
});
