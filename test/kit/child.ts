import { fork, type Serializable } from 'node:child_process';
import { once } from 'node:events';

/** A process of an experiment, which answers each message with one. */
export interface Child {
  /** What it said when it was ready. */
  readonly said: unknown;
  /** One question at a time. */
  ask<T>(message: Serializable): Promise<T>;
  /** Lets it end by itself. */
  end(): Promise<void>;
}

/** Starts a module as a process of its own; resolves when it says something. */
export async function startChild(module: URL, args: readonly string[] = [], execArgv: readonly string[] = []): Promise<Child> {
  const child = fork(module, args, { execArgv: [...process.execArgv, ...execArgv] });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`${module.pathname} ended by itself (${code})`);
  });
  gone.catch(() => {});
  const next = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(child, 'message'), gone])) as [unknown];
    return message;
  };
  return {
    said: await next(),
    ask: async <T>(message: Serializable) => {
      child.send(message);
      return (await next()) as T;
    },
    async end() {
      if (child.connected) child.disconnect();
      await gone.catch(() => {});
    },
  };
}
