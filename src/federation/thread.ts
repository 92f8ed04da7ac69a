import { parentPort, Worker } from 'node:worker_threads';

/*
 * Questions to a thread of their own, each with a deadline. What computes without looking up cannot be asked to stop: a
 * question that takes too long ends the thread, and the next one begins another.
 */

/** A question with its number, and an answer with the number of its question. */
interface Numbered<T> {
  readonly id: number;
  readonly said: T;
}

type Said<A> = { readonly answer: A } | { readonly error: string };

/** Why a thread gave no answer. */
export class ThreadError extends Error {
  /** `refused`: the thread says what is wrong. */
  readonly kind: 'late' | 'ended' | 'refused';

  constructor(kind: ThreadError['kind'], message: string) {
    super(message);
    this.name = 'ThreadError';
    this.kind = kind;
  }
}

/** A thread, begun with its first question. */
export interface Thread<Q, A> {
  /** @throws ThreadError */
  ask(question: Q, patienceMs: number): Promise<A>;
  /** Questions without an answer yet. */
  waiting(): number;
  close(): Promise<void>;
}

interface Waiting<A> {
  readonly resolve: (answer: A) => void;
  readonly reject: (error: ThreadError) => void;
  readonly timer: NodeJS.Timeout;
}

/** `onBegin` is called with each new thread, before its first question. */
export function createThread<Q, A>(file: URL, name: string, onBegin?: (ask: Thread<Q, A>['ask']) => void): Thread<Q, A> {
  const waiting = new Map<number, Waiting<A>>();
  let worker: Worker | null = null;
  let asked = 0;

  function end(kind: ThreadError['kind'], message: string): Promise<unknown> {
    const ending = worker?.terminate();
    worker = null;
    const ended = [...waiting.values()];
    waiting.clear();
    for (const { timer, reject } of ended) {
      clearTimeout(timer);
      reject(new ThreadError(kind, message));
    }
    return Promise.resolve(ending);
  }

  function begin(): Worker {
    const begun = new Worker(file, { name });
    // It has nothing to say once nobody asks.
    begun.unref();
    begun.on('message', ({ id, said }: Numbered<Said<A>>) => {
      const one = waiting.get(id);
      waiting.delete(id);
      clearTimeout(one?.timer);
      if ('answer' in said) one?.resolve(said.answer);
      else one?.reject(new ThreadError('refused', said.error));
    });
    const gone = (why: string) => {
      if (worker === begun) void end('ended', `The thread ${name} ended: ${why}.`);
    };
    begun.on('error', (error) => gone(error instanceof Error ? error.message : 'an error')).on('exit', (code) => gone(`exit code ${code}`));
    return begun;
  }

  function ask(question: Q, patienceMs: number): Promise<A> {
    if (!worker) {
      worker = begin();
      onBegin?.(ask);
    }
    const to = worker;
    return new Promise((resolve, reject) => {
      const id = (asked += 1);
      const timer = setTimeout(() => void end('late', `The thread ${name} took longer than ${patienceMs} ms.`), patienceMs);
      waiting.set(id, { resolve, reject, timer });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      to.postMessage({ id, said: question } satisfies Numbered<Q>);
    });
  }

  return { ask, waiting: () => waiting.size, close: async () => void (await end('ended', 'The hub stops.')) };
}

/** Answers questions, in the thread itself. */
export function answerQuestions(answer: (question: never) => unknown): void {
  const tell = (id: number, said: Said<unknown>) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    parentPort?.postMessage({ id, said } satisfies Numbered<Said<unknown>>);
  };
  const reply = async ({ id, said }: Numbered<never>): Promise<void> => {
    try {
      tell(id, { answer: await answer(said) });
    } catch (error) {
      tell(id, { error: error instanceof Error ? error.message : String(error) });
    }
  };
  parentPort?.on('message', (question: Numbered<never>) => void reply(question));
}
