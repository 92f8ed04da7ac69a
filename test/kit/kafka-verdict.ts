import type { LoggedEvent } from '#contract';
import { sampleEvent } from './sample-event.ts';

/** What is asked of an event that was read back. */
export interface Arrived {
  readonly id: string;
  readonly seq: number;
  readonly aggregate: { readonly id: string };
}

/** What a log read back says about events that were acknowledged. */
export interface Verdict {
  /** Acknowledged and not there. */
  readonly lost: number;
  /** First arrivals behind a later event of their aggregate. */
  readonly outOfOrder: number;
  /** Arrivals of an event beyond its first: allowed, readers deduplicate. */
  readonly duplicates: number;
}

/** Compares what was acknowledged with what was read, in the order of reading. */
export function verdict(acknowledged: readonly Arrived[], read: readonly Arrived[]): Verdict {
  const firsts = [...Map.groupBy(read, (event) => event.id).values()].map(([first]) => first!);
  const arrived = new Set(firsts.map((event) => event.id));
  const last = new Map<string, number>();
  let outOfOrder = 0;
  for (const { aggregate, seq } of firsts) {
    if (seq < (last.get(aggregate.id) ?? 0)) outOfOrder += 1;
    last.set(aggregate.id, Math.max(seq, last.get(aggregate.id) ?? 0));
  }
  return { lost: acknowledged.filter((event) => !arrived.has(event.id)).length, outOfOrder, duplicates: read.length - firsts.length };
}

/** Events `from` to `from + count` of a type, spread over some aggregates, some 300 bytes each. */
export const eventsOf = (type: string, from: number, count: number, keys = 10): LoggedEvent[] =>
  Array.from({ length: count }, (_, i) => ({
    ...sampleEvent({ facts: { filler: 'x'.repeat(200) } }),
    aggregate: { type, id: `key-${(from + i) % keys}` },
    seq: from + i + 1,
  }));
