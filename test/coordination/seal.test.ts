import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createSeal } from '../../src/coordination/seal.ts';
import { besideStore, readOrMakeKey } from '../../src/infra/key-file.ts';

const key = () => randomBytes(32).toString('base64');

describe('a seal', () => {
  const seal = createSeal(key());

  test('opens what it sealed, and shows nothing of it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, unit: 'grapheme' }), fc.uuid(), (text, about) => {
        const sealed = seal.seal(text, about);
        expect(seal.open(sealed, about)).toBe(text);
        expect(sealed).not.toContain(text);
        expect(sealed).not.toBe(seal.seal(text, about));
      }),
    );
  });

  test('opens for nothing else, and not where one character is another', () => {
    const sealed = seal.seal('Friederike', 'one');
    expect(() => seal.open(sealed, 'two')).toThrow(/authenticate/);
    const [id, nonce, tag, body = ''] = sealed.split('.');
    const other = `${body[0] === 'A' ? 'B' : 'A'}${body.slice(1)}`;
    expect(() => seal.open([id, nonce, tag, other].join('.'), 'one')).toThrow(/authenticate/);
  });

  test('with a new key in front opens what the old one sealed, and knows the same people', () => {
    const old = key();
    const [before, after] = [createSeal(old), createSeal(`${key()}, ${old}`)];
    expect(after.open(before.seal('Friederike', 'one'), 'one')).toBe('Friederike');
    expect(after.pseudonym('account 7')).toBe(before.pseudonym('account 7'));
    expect(before.open(after.seal('Friederike', 'one'), 'one'), 'its key is not there').toBeNull();
    expect(createSeal(key()).pseudonym('account 7')).not.toBe(before.pseudonym('account 7'));
  });

  test.each(['', 'c2hvcnQ=', `${key()},c2hvcnQ=`])('a key that is none is refused, and not repeated', (keys) => {
    expect(() => createSeal(keys)).toThrow(/FACTS_KEY: key \d is not 32 bytes in base64/);
    expect(() => createSeal(keys)).not.toThrow(/c2hvcnQ/);
  });
});

describe('a key that a hub makes for itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-key-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('lies beside its SQLite file, and nowhere for a database server', () => {
    expect(besideStore('sqlite:./data/hub.db', 'facts.key')).toBe('data/facts.key');
    expect(besideStore('sqlite:///var/lib/hub.db', 'facts.key')).toBe('/var/lib/facts.key');
    expect(besideStore('postgres://localhost/hub', 'facts.key')).toBeNull();
  });

  test('is made once, for its owner’s eyes', () => {
    const path = join(folder, 'new', 'facts.key');
    const made = readOrMakeKey(path);
    expect(Buffer.from(made, 'base64')).toHaveLength(32);
    expect(readOrMakeKey(path)).toBe(made);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(readdirSync(join(folder, 'new'))).toEqual(['facts.key']);
  });
});
