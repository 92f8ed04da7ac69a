import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { HubError, refuse } from '#contract';
import { toPrincipal } from './claims.ts';
import type { Identity, Principal } from './identity.ts';
import { createKeys } from './keys.ts';

/** How access tokens are verified. */
export interface IdentityOptions {
  /** The issuer's identifier, exactly as its tokens state it in `iss`. */
  readonly issuer: string;
  /** What tokens for this hub carry in `aud`. */
  readonly audience: string;
  /** Where its keys are. @default what its discovery document (`/.well-known/openid-configuration`) names */
  readonly jwksUrl?: string | undefined;
  /** Clock difference borne between issuer and hub, in seconds. @default 5 */
  readonly clockToleranceSeconds?: number;
  /** Longest wait for the issuer, in milliseconds. @default 3000 */
  readonly timeoutMs?: number;
  /** How long the issuer is left alone after a failed attempt, in milliseconds. @default 2000 */
  readonly pauseMs?: number;
  /** How long known keys serve on while the issuer is away, in milliseconds. @default 3_600_000 */
  readonly graceMs?: number;
  /** The time, in epoch milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Asymmetric only: with a pinned list neither `none` nor a MAC keyed with the public key can pass. */
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** Headers by which a token would bring its own key. */
const foreignKeys = ['jku', 'jwk', 'x5u', 'x5c'] as const;

const tokenTypes = new Set(['at+jwt', 'application/at+jwt', 'jwt']);

const longestToken = 8192;

const unauthenticated = () => refuse({ code: 'UNAUTHENTICATED' });

/** Verifies OIDC access tokens (RFC 9068) against one issuer. Makes no call before the first token. */
export function createIdentity(options: IdentityOptions): Identity {
  const now = options.now ?? Date.now;
  const keys = createKeys({
    issuer: options.issuer,
    jwksUrl: options.jwksUrl,
    timeoutMs: options.timeoutMs ?? 3000,
    pauseMs: options.pauseMs ?? 2000,
    graceMs: options.graceMs ?? 3_600_000,
    now,
  });

  const verify = async (token: string): Promise<Principal> => {
    const header = decodeProtectedHeader(token);
    if (foreignKeys.some((name) => name in header)) throw unauthenticated();
    if (header.typ !== undefined && !tokenTypes.has(header.typ.toLowerCase())) throw unauthenticated();
    const { payload } = await jwtVerify(token, keys, {
      algorithms,
      issuer: options.issuer,
      audience: options.audience,
      clockTolerance: options.clockToleranceSeconds ?? 5,
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(now()),
    });
    const principal = toPrincipal(payload);
    if (!principal) throw unauthenticated();
    return { ...principal, expiresAt: (payload.exp ?? 0) * 1000 };
  };

  return {
    authenticate: async (authorization) => {
      if (authorization === null || authorization === '') return null;
      const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization)?.[1];
      if (!token || token.length > longestToken) throw unauthenticated();
      try {
        return await verify(token);
      } catch (cause) {
        // Why a token failed helps only those who forge one: the caller learns that it did.
        if (cause instanceof HubError) throw cause;
        if (cause instanceof errors.JOSEError || cause instanceof TypeError) throw unauthenticated();
        throw cause;
      }
    },
  };
}
