import type { SFTPWrapper } from 'ssh2';
import { AdapterError } from '#contract';

/** A regular file on the server. */
export interface RemoteFile {
  readonly name: string;
  readonly bytes: number;
  /** Of its last change, by the server's clock, in seconds: SFTP knows no finer time. */
  readonly mtime: number;
}

/** What can be done with files on the server. */
export interface Files {
  /** Regular files of a folder. @throws AdapterError misconfigured where it is not there */
  list(folder: string): Promise<readonly RemoteFile[]>;
  /** Null where there is none. */
  find(path: string): Promise<RemoteFile | null>;
  read(path: string): Promise<Buffer>;
  /** Writes a file anew. */
  write(path: string, content: Buffer): Promise<void>;
  /** In one step, whoever looks sees the one name or the other; a server without POSIX's rename refuses where `to` is there, unless it is a .part. @throws AdapterError unknown where the connection breaks meanwhile */
  rename(from: string, to: string): Promise<void>;
  /** Nothing where it is gone already. */
  remove(path: string): Promise<void>;
}

/** Status codes of SFTP (draft-ietf-secsh-filexfer-02). */
const [NO_SUCH_FILE, PERMISSION_DENIED] = [2, 3];

/** The connection is gone: what was under way may have happened. */
export class Lost extends Error {}

/** SFTP's operations as promises that end when the connection does, with errors that say which path they are about. */
export function createFiles(sftp: SFTPWrapper, lost: Promise<never>): Files {
  const ask = async <T>(
    what: string,
    run: (done: (error: Error | null | undefined, result: T) => void) => void,
    effect: 'none' | 'unknown' = 'none',
  ): Promise<T> => {
    try {
      return await Promise.race([promised<T>(run), lost]);
    } catch (error) {
      throw operationError(error, what, effect);
    }
  };
  const absent = (error: unknown): null => {
    if (error instanceof Missing) return null;
    throw error;
  };
  const remove = (path: string) =>
    ask<void>(path, (done) => sftp.unlink(path, (error) => done(error, undefined)))
      .catch(absent)
      .then(() => undefined);
  return {
    async list(folder) {
      const entries = await ask<Parameters<Parameters<SFTPWrapper['readdir']>[1]>[1]>(folder, (done) => sftp.readdir(folder, done));
      return entries.flatMap(({ filename, attrs }) =>
        // A link could lead anywhere; a name with a slash is none.
        attrs.isFile() && !/[/\\]/.test(filename) ? [{ name: filename, bytes: attrs.size, mtime: attrs.mtime }] : [],
      );
    },
    find: (path) =>
      ask<{ size: number; mtime: number }>(path, (done) => sftp.lstat(path, done)).then(
        ({ size, mtime }) => ({ name: path.split('/').at(-1) ?? path, bytes: size, mtime }),
        absent,
      ),
    read: (path) => ask<Buffer>(path, (done) => sftp.readFile(path, done)),
    write: (path, content) => ask<void>(path, (done) => sftp.writeFile(path, content, { mode: 0o660 }, (error) => done(error, undefined))),
    async rename(from, to) {
      const plain = () => ask<void>(to, (done) => sftp.rename(from, to, (error) => done(error, undefined)), 'unknown');
      try {
        // POSIX's rename is one step everywhere; the older one is where a server does not have it.
        await ask<void>(to, (done) => sftp.ext_openssh_rename(from, to, (error) => done(error, undefined)), 'unknown');
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error;
        if (to.endsWith('.part')) await remove(to);
        await plain();
      }
    },
    remove,
  };
}

/** There is no such file or folder. */
export class Missing extends AdapterError {}
class Unsupported extends AdapterError {}

function operationError(error: unknown, what: string, effect: 'none' | 'unknown'): AdapterError {
  if (error instanceof Lost) return new AdapterError('unavailable', effect, `the connection to the server broke (${error.message})`);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof Error && /does not support/i.test(error.message))
    return new Unsupported('unsupported', 'none', 'not known to the server');
  if (code === NO_SUCH_FILE)
    return new Missing('misconfigured', 'none', `${what} is not on the server: see the folders in the city’s file`);
  if (code === PERMISSION_DENIED) return new AdapterError('misconfigured', 'none', `the account may not do this with ${what}`);
  if (typeof code === 'number')
    return new AdapterError('unavailable', 'none', `the server failed with ${what} (SFTP status ${code}): disk full, or quota?`);
  return new AdapterError('unavailable', effect, 'the connection to the server broke');
}

export const promised = <T>(run: (done: (error: Error | null | undefined, result: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => run((error, result) => (error ? reject(error) : resolve(result))));
