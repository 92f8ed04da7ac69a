import { parentPort, Worker } from 'node:worker_threads';

/*
 * Questions to a thread of their own, answered one after another, each with a deadline from the moment its turn has come. What
 * computes without looking up cannot be asked to stop: a question that takes too long ends the thread, and those behind it go to
 * another.
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
  /** `patienceMs` from when its turn has come. @throws ThreadError */
  ask(question: Q, patienceMs: number): Promise<A>;
  /** Questions without an answer yet. */
  waiting(): number;
  close(): Promise<void>;
}

interface Waiting<Q, A> {
  readonly question: Q;
  readonly patienceMs: number;
  /** Asked by `onBegin`. */
  readonly isOfBeginning: boolean;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: ThreadError) => void;
}

/** `onBegin` is called with each new thread; what it asks is answered before anything else. */
export function createThread<Q, A>(file: URL, name: string, onBegin?: (ask: Thread<Q, A>['ask']) => void): Thread<Q, A> {
  /** In the order asked, which is the order answered. */
  const waiting = new Map<number, Waiting<Q, A>>();
  let worker: Worker | null = null;
  let asked = 0;
  let isBeginning = false;
  let timer: NodeJS.Timeout | undefined;

  /** The deadline is that of the oldest question: the thread has not begun with the others. */
  function arm(): void {
    clearTimeout(timer);
    const [oldest] = waiting.values();
    timer = oldest && setTimeout(late, oldest.patienceMs);
  }

  /** Ends the thread and hands over what it leaves unanswered. */
  function stop(): { readonly left: readonly Waiting<Q, A>[]; readonly ending: Promise<unknown> } {
    const ending = Promise.resolve(worker?.terminate());
    worker = null;
    const left = [...waiting.values()];
    waiting.clear();
    arm();
    return { left, ending };
  }

  function end(message: string): Promise<unknown> {
    const { left, ending } = stop();
    for (const { reject } of left) reject(new ThreadError('ended', message));
    return ending;
  }

  function late(): void {
    const [oldest, ...others] = stop().left;
    const error = new ThreadError('late', `The thread ${name} took longer than ${oldest?.patienceMs} ms.`);
    oldest?.reject(error);
    // Others only stood behind it. Where a thread cannot even begin, the next one would not either.
    for (const one of others) {
      if (oldest?.isOfBeginning) one.reject(error);
      else post(one);
    }
  }

  function begin(): Worker {
    const begun = new Worker(file, { name });
    // It has nothing to say once nobody asks.
    begun.unref();
    begun.on('message', ({ id, said }: Numbered<Said<A>>) => {
      const one = waiting.get(id);
      if (!one) return;
      waiting.delete(id);
      arm();
      if ('answer' in said) one.resolve(said.answer);
      else one.reject(new ThreadError('refused', said.error));
    });
    const gone = (why: string) => {
      if (worker === begun) void end(`The thread ${name} ended: ${why}.`);
    };
    begun.on('error', (error) => gone(error instanceof Error ? error.message : 'an error')).on('exit', (code) => gone(`exit code ${code}`));
    return begun;
  }

  function post(one: Waiting<Q, A>): void {
    if (!worker) {
      worker = begin();
      isBeginning = true;
      onBegin?.(ask);
      isBeginning = false;
    }
    const id = (asked += 1);
    waiting.set(id, one);
    if (waiting.size === 1) arm();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage({ id, said: one.question } satisfies Numbered<Q>);
  }

  function ask(question: Q, patienceMs: number): Promise<A> {
    return new Promise((resolve, reject) => {
      post({ question, patienceMs, isOfBeginning: isBeginning, resolve, reject });
    });
  }

  return { ask, waiting: () => waiting.size, close: async () => void (await end('The hub stops.')) };
}

/** Answers questions, in the thread itself: each when the one before it is answered. */
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
  let last = Promise.resolve();
  parentPort?.on('message', (question: Numbered<never>) => {
    last = last.then(() => reply(question));
  });
}
