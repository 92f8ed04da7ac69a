import { parentPort } from 'node:worker_threads';
import type { Host, StartHost } from './hosts.ts';

/*
 * Questions to a thread or a process beside the one that serves, answered one after another, each with a deadline from the moment
 * its turn has come. What computes without looking up cannot be asked to stop: a question that takes too long ends the helper, and
 * one that the helper dies of has ended it already. Those behind it go to another helper.
 */

/** A question with its number, and an answer with the number of its question. */
interface Numbered<T> {
  readonly id: number;
  readonly said: T;
}

type Said<A> = { readonly answer: A } | { readonly error: string };

/** Why a helper gave no answer. */
export class HelperError extends Error {
  /** `refused`: the helper says what is wrong. `crashed`: it died of this question. `ended`: somebody else has ended it. */
  readonly kind: 'late' | 'ended' | 'refused' | 'crashed';

  constructor(kind: HelperError['kind'], message: string) {
    super(message);
    this.name = 'HelperError';
    this.kind = kind;
  }
}

/** A helper, begun with its first question. */
export interface Helper<Q, A> {
  /** `patienceMs` from when its turn has come. @throws HelperError */
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
  readonly reject: (error: HelperError) => void;
}

/** `onBegin` is called with each new helper; what it asks is answered before anything else. */
export function createHelper<Q, A>(name: string, start: StartHost, onBegin?: (ask: Helper<Q, A>['ask']) => void): Helper<Q, A> {
  /** In the order asked, which is the order answered. */
  const waiting = new Map<number, Waiting<Q, A>>();
  let host: Host | null = null;
  let asked = 0;
  let isBeginning = false;
  let timer: NodeJS.Timeout | undefined;

  /** The deadline is that of the oldest question: the helper has not begun with the others. */
  function arm(): void {
    clearTimeout(timer);
    const [oldest] = waiting.values();
    timer = oldest && setTimeout(late, oldest.patienceMs);
  }

  /** Ends the helper and hands over what it leaves unanswered. */
  function stop(): { readonly left: readonly Waiting<Q, A>[]; readonly ending: Promise<unknown> } {
    const ending = Promise.resolve(host?.end());
    host = null;
    const left = [...waiting.values()];
    waiting.clear();
    arm();
    return { left, ending };
  }

  function end(message: string): Promise<unknown> {
    const { left, ending } = stop();
    for (const { reject } of left) reject(new HelperError('ended', message));
    return ending;
  }

  /** Whatever the helper was at has failed; the others go to a new one. */
  function replace(errorFor: (oldest: Waiting<Q, A>) => HelperError): void {
    const [oldest, ...others] = stop().left;
    if (!oldest) return;
    const error = errorFor(oldest);
    oldest.reject(error);
    // Others only stood behind it. Where a helper cannot even begin, the next one would not either.
    for (const one of others) {
      if (oldest.isOfBeginning) one.reject(error);
      else post(one);
    }
  }

  const late = (): void => replace(({ patienceMs }) => new HelperError('late', `The helper ${name} took longer than ${patienceMs} ms.`));

  function begin(): Host {
    const begun = start(name, {
      onMessage(message) {
        const { id, said } = message as Numbered<Said<A>>;
        const one = waiting.get(id);
        if (!one) return;
        waiting.delete(id);
        arm();
        if ('answer' in said) one.resolve(said.answer);
        else one.reject(new HelperError('refused', said.error));
      },
      onGone({ isOwnFault, why }) {
        if (host === begun) replace(() => new HelperError(isOwnFault ? 'crashed' : 'ended', `The helper ${name} ended: ${why}.`));
      },
    });
    return begun;
  }

  function post(one: Waiting<Q, A>): void {
    if (!host) {
      host = begin();
      isBeginning = true;
      onBegin?.(ask);
      isBeginning = false;
    }
    const id = (asked += 1);
    waiting.set(id, one);
    if (waiting.size === 1) arm();
    host.post({ id, said: one.question } satisfies Numbered<Q>);
  }

  function ask(question: Q, patienceMs: number): Promise<A> {
    return new Promise((resolve, reject) => {
      post({ question, patienceMs, isOfBeginning: isBeginning, resolve, reject });
    });
  }

  return { ask, waiting: () => waiting.size, close: async () => void (await end('The hub stops.')) };
}

/** Answers questions, in the helper itself: each when the one before it is answered. */
export function answerQuestions(answer: (question: never) => unknown): void {
  // What a process has not sent yet would be lost with it if the next question ended it.
  const tell = async (id: number, said: Said<unknown>): Promise<void> => {
    const numbered: Numbered<Said<unknown>> = { id, said };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    if (parentPort) parentPort.postMessage(numbered);
    else await new Promise((sent) => process.send?.(numbered, sent));
  };
  const reply = async ({ id, said }: Numbered<never>): Promise<void> => {
    let given: Said<unknown>;
    try {
      given = { answer: await answer(said) };
    } catch (error) {
      given = { error: error instanceof Error ? error.message : String(error) };
    }
    await tell(id, given);
  };
  let last = Promise.resolve();
  (parentPort ?? process).on('message', (question: Numbered<never>) => {
    last = last.then(() => reply(question));
  });
}
