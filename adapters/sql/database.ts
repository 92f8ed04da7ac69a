import type { Socket } from 'node:net';
import { AdapterError, type Call } from '#contract';
import type { Connection, Driver, Result } from './connection.ts';
import type { Statement } from './dialect.ts';
import type { Trouble } from './trouble.ts';
import { withoutEffect } from './trouble.ts';

/*
 * A few connections, opened when they are needed and closed when they rest:
 *
 *   deadline   each statement begins by telling the server how long it may run, so that it ends there too when the hub is gone.
 *              The same question shows whether a connection that rested still lives; if not, a new one is opened, and a write
 *              never meets a dead connection after it was sent.
 *   abort      the socket is destroyed at once, and the server is told over a connection of its own to end what ran on it.
 *   effect     whatever fails before the statement is sent has none.
 */

const CONNECT_MS = 5_000;
const KILL_MS = 1_000;
const IDLE_MS = 10_000;

export interface Database {
  /** @throws AdapterError without effect where it fails. */
  read(statement: Statement, call: Call): Promise<Result>;
  /** The trouble that came after it was sent, or null. @throws AdapterError without effect where it was never sent. */
  write(statement: Statement, call: Call): Promise<Trouble | null>;
  /** What the server calls itself. */
  system(call: Call): Promise<string>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly driver: Driver;
  readonly explain: (error: unknown) => Trouble;
  /** Connections at most. */
  readonly size: number;
  readonly now: () => Date;
}

export function createDatabase({ driver, explain, size, now }: DatabaseOptions): Database {
  const sockets = new Set<Socket>();
  const idle: { connection: Connection; timer: NodeJS.Timeout }[] = [];
  const waiting: (() => void)[] = [];
  let busy = 0;
  let closed = false;

  async function open(signal: AbortSignal): Promise<Connection> {
    let mine: Socket | undefined;
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
    const giveUp = () => void mine?.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }));
    timeout.addEventListener('abort', giveUp);
    const opening = driver.open((socket) => {
      mine = socket;
      sockets.add(socket);
      // The driver may have left it before the last error comes.
      socket.on('error', () => {});
      socket.once('close', () => sockets.delete(socket));
      if (timeout.aborted || closed) giveUp();
    });
    try {
      // A driver that is silent about a destroyed socket must not keep the call.
      return await orAborted(opening, timeout);
    } catch (error) {
      mine?.destroy();
      opening.then(
        (late) => late.destroy(),
        () => {},
      );
      throw error;
    } finally {
      timeout.removeEventListener('abort', giveUp);
    }
  }

  const timeLeft = (call: Call): number => Math.max(1, call.deadline.getTime() - now().getTime());
  const neverSent = () => new AdapterError('unavailable', 'none', 'the call ended before anything was sent');

  async function acquire(call: Call): Promise<Connection> {
    while (busy >= size)
      await orAborted(new Promise<void>((resolve) => waiting.push(resolve)), call.signal).catch(() => {
        throw neverSent();
      });
    busy++;
    try {
      for (let rested = idle.pop(); rested; rested = idle.pop()) {
        clearTimeout(rested.timer);
        const { connection } = rested;
        const lives = connection.closed() ? Promise.reject(new Error('closed')) : connection.limit(timeLeft(call));
        if (
          await orAborted(lives, call.signal).then(
            () => true,
            () => false,
          )
        )
          return connection;
        connection.destroy();
        call.signal.throwIfAborted();
      }
      const fresh = await open(call.signal);
      await orAborted(fresh.limit(timeLeft(call)), call.signal).catch((error: unknown) => {
        fresh.destroy();
        throw error;
      });
      return fresh;
    } catch (error) {
      leave();
      throw call.signal.aborted ? neverSent() : withoutEffect(explain(error));
    }
  }

  function leave(): void {
    busy--;
    // One of them may have given up: all look again.
    for (const wake of waiting.splice(0)) wake();
  }

  function release(connection: Connection): void {
    if (closed || connection.closed()) connection.destroy();
    else {
      const timer = setTimeout(() => {
        idle.splice(
          idle.findIndex((one) => one.connection === connection),
          1,
        );
        connection.end().catch(() => connection.destroy());
      }, IDLE_MS);
      idle.push({ connection, timer });
    }
    leave();
  }

  async function run({ sql, values }: Statement, call: Call): Promise<Result> {
    if (closed) throw new AdapterError('unavailable', 'none', 'the adapter is stopped');
    const connection = await acquire(call);
    let result: Result;
    try {
      result = await orAborted(connection.query(sql, values), call.signal);
    } catch (error) {
      const aborted = call.signal.aborted;
      // After an error of the database the connection works on; after any other nobody knows what comes next on it.
      if (aborted || wire(error)) connection.destroy();
      if (aborted) void kill(connection.id);
      release(connection);
      throw error;
    }
    release(connection);
    return result;
  }

  const wire = (error: unknown): boolean => explain(error).effect === 'unknown';

  /** Best effort: the server’s own limit does the same a little later. */
  async function kill(id: string): Promise<void> {
    if (closed) return;
    const { sql } = driver.kill(id);
    const signal = AbortSignal.timeout(KILL_MS);
    const connection = await open(signal).catch(() => null);
    if (!connection) return;
    await orAborted(connection.query(sql, []), signal).catch(() => {});
    connection.destroy();
  }

  return {
    read: (statement, call) =>
      run(statement, call).catch((error: unknown) => {
        throw error instanceof AdapterError ? error : withoutEffect(call.signal.aborted ? ended : explain(error));
      }),
    write: (statement, call) =>
      run(statement, call).then(
        () => null,
        (error: unknown) => {
          if (error instanceof AdapterError) throw error;
          return call.signal.aborted ? ended : explain(error);
        },
      ),
    async system(call) {
      const connection = await acquire(call);
      release(connection);
      return connection.system;
    },
    async close() {
      closed = true;
      for (const { connection, timer } of idle.splice(0)) {
        clearTimeout(timer);
        connection.end().catch(() => {});
        connection.destroy();
      }
      const gone = [...sockets].map((socket) => new Promise((resolve) => socket.destroy().once('close', resolve)));
      await Promise.all(gone);
    },
  };
}

const ended: Trouble = { kind: 'unavailable', effect: 'unknown', message: 'the call ended before the database answered' };

/** The outcome of the work, or a rejection at the moment the signal aborts; then the work goes on unobserved. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {});
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(new Error('aborted'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
