import type { Json, RegionalKey } from './vocabulary.ts';

/**
 * A fact that happened, as it stands in the log and goes to the bus. Events carry ids, keys, status and times; personal
 * data never. `type` is `noun.past-verb`, for example `application.submitted`.
 */
export interface HubEvent {
  /** UUID; the same at every redelivery and replay. */
  readonly id: string;
  readonly type: string;
  /** What the event is about; events of one aggregate keep their order everywhere. */
  readonly aggregate: { readonly type: string; readonly id: string };
  readonly occurredAt: Date;
  /** ARS of the municipality concerned, where there is one. */
  readonly municipality: RegionalKey | null;
  readonly facts: { readonly [name: string]: Json };
  /** W3C Trace Context of the request that caused it. */
  readonly traceparent?: string;
}

/** An event with its place in the log: higher `seq`, later commit. */
export interface LoggedEvent extends HubEvent {
  readonly seq: number;
}
