import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Where a secret lies that a hub makes for itself: beside its SQLite file. Null for a database server, which several hubs may
 * share: they need the same secret, so somebody must give it to them.
 */
export const besideStore = (storeUrl: string, name: string): string | null =>
  storeUrl.startsWith('sqlite:') ? join(dirname(storeUrl.slice('sqlite:'.length).replace(/^\/\/(?=\/|\.)/, '')), name) : null;

/** The key of a file (32 bytes, base64), made where it is missing and readable by its owner alone. Two processes that make it at once get the same. */
export function readOrMakeKey(path: string): string {
  const read = () => readFileSync(path, 'utf8').trim();
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Written whole before it has its name; the first name counts.
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return read();
}
