import { fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';

/*
 * Where helpers live. A thread shares the process: cheap, and right for code that cannot bring the process down. A process of its
 * own is for native code, whose crash ends the process that it runs in.
 */

/** What a helper's host says. */
export interface HostEvents {
  readonly onMessage: (message: unknown) => void;
  /** Once. `isOwnFault`: false if somebody outside ended it (SIGKILL, SIGTERM, SIGINT). */
  readonly onGone: (end: { readonly isOwnFault: boolean; readonly why: string }) => void;
}

/** A running helper. */
export interface Host {
  post(message: unknown): void;
  end(): Promise<unknown>;
}

/** Starts a helper. It keeps no process alive: it has nothing to say once nobody asks. */
export type StartHost = (name: string, events: HostEvents) => Host;

/** Where the hub is installed as a package, Node strips no types (src/strip-types.js). */
const stripping = import.meta.url.includes('/node_modules/') ? ['--import', new URL('../strip-types.js', import.meta.url).href] : [];

/** A thread that runs `file`. */
export const inThread =
  (file: URL): StartHost =>
  (name, { onMessage, onGone }) => {
    const worker = new Worker(file, { name, ...(stripping.length > 0 && { execArgv: stripping }) });
    worker.unref();
    worker
      .on('message', onMessage)
      .on('error', (error) => onGone({ isOwnFault: true, why: error instanceof Error ? error.message : 'an error' }))
      .on('exit', (code) => onGone({ isOwnFault: true, why: `exit code ${code}` }));
    return {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      post: (message) => worker.postMessage(message),
      end: () => worker.terminate(),
    };
  };

const fromOutside: ReadonlySet<string | null> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

/** Characters of what a process last wrote to stderr that are told when it is gone: why a native part gave up stands there. */
const lastWords = 500;

/** A process that runs `file`, which must call `endWithParent`. It is given no environment: what is secret there stays here. */
export const inProcess =
  (file: URL): StartHost =>
  (_name, { onMessage, onGone }) => {
    const child = fork(file, { execArgv: stripping, env: {}, serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let stderr = '';
    const unref = (...those: readonly unknown[]) => {
      for (const one of those) (one as { unref?(): void } | null | undefined)?.unref?.();
    };
    unref(child, child.channel, child.stderr);
    const closed = Promise.withResolvers<string>();
    const disconnected = Promise.withResolvers<void>();
    let isOwnFault = true;
    child.stderr?.on('data', (part: Buffer) => void (stderr = `${stderr}${part.toString()}`.slice(-lastWords)));
    child
      .on('message', onMessage)
      .on('error', (error) => onGone({ isOwnFault: false, why: error.message }))
      .on('disconnect', () => disconnected.resolve())
      .on('close', (code, signal) => {
        closed.resolve(signal ?? `exit code ${code}`);
        isOwnFault = !fromOutside.has(signal);
      });
    // Not `exit`: its last answers and its last words may come after that.
    const gone = Promise.all([closed.promise, disconnected.promise]).then(([why]) => {
      const words = stderr.trim().replaceAll(/\s+/g, ' ');
      onGone({ isOwnFault, why: `${why}${words && `: ${words}`}` });
    });
    return {
      // What can no longer be said is told by `close`.
      post: (message) => void child.send(message as object, () => {}),
      async end() {
        if (child.exitCode !== null || child.signalCode !== null) return;
        // It waits for nothing, and where it computes it hears nothing else.
        child.kill('SIGKILL');
        child.ref();
        await gone;
      },
    };
  };

/** In a process started by `inProcess`: ends it with the one that started it, however that one ended and whatever it computes. */
export function endWithParent(): void {
  if (!process.send) return;
  // Sent to all processes of a terminal or a unit; the hub has yet to finish what it has begun.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit());
  const watch = `setInterval(() => { if (process.ppid !== ${process.ppid}) process.kill(process.pid, 'SIGKILL'); }, 1000);`;
  new Worker(watch, { eval: true, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 16 } }).unref();
}
