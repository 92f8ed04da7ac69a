import { parseMunicipalityArs, type AssuranceLevel } from '#contract';
import type { Principal, Role } from './identity.ts';

/** Names of assurance levels in `acr`: plain words, the eIDAS URIs and the STORK levels that BundID sends. */
const levels: Readonly<Record<string, AssuranceLevel>> = {
  low: 'LOW',
  substantial: 'SUBSTANTIAL',
  high: 'HIGH',
  'http://eidas.europa.eu/LoA/low': 'LOW',
  'http://eidas.europa.eu/LoA/substantial': 'SUBSTANTIAL',
  'http://eidas.europa.eu/LoA/high': 'HIGH',
  'STORK-QAA-Level-1': 'NONE',
  'STORK-QAA-Level-2': 'LOW',
  'STORK-QAA-Level-3': 'SUBSTANTIAL',
  'STORK-QAA-Level-4': 'HIGH',
};

const knownRoles: readonly Role[] = ['citizen', 'portal', 'city', 'state', 'operator'];

/** Claims of a verified token, as far as the hub reads them. */
export interface Claims {
  readonly iss?: unknown;
  readonly sub?: unknown;
  readonly roles?: unknown;
  readonly ars?: unknown;
  readonly acr?: unknown;
}

/**
 * Who a verified token speaks for; null if it names no subject. What is not understood gives no right: an unknown
 * role, an unknown assurance level, a city's role without the city's ARS.
 */
export function toPrincipal(claims: Claims): Principal | null {
  const { iss, sub } = claims;
  if (typeof iss !== 'string' || typeof sub !== 'string' || sub.length === 0 || sub.length > 255) return null;
  const ars = typeof claims.ars === 'string' ? parseMunicipalityArs(claims.ars) : null;
  const named: readonly unknown[] = Array.isArray(claims.roles) ? claims.roles : [];
  const roles = knownRoles.filter((role) => named.includes(role) && (role !== 'city' || ars !== null));
  const level = typeof claims.acr === 'string' && Object.hasOwn(levels, claims.acr) ? levels[claims.acr] : undefined;
  return { owner: `${iss}|${sub}`, roles, ars: roles.includes('city') ? ars : null, assuranceLevel: level ?? 'NONE' };
}
