import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWTHeaderParameters } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { HubError } from '../../src/contract/contract.ts';
import { createIdentity } from '../../src/identity/oidc.ts';
import { startIssuer } from '../../sandbox/issuer.ts';

const audience = 'staedtebund';
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

interface Key {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

let server: Server;
let issuer: string;
let keys: [Key, Key, Key, Key];
/** What `/jwks` lists. */
let listed: object[];
/** `well`, with status 500, or with this text in the place of one of its documents. */
let answers: 'well' | 'failing' | { readonly path: string; readonly text: string } = 'well';
let fetches = 0;

beforeAll(async () => {
  const make = async (alg: string): Promise<Key> => ({ alg, kid: alg, ...(await generateKeyPair(alg, { extractable: true })) });
  keys = await Promise.all([make('RS256'), make('PS256'), make('ES256'), make('EdDSA')]);
  const all = await Promise.all(keys.map(listedAs));
  server = createServer((request, response) => {
    fetches += 1;
    const body = request.url === '/jwks' ? { keys: listed } : { issuer, jwks_uri: `${issuer}/jwks` };
    const other = typeof answers === 'object' && request.url === answers.path ? answers.text : null;
    response.writeHead(answers === 'failing' ? 500 : 200, { 'content-type': 'application/json' }).end(other ?? JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  listed = all;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  answers = 'well';
  fetches = 0;
});

const listedAs = async ({ alg, kid, publicKey }: Key) => ({ ...(await exportJWK(publicKey)), alg, kid });

const seconds = () => Math.floor(Date.now() / 1000);

interface Parts {
  readonly key?: Key;
  readonly header?: Partial<JWTHeaderParameters>;
  readonly claims?: Record<string, unknown>;
}

const sign = ({ key = keys[2], header, claims }: Parts = {}): Promise<string> =>
  new SignJWT({ iss: issuer, sub: 'anna', aud: audience, exp: seconds() + 60, roles: ['citizen'], acr: 'substantial', ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
    .sign(key.privateKey);

const identity = (more: Partial<Parameters<typeof createIdentity>[0]> = {}) => createIdentity({ issuer, audience, ...more });

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const refusal = async (token: string, verifier = identity()): Promise<string | undefined> => {
  const failure = await verifier.authenticate(`Bearer ${token}`).then(
    () => null,
    (error: unknown) => error,
  );
  expect(failure, 'the token must be refused').toBeInstanceOf(HubError);
  return (failure as HubError).problem?.code ?? (failure as HubError).code;
};

describe('a token of the issuer says who asks', () => {
  test.each(algorithms)('signed with %s', async (alg) => {
    const token = await sign({ key: keys.find((key) => key.alg === alg) as Key });
    expect(await identity().authenticate(`Bearer ${token}`)).toEqual({
      expiresAt: expect.any(Number),
      owner: `${issuer}|anna`,
      roles: ['citizen'],
      ars: null,
      assuranceLevel: 'SUBSTANTIAL',
    });
  });

  test('nobody asks where there is no header', async () => {
    expect(await identity().authenticate(null)).toBeNull();
    expect(fetches).toBe(0);
  });

  test('the keys are fetched once for many tokens', async () => {
    const verifier = identity();
    const token = await sign();
    await verifier.authenticate(`Bearer ${token}`);
    await Promise.all(Array.from({ length: 50 }, () => verifier.authenticate(`bearer ${token}`)));
    expect(fetches).toBe(2); // discovery and keys
  });

  test.each([
    ['low', 'LOW'],
    ['http://eidas.europa.eu/LoA/high', 'HIGH'],
    ['STORK-QAA-Level-3', 'SUBSTANTIAL'],
    ['STORK-QAA-Level-1', 'NONE'],
    ['constructor', 'NONE'],
    [undefined, 'NONE'],
  ])('acr %s is assurance level %s', async (acr, level) => {
    const principal = await identity().authenticate(`Bearer ${await sign({ claims: { acr } })}`);
    expect(principal?.assuranceLevel).toBe(level);
  });

  test.each([
    [
      { roles: ['city'], ars: '051110000000' },
      { roles: ['city'], ars: '051110000000' },
    ],
    [{ roles: ['city'] }, { roles: [], ars: null }],
    [
      { roles: ['city'], ars: '05111' },
      { roles: [], ars: null },
    ],
    [
      { roles: ['citizen', 'root'], ars: '051110000000' },
      { roles: ['citizen'], ars: null },
    ],
    [{ roles: 'city' }, { roles: [], ars: null }],
    [{ roles: undefined }, { roles: [], ars: null }],
  ])('claims %o give the rights %o', async (claims, expected) => {
    expect(await identity().authenticate(`Bearer ${await sign({ claims })}`)).toMatchObject(expected);
  });

  test('a clock five seconds off is borne, ten seconds are not', async () => {
    expect(await identity().authenticate(`Bearer ${await sign({ claims: { exp: seconds() - 3 } })}`)).not.toBeNull();
    expect(await refusal(await sign({ claims: { exp: seconds() - 10 } }))).toBe('UNAUTHENTICATED');
  });
});

describe('a token is refused', () => {
  test.each<[string, () => Promise<string>]>([
    ['expired', () => sign({ claims: { exp: seconds() - 60 } })],
    ['without an end', () => sign({ claims: { exp: undefined } })],
    ['not valid yet', () => sign({ claims: { nbf: seconds() + 60 } })],
    ['of another issuer', () => sign({ claims: { iss: 'https://elsewhere.example' } })],
    ['for another audience', () => sign({ claims: { aud: 'another' } })],
    ['without a subject', () => sign({ claims: { sub: undefined } })],
    ['with an empty subject', () => sign({ claims: { sub: '' } })],
    ['of another type', () => sign({ header: { typ: 'logout+jwt' } })],
    [
      'with a critical header nobody knows',
      () =>
        sign({ header: { crit: ['x'], x: 1 } }).catch(async () => {
          const [, payload, signature] = (await sign()).split('.');
          return `${encode({ alg: 'ES256', kid: 'ES256', crit: ['x'], x: 1 })}.${payload}.${signature}`;
        }),
    ],
    ['with a key id the issuer does not have', () => sign({ header: { kid: 'unknown' } })],
    ['that names where to fetch its key (jku)', () => sign({ header: { jku: 'http://127.0.0.1:1/keys' } })],
    ['that names where to fetch its certificate (x5u)', () => sign({ header: { x5u: 'http://127.0.0.1:1/cert' } })],
    [
      'that brings its key (jwk), signed with it',
      async () => {
        const own = await generateKeyPair('ES256', { extractable: true });
        const key = { alg: 'ES256', kid: 'ES256', ...own };
        return sign({ key, header: { jwk: await exportJWK(own.publicKey) } });
      },
    ],
    [
      'signed by somebody else under a known key id',
      async () => sign({ key: { alg: 'ES256', kid: 'ES256', ...(await generateKeyPair('ES256')) } }),
    ],
    ['with alg none', async () => `${encode({ alg: 'none' })}.${(await sign()).split('.')[1]}.`],
    [
      'with HS256 keyed with the public key',
      async () => {
        const [rsa] = keys;
        const head = `${encode({ alg: 'HS256', kid: 'RS256', typ: 'JWT' })}.${(await sign()).split('.')[1]}`;
        return `${head}.${createHmac('sha256', await exportSPKI(rsa.publicKey))
          .update(head)
          .digest('base64url')}`;
      },
    ],
    [
      'with a changed claim',
      async () => {
        const [head, payload, signature] = (await sign()).split('.');
        const claims = JSON.parse(Buffer.from(payload as string, 'base64url').toString()) as object;
        return `${head}.${encode({ ...claims, roles: ['city'], ars: '051110000000' })}.${signature}`;
      },
    ],
    ['longer than any honest one', async () => `${await sign()}${'A'.repeat(9000)}`],
  ])('%s', async (_, make) => {
    expect(await refusal(await make())).toBe('UNAUTHENTICATED');
  });

  test('any text that is not a token', async () => {
    const verifier = identity();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.tuple(fc.base64String(), fc.base64String()).map((t) => t.join('.')),
        ),
        async (text) => {
          const failure = await verifier.authenticate(`Bearer x${text}`).catch((error: unknown) => error);
          expect(failure).toMatchObject({ code: 'PROBLEM', problem: { code: 'UNAUTHENTICATED' } });
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each(['Basic YTpi', 'Bearer', 'Bearer a b', 'Token x'])('header %s', async (header) => {
    await expect(identity().authenticate(header)).rejects.toMatchObject({ problem: { code: 'UNAUTHENTICATED' } });
  });
});

describe('the issuer is away', () => {
  test('without keys the answer is retryable, and the issuer is not asked again at once', async () => {
    answers = 'failing';
    const verifier = identity();
    const token = await sign();
    await expect(verifier.authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE', retryable: true });
    await expect(verifier.authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' });
    expect(fetches).toBe(1);
  });

  test('many tokens at once ask it once', async () => {
    const verifier = identity();
    const token = await sign();
    await Promise.all(Array.from({ length: 50 }, () => verifier.authenticate(`Bearer ${token}`)));
    expect(fetches).toBe(2); // discovery and keys
  });

  const discovery = '/.well-known/openid-configuration';
  test.each([
    [discovery, '<html>'],
    [discovery, 'null'],
    [discovery, '{"issuer":"https://elsewhere.example"}'],
    ['/jwks', '<html>'],
    ['/jwks', '{"error":"maintenance"}'],
    ['/jwks', 'null'],
  ])('what it answers at %s with 200 is %s: it is left alone for a moment, then asked again', async (path, text) => {
    let time = Date.now();
    answers = { path, text };
    const verifier = identity({ now: () => time });
    const token = await sign();
    for (let asked = 0; asked < 3; asked += 1)
      await expect(verifier.authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' });
    expect(fetches).toBe(path === '/jwks' ? 2 : 1);
    // Tokens that come during the pause do not make it longer.
    time += 1500;
    await expect(verifier.authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' });
    answers = 'well';
    time += 600;
    expect(await verifier.authenticate(`Bearer ${token}`)).toMatchObject({ roles: ['citizen'] });
  });

  test('nobody listens: retryable too', async () => {
    const verifier = identity({ issuer: 'http://127.0.0.1:9', jwksUrl: 'http://127.0.0.1:9/jwks' });
    await expect(verifier.authenticate(`Bearer ${await sign()}`)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE', retryable: true });
  });

  test('it recovers by itself', async () => {
    let time = Date.now();
    answers = 'failing';
    const verifier = identity({ now: () => time });
    const token = await sign();
    await expect(verifier.authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' });
    answers = 'well';
    time += 2001;
    expect(await verifier.authenticate(`Bearer ${token}`)).toMatchObject({ roles: ['citizen'] });
  });

  test('known keys serve on for an hour past their refresh, not longer', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const start = Date.now();
      const verifier = identity();
      const token = await sign({ claims: { exp: seconds() + 90_000 } });
      await verifier.authenticate(`Bearer ${token}`);
      answers = 'failing';
      vi.setSystemTime(start + 4_000_000);
      expect(await verifier.authenticate(`Bearer ${token}`)).toMatchObject({ roles: ['citizen'] });
      expect(fetches, 'the refresh must have been tried').toBe(3);
      vi.setSystemTime(start + 4_300_000);
      await expect(verifier.authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' });
    } finally {
      vi.useRealTimers();
    }
  });

  test('a discovery document of another issuer is not believed', async () => {
    const verifier = identity({ issuer: `${issuer}/realms/other` });
    expect(await refusal(await sign({ claims: { iss: `${issuer}/realms/other` } }), verifier)).toBe('ISSUER_UNAVAILABLE');
  });
});

describe('the issuer signs with a new key', () => {
  const rotate = async (): Promise<Key> => ({
    alg: 'ES256',
    kid: randomUUID(),
    ...(await generateKeyPair('ES256', { extractable: true })),
  });

  test('which is looked up when its first token comes, and the old one holds as long as it is listed', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const before = listed;
    try {
      const verifier = identity();
      await verifier.authenticate(`Bearer ${await sign()}`);
      const key = await rotate();
      listed = [...before, await listedAs(key)];
      // A second after the last look, nobody can tell it from an invented one: neither good nor bad, to be tried again.
      vi.setSystemTime(Date.now() + 1000);
      await expect(verifier.authenticate(`Bearer ${await sign({ key })}`)).rejects.toMatchObject({
        code: 'ISSUER_UNAVAILABLE',
        retryable: true,
      });
      expect(fetches).toBe(2);
      vi.setSystemTime(Date.now() + 5000);
      expect(await verifier.authenticate(`Bearer ${await sign({ key })}`)).toMatchObject({ roles: ['citizen'] });
      expect(await verifier.authenticate(`Bearer ${await sign()}`)).toMatchObject({ roles: ['citizen'] });
      expect(fetches).toBe(3);
      listed = [await listedAs(key)];
      vi.setSystemTime(Date.now() + 600_001);
      expect(await refusal(await sign(), verifier)).toBe('UNAUTHENTICATED');
      expect(await verifier.authenticate(`Bearer ${await sign({ key })}`)).toMatchObject({ roles: ['citizen'] });
    } finally {
      listed = before;
      vi.useRealTimers();
    }
  });

  test('tokens of invented keys are no flood on it', async () => {
    const verifier = identity();
    await verifier.authenticate(`Bearer ${await sign()}`);
    const invented = await rotate();
    const codes = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => refusal(await sign({ key: { ...invented, kid: `invented-${n}` } }), verifier)),
    );
    expect(new Set(codes)).toEqual(new Set(['ISSUER_UNAVAILABLE']));
    expect(fetches).toBe(2);
  });
});

describe("the sandbox's issuer", () => {
  test('gives every persona a token that the hub accepts', async () => {
    const sandbox = await startIssuer({ cities: [{ id: 'neuss', ars: '051620024024', name: 'Neuss' }] });
    const verifier = createIdentity({ issuer: sandbox.url, audience });
    const grant = async (persona: string) => {
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: persona });
      const response = await fetch(`${sandbox.url}/token`, { method: 'POST', body });
      const { access_token: token } = (await response.json()) as { access_token: string };
      return verifier.authenticate(`Bearer ${token}`);
    };
    try {
      expect(await grant('citizen')).toMatchObject({ roles: ['citizen'], assuranceLevel: 'SUBSTANTIAL' });
      expect(await grant('clerk-neuss')).toMatchObject({ roles: ['city'], ars: '051620024024' });
      expect(await verifier.authenticate(`Bearer ${await sandbox.token('state')}`)).toMatchObject({ roles: ['state'] });
      const unknown = await fetch(`${sandbox.url}/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: randomUUID() }),
      });
      expect(unknown.status).toBe(401);
    } finally {
      await sandbox.stop();
    }
  });
});
