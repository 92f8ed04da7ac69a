import type { LoggedEvent } from '#contract';

/** A running subscription. */
export interface BusSubscription {
  /** Stops after the event in hand; resolves when nothing runs any more. */
  stop(): Promise<void>;
}

export interface SubscribeOptions {
  /** Name of the group: each event reaches one member of every group, at least once, in order per aggregate. */
  readonly group: string;
  /** Aggregate types to read, for example `application`. */
  readonly aggregateTypes: readonly string[];
  /** Where a group that has never read begins. @default 'beginning' */
  readonly from?: 'beginning' | 'end';
  /** Resolves when the event's effect is durable; where it throws, the event comes again and later ones of its aggregate wait. */
  handle(event: LoggedEvent): Promise<void>;
}

/** The bus between hub and cities. The event log is its outbox. */
export interface Bus {
  readonly kind: 'embedded' | 'kafka';
  /**
   * Makes logged events readable by every group; resolves once they are durable, in order per aggregate. Called by the
   * relay alone, with events in log order. May deliver an event twice after a crash, never lose one.
   */
  publish(events: readonly LoggedEvent[]): Promise<void>;
  subscribe(options: SubscribeOptions): Promise<BusSubscription>;
  /** False where the bus is away. */
  check(): Promise<boolean>;
  close(): Promise<void>;
}
