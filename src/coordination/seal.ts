import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { HubError } from '#contract';

/*
 * Facts rest sealed: AES-256-GCM under a key that does not lie in the store, bound to what they belong to. What the key's
 * owner throws away cannot be read again, backups included.
 *
 *   sealed = <id of the key>.<nonce>.<tag>.<ciphertext>, each base64url
 *
 * Keys change by putting a new one in front: the first seals, all of them open.
 */

/** Seals and opens texts. */
export interface Seal {
  /** @param about what the text belongs to; it opens for nothing else */
  seal(text: string, about: string): string;
  /** Null if its key is gone. @throws Error if it was tampered with or belongs to something else */
  open(sealed: string, about: string): string | null;
  /** The same for the same text, and for nobody without the keys. The oldest key makes it, so that a new one changes nothing. */
  pseudonym(text: string): string;
}

const keyBytes = 32;
const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const derive = (key: Uint8Array, use: string): Buffer => Buffer.from(hkdfSync('sha256', key, '', `staedtebund ${use}`, keyBytes));

/**
 * A seal over keys of 32 bytes in base64, separated by commas, the newest first.
 * @throws HubError CONFIG_INVALID if one is not of that form; the message does not repeat it
 */
export function createSeal(keys: string): Seal {
  const roots = keys.split(',').map((text) => Buffer.from(text.trim(), 'base64'));
  const wrong = roots.findIndex((key) => key.length !== keyBytes);
  if (wrong >= 0)
    throw new HubError('CONFIG_INVALID', {
      de: `FACTS_KEY: Schlüssel ${wrong + 1} besteht nicht aus 32 Bytes in Base64. So entsteht einer: openssl rand -base64 32`,
      en: `FACTS_KEY: key ${wrong + 1} is not 32 bytes in base64. Make one with: openssl rand -base64 32`,
    });
  const rings = roots.map((root) => ({
    id: createHash('sha256').update(root).digest('base64url').slice(0, 8),
    key: derive(root, 'facts'),
  }));
  const [newest] = rings;
  const oldest = derive(roots.at(-1) ?? Buffer.alloc(0), 'pseudonym');
  if (!newest)
    throw new HubError('CONFIG_INVALID', {
      de: 'FACTS_KEY enthält keinen Schlüssel.',
      en: 'FACTS_KEY holds no key.',
    });
  return {
    seal(text, about) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', newest.key, nonce).setAAD(Buffer.from(about));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return [newest.id, encode(nonce), encode(cipher.getAuthTag()), encode(body)].join('.');
    },
    open(sealed, about) {
      const [id, nonce = '', tag = '', body = ''] = sealed.split('.');
      const ring = rings.find((one) => one.id === id);
      if (!ring) return null;
      const part = (text: string) => Buffer.from(text, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', ring.key, part(nonce), { authTagLength: 16 })
        .setAAD(Buffer.from(about))
        .setAuthTag(part(tag));
      return Buffer.concat([decipher.update(part(body)), decipher.final()]).toString('utf8');
    },
    pseudonym: (text) => createHmac('sha256', oldest).update(text).digest('hex').slice(0, 32),
  };
}
