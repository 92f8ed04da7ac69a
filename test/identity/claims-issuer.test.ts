import { createLocalJWKSet, decodeJwt, exportJWK, generateKeyPair, jwtVerify, type JSONWebKeySet } from 'jose';
import { describe, expect, test } from 'vitest';
import { claimNames, createClaimsIssuer, type ClaimsIssuer } from '../../src/identity/claims-issuer.ts';
import type { Principal } from '../../src/identity/identity.ts';

const issuer = 'https://hub.example';
const citizen: Principal = { owner: 'https://issuer.example|erika', roles: ['citizen'], ars: null, assuranceLevel: 'SUBSTANTIAL' };
const clerk: Principal = { owner: 'https://issuer.example|clerk', roles: ['city'], ars: '051620024024' as never, assuranceLevel: 'NONE' };

const newKey = async () => JSON.stringify(await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey));

const verified = async (by: ClaimsIssuer, token: string | null, audience: string) =>
  jwtVerify(token ?? '', createLocalJWKSet(by.jwks() as JSONWebKeySet), { issuer, audience, typ: 'claims+jwt', algorithms: ['ES256'] });

describe('what a city is told of a caller', () => {
  test('exactly the claims it needs, for it alone, for a minute', async () => {
    const own = await createClaimsIssuer({ issuer });
    const { payload } = await verified(own, await own.tokenFor(citizen, 'neuss', ['roles']), 'neuss');
    expect(Object.keys(payload).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'roles']);
    expect(payload).toMatchObject({ roles: ['citizen'], aud: 'neuss' });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
  });

  test('a token for one city is refused by another', async () => {
    const own = await createClaimsIssuer({ issuer });
    const token = await own.tokenFor(citizen, 'neuss', ['roles']);
    await expect(verified(own, token, 'koeln')).rejects.toThrow(/aud/);
  });

  test('all of them: level, roles, the municipality of a clerk, and a subject that is not the one of the issuer', async () => {
    const own = await createClaimsIssuer({ issuer });
    expect(decodeJwt((await own.tokenFor(citizen, 'neuss', claimNames)) ?? '')).toMatchObject({ acr: 'substantial', roles: ['citizen'] });
    const told = decodeJwt((await own.tokenFor(clerk, 'neuss', claimNames)) ?? '');
    expect(told).toMatchObject({ ars: '051620024024', roles: ['city'] });
    expect(JSON.stringify(told)).not.toContain('issuer.example');
    expect(told.sub).toMatch(/^[\w-]{43}$/);
  });

  test('nobody is known, or nothing is needed: no token', async () => {
    const own = await createClaimsIssuer({ issuer });
    expect(await own.tokenFor(null, 'neuss', claimNames)).toBeNull();
    expect(await own.tokenFor(citizen, 'neuss', [])).toBeNull();
  });

  test('a person is the same for a city each time, and another for each city', async () => {
    const key = await newKey();
    const subject = async (audience: string) =>
      decodeJwt((await (await createClaimsIssuer({ issuer, key })).tokenFor(citizen, audience, ['sub'])) ?? '').sub;
    expect(await subject('neuss')).toBe(await subject('neuss'));
    expect(await subject('neuss')).not.toBe(await subject('koeln'));
  });
});

describe('its key', () => {
  test('what is published verifies and holds nothing private', async () => {
    const own = await createClaimsIssuer({ issuer, key: await newKey() });
    expect(own.jwks().keys).toMatchObject([{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' }]);
    expect(own.jwks().keys[0]).not.toHaveProperty('d');
    expect((await verified(own, await own.tokenFor(citizen, 'a', ['roles']), 'a')).protectedHeader.kid).toBe(own.jwks().keys[0]?.kid);
  });

  test('while it is replaced both are published, and the first signs', async () => {
    const [next, former] = [await newKey(), await newKey()];
    const before = await createClaimsIssuer({ issuer, key: former });
    const during = await createClaimsIssuer({ issuer, key: `{"keys":[${next},${former}]}` });
    expect(during.jwks().keys).toHaveLength(2);
    await verified(during, await before.tokenFor(citizen, 'a', ['roles']), 'a');
    const after = await createClaimsIssuer({ issuer, key: next });
    await verified(after, await during.tokenFor(citizen, 'a', ['roles']), 'a');
  });

  test('a token is made anew well before it ends, however often it is asked for', async () => {
    let at = Date.now();
    const own = await createClaimsIssuer({ issuer, lifetimeSeconds: 1, now: () => at });
    const first = await own.tokenFor(citizen, 'a', ['roles']);
    expect(await own.tokenFor(citizen, 'a', ['roles'])).toBe(first);
    at += 600_000;
    for (let asked = 0; asked < 6; asked += 1) {
      await new Promise((resolve) => void setTimeout(resolve, 100));
      await own.tokenFor(citizen, 'a', ['roles']);
    }
    expect(await own.tokenFor(citizen, 'a', ['roles'])).not.toBe(first);
  });

  test.each([
    ['no JSON', 'secret-words'],
    ['an empty set', '{"keys":[]}'],
    ['a public key', '{"kty":"EC","crv":"P-256","x":"secret-words","y":"secret-words"}'],
    ['a key of another kind', '{"kty":"oct","k":"secret-words"}'],
    ['a broken key', '{"kty":"EC","crv":"P-256","x":"secret-words","y":"secret-words","d":"secret-words"}'],
    ['null', 'null'],
  ])('%s is refused, and not repeated', async (_, key) => {
    const error: Error = await createClaimsIssuer({ issuer, key }).then(
      () => new Error('taken'),
      (refusal: Error) => refusal,
    );
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('CLAIMS_KEY') as unknown });
    expect(error.message).not.toContain('secret-words');
  });
});
