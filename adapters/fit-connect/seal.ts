import { createHash } from 'node:crypto';
import { compactDecrypt, CompactEncrypt, importJWK, type CryptoKey, type JWK } from 'jose';
import { AdapterError } from '#contract';

/*
 * FIT-Connect's profile of JWE: compact, RSA-OAEP-256 and A256GCM, keys of 4096 bits, `cty` says what is inside, nothing is
 * compressed. Data, metadata and each attachment are JWEs of their own. The last segment of each, its authentication tag,
 * goes into the signed events of the case: that is how both sides know that they speak of the same ciphertext.
 */

/** Content of one part of a submission. */
export interface Part {
  readonly content: Uint8Array;
  /** Media type of the content, the `cty` of its JWE. */
  readonly type: string;
}

/** A public key of a destination. */
export interface DestinationKey {
  readonly kid: string;
  readonly key: CryptoKey;
}

/** 4096 bits are 683 characters of base64url, or one more where a zero byte leads. */
const SHORTEST_MODULUS = 683;
const LARGEST_HEADER = 4096;

/** @throws AdapterError misconfigured where the key is too weak or meant for something else. */
export const importEncryptionKey = (jwk: JWK): Promise<DestinationKey> => importKey(jwk, 'RSA-OAEP-256', 'wrapKey', 'enc');

/** @throws AdapterError misconfigured where the key is too weak or meant for something else. */
export const importVerificationKey = (jwk: JWK): Promise<DestinationKey> => importKey(jwk, 'PS512', 'verify', 'sig');

async function importKey(jwk: JWK, alg: 'RSA-OAEP-256' | 'PS512', operation: string, use: string): Promise<DestinationKey> {
  const refuse = (why: string) => new AdapterError('misconfigured', 'none', `a key of FIT-Connect is refused: ${why}`);
  if (jwk.kty !== 'RSA' || typeof jwk.n !== 'string' || typeof jwk.e !== 'string') throw refuse('it is not an RSA key');
  if (typeof jwk.kid !== 'string' || jwk.kid === '') throw refuse('it has no kid');
  if (jwk.d !== undefined) throw refuse('it is a private key; whoever published it must replace it');
  if (jwk.alg !== alg) throw refuse(`it is not for ${alg}`);
  if (jwk.n.length < SHORTEST_MODULUS) throw refuse('it is shorter than 4096 bits');
  if ((jwk.key_ops && !jwk.key_ops.includes(operation)) || (jwk.use !== undefined && jwk.use !== use))
    throw refuse(`it is not for ${operation}`);
  try {
    return { kid: jwk.kid, key: await importJWK({ kty: 'RSA' as const, n: jwk.n, e: jwk.e }, alg) };
  } catch {
    throw refuse('it cannot be read');
  }
}

/** The part as a compact JWE that only the holder of the private key can open. */
export const seal = (part: Part, { kid, key }: DestinationKey): Promise<string> =>
  new CompactEncrypt(part.content).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid, cty: part.type }).encrypt(key);

/** @throws AdapterError malformed where it was not made for this key or was changed on its way. */
export async function open(jwe: string, privateKey: CryptoKey): Promise<Part> {
  try {
    if (jwe.indexOf('.') > LARGEST_HEADER) throw new Error('header too large');
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, privateKey, {
      keyManagementAlgorithms: ['RSA-OAEP-256'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    return { content: plaintext, type: protectedHeader.cty ?? '' };
  } catch {
    throw new AdapterError('malformed', 'none', 'a part of the submission cannot be decrypted with the destination’s key');
  }
}

/** The authentication tag of a compact JWE, its last segment; empty where it is none. */
export const tagOf = (jwe: string): string => /^[\w-]+\.[\w-]+\.[\w-]+\.[\w-]*\.([\w-]{22})$/.exec(jwe)?.[1] ?? '';

/** SHA-512, hexadecimal, as FIT-Connect writes hashes. */
export const sha512 = (content: Uint8Array): string => createHash('sha512').update(content).digest('hex');
