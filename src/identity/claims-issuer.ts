import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT, type CryptoKey, type JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import { HubError } from '#contract';
import type { Principal } from './identity.ts';

/*
 * What a city's own part of the graph may know of who asks. The caller's token stays with the hub: a city gets a statement of
 * the hub's own, signed with the hub's key, for one minute, for that city alone, and with those claims only that the city's
 * entry asks for. Its subject is another one for each audience, so that two cities cannot tell that they serve the same person.
 */

/** Claims that an audience may ask for. */
export const claimNames = ['roles', 'acr', 'ars', 'sub'] as const;
export type ClaimName = (typeof claimNames)[number];

/** Signs statements about callers. */
export interface ClaimsIssuer {
  /** The public keys (RFC 7517), for everybody. */
  jwks(): { readonly keys: readonly JWK[] };
  /** A token (RFC 7519, `typ` `claims+jwt`); null if nothing is needed or nobody is known: the call then carries none. */
  tokenFor(principal: Principal | null, audience: string, needs: readonly ClaimName[]): Promise<string | null>;
}

export interface ClaimsIssuerOptions {
  /** `iss` of the tokens: where the hub is reached. */
  readonly issuer: string;
  /**
   * The private key as a JWK (P-256), or several as a JWK Set: the first one signs, all are published, so that a key can be
   * replaced while tokens of the old one are still about. @default a key of this process alone
   */
  readonly key?: string;
  /** How long a token holds, in seconds. @default 60 */
  readonly lifetimeSeconds?: number;
  /** The time, in epoch milliseconds. @default Date.now */
  readonly now?: () => number;
}

const algorithm = 'ES256';

/** @throws HubError CONFIG_INVALID if the key is none; the text never repeats it */
export async function createClaimsIssuer(options: ClaimsIssuerOptions): Promise<ClaimsIssuer> {
  const { issuer, lifetimeSeconds = 60, now = Date.now } = options;
  const keys = options.key === undefined ? [await generated()] : await Promise.all(privateKeys(options.key).map(imported));
  const [first] = keys as [OwnKey];
  // Of the key, so that the same person stays the same over restarts and over the processes that share the key.
  const secret = Buffer.from(hkdfSync('sha256', first.secret, '', 'staedtebund pairwise subject', 32));
  const kept = new LRUCache<string, string>({ max: 10_000, ttl: (lifetimeSeconds * 1000) / 2 });

  const sign = async (claims: Readonly<Record<string, unknown>>, audience: string): Promise<string> => {
    const at = Math.floor(now() / 1000);
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: algorithm, kid: first.kid, typ: 'claims+jwt' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(at)
      .setExpirationTime(at + lifetimeSeconds)
      .sign(first.sign);
  };

  return {
    jwks: () => ({ keys: keys.map(({ published }) => published) }),
    async tokenFor(principal, audience, needs) {
      if (!principal || needs.length === 0) return null;
      const { owner, roles, assuranceLevel, ars } = principal;
      const claims = {
        ...(needs.includes('sub') && { sub: createHmac('sha256', secret).update(`${audience}\n${owner}`).digest('base64url') }),
        ...(needs.includes('roles') && { roles }),
        ...(needs.includes('acr') && { acr: assuranceLevel.toLowerCase() }),
        ...(needs.includes('ars') && ars !== null && { ars }),
      };
      const name = createHash('sha256')
        .update(JSON.stringify([audience, claims]))
        .digest('base64url');
      const known = kept.get(name);
      if (known !== undefined) return known;
      const token = await sign(claims, audience);
      // Only here: keeping it again would begin its time anew, and one that is asked for often would be sent past its end.
      kept.set(name, token);
      return token;
    },
  };
}

interface OwnKey {
  readonly kid: string;
  readonly sign: CryptoKey;
  readonly published: JWK;
  /** Bytes that nobody but the holder of the key has. */
  readonly secret: Buffer;
}

async function generated(): Promise<OwnKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  return { ...(await publish(await exportJWK(publicKey))), sign: privateKey, secret: randomBytes(32) };
}

async function imported(jwk: JWK): Promise<OwnKey> {
  const { kty, crv, x, y, d } = jwk;
  if (kty !== 'EC' || crv !== 'P-256' || !x || !y || !d) throw refused();
  try {
    const sign = (await importJWK(jwk, algorithm)) as CryptoKey;
    return { ...(await publish({ kty, crv, x, y })), sign, secret: Buffer.from(d, 'base64url') };
  } catch {
    throw refused();
  }
}

async function publish(jwk: JWK): Promise<Pick<OwnKey, 'kid' | 'published'>> {
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, published: { ...jwk, kid, alg: algorithm, use: 'sig' } };
}

function privateKeys(text: string): readonly JWK[] {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw refused();
  }
  const { keys } = (given ?? {}) as { keys?: unknown };
  const all = (Array.isArray(keys) ? keys : [given]) as readonly JWK[];
  if (all.length === 0 || all.some((one) => typeof one !== 'object' || one === null)) throw refused();
  return all;
}

const refused = (): HubError =>
  new HubError('CONFIG_INVALID', {
    de: 'CLAIMS_KEY ist kein privater Schlüssel: erwartet wird ein JWK (kty EC, crv P-256, mit d) oder ein JWK Set solcher Schlüssel, als JSON',
    en: 'CLAIMS_KEY is no private key: expected a JWK (kty EC, crv P-256, with d) or a JWK Set of such keys, as JSON',
  });
