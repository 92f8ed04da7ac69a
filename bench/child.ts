import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Question, Reply } from './parent.ts';

/** A process of the benchmark, started and ready. */
export interface Child<Ready> {
  /** What it said when it was ready. */
  readonly ready: Ready;
  /** @throws where the child fails to answer or has ended */
  ask<T>(name: string, value?: unknown): Promise<T>;
  /** CPU time it has used so far, user and system, in microseconds. */
  cpu(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts `bench/<file>` with an environment; its log goes nowhere, its complaints to ours. */
export async function startChild<Ready>(
  file: string,
  env: Readonly<Record<string, string>> = {},
  execArgv: readonly string[] = [],
): Promise<Child<Ready>> {
  const child = fork(join(import.meta.dirname, file), {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    execArgv: [...execArgv],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let asked = 0;
  const first = new Promise<unknown>((resolve, reject) => waiting.set(0, { resolve, reject }));
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.on('message', ({ id, value, error }: Reply) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(value);
    else one?.reject(new Error(`bench/${file}: ${error}`));
  });
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`bench/${file} ended with ${code}`));
    waiting.clear();
  });
  const ask = <T>(name: string, value?: unknown): Promise<T> =>
    new Promise((resolve, reject) => {
      const id = (asked += 1);
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      child.send({ id, name, value } satisfies Question, (error) => error && reject(error));
    });
  return {
    ready: (await first) as Ready,
    ask,
    cpu: () => ask<number>('cpu'),
    async stop() {
      if (child.connected) child.disconnect();
      await gone;
    },
  };
}
