import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'jose';

/** A key pair with the JWK that is published of it. */
export interface SimulatedKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly published: JWK;
}

/** Keys of the simulated delivery service, of a destination and of the portal that signs destinations. */
export interface SimulatedKeys {
  readonly service: SimulatedKey;
  readonly encryption: SimulatedKey;
  readonly signing: SimulatedKey;
  readonly portal: SimulatedKey;
  /** 2048 bits: what the adapter must refuse. */
  readonly weak: SimulatedKey;
}

const generate = promisify(generateKeyPair);

async function make(kid: string, alg: 'PS512' | 'RSA-OAEP-256', modulusLength = 4096): Promise<SimulatedKey> {
  const { privateKey, publicKey } = await generate('rsa', { modulusLength });
  const published = { ...(publicKey.export({ format: 'jwk' }) as JWK), kid, alg, key_ops: [alg === 'PS512' ? 'verify' : 'wrapKey'] };
  return { kid, privateKey, publicKey, published };
}

let keys: Promise<SimulatedKeys> | undefined;

/** Made once per process: 4096 bits take their time. */
export function simulatedKeys(): Promise<SimulatedKeys> {
  keys ??= Promise.all([
    make('simulated-service', 'PS512'),
    make('simulated-encryption', 'RSA-OAEP-256'),
    make('simulated-signing-verify', 'PS512'),
    make('simulated-portal', 'PS512'),
    make('simulated-weak', 'RSA-OAEP-256', 2048),
  ]).then(([service, encryption, signing, portal, weak]) => ({ service, encryption, signing, portal, weak }));
  return keys;
}
