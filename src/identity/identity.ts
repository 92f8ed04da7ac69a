import type { AssuranceLevel, RegionalKey } from '#contract';

/** `operator`: runs the hub. */
export type Role = 'citizen' | 'portal' | 'city' | 'state' | 'operator';

/** Who asks, from a verified access token. */
export interface Principal {
  /** Issuer and subject, joined: the owner of what it submits. */
  readonly owner: string;
  readonly roles: readonly Role[];
  /** The municipality a city's clerk or system acts for. */
  readonly ars: RegionalKey | null;
  readonly assuranceLevel: AssuranceLevel;
  /** When the token ends, in epoch milliseconds: what runs on, as a subscription does, ends then. */
  readonly expiresAt?: number;
}

/** Verifies access tokens (OIDC, RFC 9068). */
export interface Identity {
  /**
   * The principal of an `Authorization` header; null if there is none (an anonymous caller).
   * @throws HubError PROBLEM UNAUTHENTICATED if the token does not verify.
   */
  authenticate(authorization: string | null): Promise<Principal | null>;
}
