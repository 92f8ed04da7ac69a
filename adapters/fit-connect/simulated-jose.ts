import { constants, createDecipheriv, privateDecrypt, sign, verify } from 'node:crypto';
import type { SimulatedKey } from './simulated-keys.ts';

/*
 * JOSE by hand with node:crypto, for the simulated delivery service only: what the adapter makes with a library is taken apart
 * here by other code, and the other way round. A mistake in one of the two shows.
 */

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const pss = (key: SimulatedKey['privateKey']) => ({ key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 });

/** A compact JWS with PS512. */
export function signByHand(claims: unknown, key: SimulatedKey, typ = 'secevent+jwt'): string {
  const signed = `${encode({ alg: 'PS512', typ, kid: key.kid })}.${encode(claims)}`;
  return `${signed}.${sign('sha512', Buffer.from(signed), pss(key.privateKey)).toString('base64url')}`;
}

/** Header and claims of a compact JWS whose PS512 signature holds, else null. */
export function verifyByHand(jws: string, key: SimulatedKey): { header: Record<string, unknown>; claims: Record<string, unknown> } | null {
  const [header = '', claims = '', signature = ''] = jws.split('.');
  if (!verify('sha512', Buffer.from(`${header}.${claims}`), pss(key.publicKey), Buffer.from(signature, 'base64url'))) return null;
  return { header: decode(header) ?? {}, claims: decode(claims) ?? {} };
}

/** The protected header of a compact JWE or JWS, or null where it is none. */
export const headerByHand = (jose: string): Record<string, unknown> | null => decode(jose.split('.')[0] ?? '');

/** The content of a compact JWE (RSA-OAEP-256, A256GCM), or null where it does not open. */
export function openByHand(jwe: string, key: SimulatedKey): string | null {
  const [header = '', encryptedKey = '', iv = '', ciphertext = '', tag = ''] = jwe.split('.');
  const bytes = (text: string) => Buffer.from(text, 'base64url');
  try {
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    const contentKey = privateDecrypt({ key: key.privateKey, ...padding }, bytes(encryptedKey));
    const decipher = createDecipheriv('aes-256-gcm', contentKey, bytes(iv));
    decipher.setAAD(Buffer.from(header)).setAuthTag(bytes(tag));
    return Buffer.concat([decipher.update(bytes(ciphertext)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

function decode(part: string): Record<string, unknown> | null {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
}
