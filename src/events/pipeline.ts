import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggedEvent } from '#contract';
import type { Bus } from '../infra/bus/bus.ts';

/** Events under way to the bus, at most, in all batches together. */
const MOST_UNCONFIRMED = 2000;

interface Batch {
  readonly last: number;
  readonly count: number;
  confirmed: boolean;
}

/**
 * Batches under way to the bus, in log order, several at a time. The bus keeps their order and refuses what comes behind a
 * refused one, so the place `confirmed` may move over every batch that has no unconfirmed one before it.
 */
export interface Pipeline {
  /** Resolves when there is room for another batch, or the signal aborts. */
  room(signal: AbortSignal): Promise<void>;
  push(events: readonly LoggedEvent[]): void;
  /** Every event up to this place is confirmed. */
  confirmed(): number;
  /** Resolves when nothing is under way any more, or after `ms`: what the bus takes later, the next turn publishes again. */
  drained(ms: number): Promise<void>;
  /** @throws what the bus refused a batch with, if it did */
  throwRefusal(): void;
}

/** A pipeline into `bus` behind the place `start`; `onRefusal` is called at the first batch that the bus refuses. */
export function createPipeline(bus: Bus, start: number, onRefusal: () => void): Pipeline {
  const batches: Batch[] = [];
  let confirmed = start;
  let unconfirmed = 0;
  let refusal: { readonly error: unknown } | null = null;
  let settled = Promise.withResolvers<void>();

  async function publish(events: readonly LoggedEvent[], batch: Batch): Promise<void> {
    try {
      await bus.publish(events);
      batch.confirmed = true;
      while (batches[0]?.confirmed) confirmed = batches.shift()!.last;
    } catch (error) {
      refusal ??= { error };
      onRefusal();
    } finally {
      unconfirmed -= batch.count;
      settled.resolve();
      settled = Promise.withResolvers<void>();
    }
  }

  return {
    async room(signal) {
      if (unconfirmed < MOST_UNCONFIRMED || signal.aborted) return;
      const aborted = Promise.withResolvers<void>();
      const leave = () => aborted.resolve();
      signal.addEventListener('abort', leave, { once: true });
      while (unconfirmed >= MOST_UNCONFIRMED && !signal.aborted) await Promise.race([settled.promise, aborted.promise]);
      signal.removeEventListener('abort', leave);
    },
    push(events) {
      const last = events.at(-1);
      if (!last) return;
      const batch = { last: last.seq, count: events.length, confirmed: false };
      batches.push(batch);
      unconfirmed += batch.count;
      void publish(events, batch);
    },
    confirmed: () => confirmed,
    async drained(ms) {
      const ended = new AbortController();
      const late = sleep(ms, 'late' as const, { signal: ended.signal }).catch(() => 'late' as const);
      while (unconfirmed > 0) if ((await Promise.race([settled.promise, late])) === 'late') return;
      ended.abort();
    },
    throwRefusal() {
      if (refusal) throw refusal.error;
    },
  };
}
