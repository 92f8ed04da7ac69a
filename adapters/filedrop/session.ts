import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Client, type SFTPWrapper } from 'ssh2';
import { AdapterError, type Call } from '#contract';
import type { FiledropConfig } from './config.ts';
import { createFiles, Lost, promised, type Files } from './files.ts';

/** Files on the server, for one call. */
export interface Session extends Files {
  close(): void;
}

const CONNECT_MS = 8_000;
const REST_MS = 10_000;

/*
 * A connection serves one call at a time and rests for some seconds behind it: servers count how often one logs in, and a
 * handshake costs more than most calls. One that rested shows first that it still lives. An abort destroys the connection and
 * with it everything that was under way; no other call is on it. The host key is compared before anything of ours is sent: a
 * server that shows another one gets neither user nor password.
 */

/** A connection with what ends it. */
interface Connected {
  readonly files: Files;
  readonly socket: Socket;
  readonly end: () => void;
}

/** Opens sessions and can end all that are open. */
export function createSessions(config: FiledropConfig) {
  const sockets = new Set<Socket>();
  const resting: { connected: Connected; timer: NodeJS.Timeout }[] = [];
  const { hostname, port } = new URL(config.url);
  let closed = false;

  async function connectNew(call: Call): Promise<Connected> {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 22), noDelay: true });
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => {});
    const client = new Client();
    let shown: string | null = null;
    const giveUp = () => {
      lost.reject(new Lost('no answer in time'));
      socket.destroy();
    };
    const timer = setTimeout(giveUp, CONNECT_MS);
    call.signal.addEventListener('abort', giveUp, { once: true });
    const end = () => {
      client.end();
      socket.destroy();
    };
    socket.on('error', (error: NodeJS.ErrnoException) => lost.reject(new Lost(error.code ?? 'broken')));
    socket.on('close', () => lost.reject(new Lost('the connection broke')));
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
      return { files: createFiles(sftp, lost.promise), socket, end };
    } catch (error) {
      end();
      throw connectError(error, shown, config);
    } finally {
      clearTimeout(timer);
      call.signal.removeEventListener('abort', giveUp);
    }
  }

  /** One that rested and still lives, or null. */
  async function wake(call: Call): Promise<Connected | null> {
    for (let one = resting.pop(); one; one = resting.pop()) {
      clearTimeout(one.timer);
      const { files, socket, end } = one.connected;
      call.signal.addEventListener('abort', end, { once: true });
      const lives =
        !socket.destroyed &&
        (await files.find('.').then(
          () => true,
          () => false,
        ));
      call.signal.removeEventListener('abort', end);
      if (lives) return one.connected;
      end();
      if (call.signal.aborted) throw neverSent();
    }
    return null;
  }

  function rest(connected: Connected): void {
    if (closed || connected.socket.destroyed) return connected.end();
    const timer = setTimeout(() => {
      resting.splice(
        resting.findIndex((one) => one.connected === connected),
        1,
      );
      connected.end();
    }, REST_MS);
    resting.push({ connected, timer });
  }

  async function open(call: Call): Promise<Session> {
    if (call.signal.aborted || closed) throw neverSent();
    const connected = (await wake(call)) ?? (await connectNew(call));
    if (call.signal.aborted) connected.end();
    call.signal.addEventListener('abort', connected.end, { once: true });
    return {
      ...connected.files,
      close() {
        call.signal.removeEventListener('abort', connected.end);
        rest(connected);
      },
    };
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
      closed = true;
      for (const { timer } of resting.splice(0)) clearTimeout(timer);
      await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.destroy().once('close', resolve))));
    },
  };
}

const neverSent = () => new AdapterError('unavailable', 'none', 'the call ended before anything was sent');

export type Sessions = ReturnType<typeof createSessions>;

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
