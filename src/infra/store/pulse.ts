/** How soon events of other processes are seen, in milliseconds. */
const POLL_MS = 200;

interface Waiter {
  readonly after: number;
  readonly wake: () => void;
}

/**
 * Wakes readers of the event log. A commit of this process wakes all of them at once. For commits of other processes one
 * timer asks for the head of the log, however many readers wait, and only while one does.
 */
export interface Pulse {
  /** Grows with every commit of this process: take it before reading, give it to `wait`. */
  beat(): number;
  /** Resolves once there may be events after `after`, a commit came since `beat`, or the signal aborts. */
  wait(after: number, beat: number, signal: AbortSignal): Promise<void>;
}

/** A pulse over the head of a log. */
export function createPulse(head: () => Promise<number>, onCommit: (listener: () => void) => unknown): Pulse {
  const waiters = new Set<Waiter>();
  let beats = 0;
  let timer: NodeJS.Timeout | undefined;
  let polling = false;

  const wake = (which: (waiter: Waiter) => boolean) => {
    for (const waiter of waiters) if (which(waiter)) waiter.wake();
  };

  onCommit(() => {
    beats += 1;
    wake(() => true);
  });

  async function poll(): Promise<void> {
    timer = undefined;
    polling = true;
    // A store that is away wakes nobody; the reader meets the error itself at its next read.
    const top = await head().catch(() => 0);
    wake((waiter) => waiter.after < top);
    polling = false;
    schedule();
  }

  function schedule(): void {
    if (waiters.size > 0 && !polling) timer ??= setTimeout(() => void poll(), POLL_MS);
  }

  return {
    beat: () => beats,
    async wait(after, beat, signal) {
      if (beat !== beats || signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter: Waiter = { after, wake: () => resolve() };
      waiters.add(waiter);
      signal.addEventListener('abort', waiter.wake, { once: true });
      schedule();
      await promise;
      signal.removeEventListener('abort', waiter.wake);
      waiters.delete(waiter);
      if (waiters.size > 0) return;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
