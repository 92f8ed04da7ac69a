/*
 * A process of the benchmark and the one that started it: the child says once where it listens, then answers questions
 * over Node's own channel. Whatever is measured has a process of its own, so that neither the load nor a simulator is
 * counted as its CPU time.
 */

/** What a child answers, by the name of the question. */
export type Answers = Readonly<Record<string, (value: never) => unknown>>;

/** A question on the channel. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly value: unknown;
}

/** An answer on the channel; `id` 0 is the child's first word. */
export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Tells the parent that this process is ready and answers it until the channel closes. `cpu` (µs of this process so far) is always answered. */
export function serveParent(ready: unknown, answers: Answers, close: () => Promise<void>): void {
  const reply = (message: Reply) => process.send?.(message);
  const known: Answers = {
    ...answers,
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  };
  const answer = async ({ id, name, value }: Question): Promise<void> => {
    try {
      const one = known[name];
      if (!one) throw new Error(`nobody answers ${name}`);
      reply({ id, value: await one(value as never) });
    } catch (error) {
      reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
  process.on('message', (question: Question) => void answer(question));
  // Ends with its parent, even if that one was killed.
  process.once('disconnect', () => void close().finally(() => process.exit(0)));
  reply({ id: 0, value: ready });
}
