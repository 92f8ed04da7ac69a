import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Client, type SFTPWrapper } from 'ssh2';
import { AdapterError, type Call } from '#contract';
import type { FiledropConfig } from './config.ts';

/** A regular file on the server. */
export interface RemoteFile {
  readonly name: string;
  readonly bytes: number;
  /** Of its last change, by the server's clock, in seconds: SFTP knows no finer time. */
  readonly mtime: number;
}

/** Files on the server, for one call. */
export interface Session {
  /** Regular files of a folder. @throws AdapterError misconfigured where it is not there */
  list(folder: string): Promise<readonly RemoteFile[]>;
  /** Null where there is none. */
  find(path: string): Promise<RemoteFile | null>;
  read(path: string): Promise<Buffer>;
  /** Writes a file anew. */
  write(path: string, content: Buffer): Promise<void>;
  /** In one step, whoever looks sees the one name or the other. @throws AdapterError unknown where the connection breaks meanwhile */
  rename(from: string, to: string): Promise<void>;
  /** Nothing where it is gone already. */
  remove(path: string): Promise<void>;
  close(): void;
}

const CONNECT_MS = 8_000;
/** Status codes of SFTP (draft-ietf-secsh-filexfer-02). */
const [NO_SUCH_FILE, PERMISSION_DENIED] = [2, 3];

/*
 * One connection per call: an abort destroys it and with it everything that was under way, and no call can disturb another.
 * The host key is compared before anything of ours is sent; a server that shows another one gets neither user nor password.
 */

/** Opens sessions and can end all that are open. */
export function createSessions(config: FiledropConfig) {
  const sockets = new Set<Socket>();
  const { hostname, port } = new URL(config.url);

  async function open(call: Call): Promise<Session> {
    call.signal.throwIfAborted();
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 22), noDelay: true });
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => {});
    const client = new Client();
    let shown: string | null = null;
    const giveUp = () => {
      lost.reject(new Lost(call.signal.aborted ? 'the call ended' : 'no answer in time'));
      socket.destroy();
    };
    const timer = setTimeout(giveUp, CONNECT_MS);
    call.signal.addEventListener('abort', giveUp, { once: true });
    const close = () => {
      clearTimeout(timer);
      call.signal.removeEventListener('abort', giveUp);
      client.end();
      socket.destroy();
    };
    socket.on('error', (error: NodeJS.ErrnoException) => lost.reject(new Lost(error.code ?? 'broken')));
    client.on('error', (error: Error & { level?: string; code?: string }) =>
      lost.reject(error.level === 'client-authentication' ? error : new Lost(error.code ?? error.level ?? 'broken')),
    );
    client.on('close', () => lost.reject(new Lost('the connection broke')));
    try {
      const ready = new Promise<void>((resolve) => client.once('ready', resolve));
      client.connect({
        sock: socket,
        username: config.user,
        ...('password' in config.auth
          ? { password: config.auth.password }
          : {
              privateKey: config.auth.privateKey,
              ...(config.auth.passphrase === undefined ? {} : { passphrase: config.auth.passphrase }),
            }),
        readyTimeout: 0,
        hostVerifier: (key: Buffer) => {
          shown = `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
          return config.hostKey.includes(shown);
        },
      });
      await Promise.race([ready, lost.promise]);
      const sftp = await Promise.race([promised<SFTPWrapper>((done) => client.sftp(done)), lost.promise]);
      clearTimeout(timer);
      return { ...operations(sftp, lost.promise), close };
    } catch (error) {
      close();
      throw connectError(error, shown, config);
    }
  }

  return {
    /** Runs with a session of its own, which ends with it. */
    async use<T>(call: Call, run: (session: Session) => Promise<T>): Promise<T> {
      const session = await open(call);
      try {
        return await run(session);
      } finally {
        session.close();
      }
    },
    open,
    async close() {
      await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.destroy().once('close', resolve))));
    },
  };
}

export type Sessions = ReturnType<typeof createSessions>;

/** The connection is gone: what was under way may have happened. */
class Lost extends Error {}

function connectError(error: unknown, shown: string | null, { hostKey }: FiledropConfig): AdapterError {
  if (error instanceof Error && 'level' in error && error.level === 'client-authentication')
    return new AdapterError('misconfigured', 'none', 'the server accepts neither user nor key or password');
  if (shown !== null && !hostKey.includes(shown))
    return new AdapterError(
      'misconfigured',
      'none',
      `the server shows another host key (${shown}) than config.hostKey: nothing was sent. Ask its operator`,
    );
  if (error instanceof Error && /privateKey|passphrase/i.test(error.message))
    return new AdapterError('misconfigured', 'none', 'config.auth.privateKey is no private key, or its passphrase is wrong');
  return new AdapterError('unavailable', 'none', `the server could not be reached (${error instanceof Lost ? error.message : 'broken'})`);
}

function operations(sftp: SFTPWrapper, lost: Promise<never>): Omit<Session, 'close'> {
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
        await plain();
      }
    },
    remove: (path) =>
      ask<void>(path, (done) => sftp.unlink(path, (error) => done(error, undefined)))
        .catch(absent)
        .then(() => undefined),
  };
}

/** There is no such file or folder. */
class Missing extends AdapterError {}
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

const promised = <T>(run: (done: (error: Error | null | undefined, result: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => run((error, result) => (error ? reject(error) : resolve(result))));
