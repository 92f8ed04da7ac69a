import type { LoggedEvent, RegionalKey } from '#contract';

/** A running subscription. */
export interface BusSubscription {
  /** Stops after the event in hand; resolves when nothing runs any more. */
  stop(): Promise<void>;
}

/** Why an event is given up for now. */
export interface Poison {
  /** How often its handler was tried. */
  readonly attempts: number;
  /** What the last attempt threw. */
  readonly error: unknown;
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
  /**
   * Keeps an event that failed `poisonedAfter` times: once this has resolved, the group goes on behind it. Later events of its
   * aggregate still come to `handle`, which must put them behind the one that was kept (`subscribeOnce` does all of that).
   * Without it a failing event is tried for ever; what waits for it is its aggregate, on Kafka its partition too.
   */
  onPoisoned?(event: LoggedEvent, poison: Poison): Promise<void>;
  /** @default 6 */
  readonly poisonedAfter?: number;
}

/** How far a group of this process is behind. */
export interface GroupLag {
  readonly group: string;
  /** Events it has not finished, those of other members included. */
  readonly events: number;
}

/** Topics that hold the events for one city each, so that its account can be allowed to read them and nothing else. */
export interface CityInboxes {
  /** Makes the city's topic where it is missing; waits for the brokers. */
  ensure(city: RegionalKey): Promise<void>;
  /** As `Bus.publish`, into the city's topic. */
  publish(city: RegionalKey, events: readonly LoggedEvent[]): Promise<void>;
}

/** The bus between hub and cities. The event log is its outbox. */
export interface Bus {
  readonly kind: 'embedded' | 'kafka';
  /**
   * Makes logged events readable by every group; resolves once they are durable, in order per aggregate. Called by the
   * relay alone, with events in log order. May deliver an event twice after a crash, never lose one. Calls may overlap: their
   * events keep the order of the calls, and where a call fails, those begun after it fail too.
   */
  publish(events: readonly LoggedEvent[]): Promise<void>;
  subscribe(options: SubscribeOptions): Promise<BusSubscription>;
  /** A topic per city, where the bus has topics that others read. */
  readonly inboxes: CityInboxes | null;
  /** Of every group subscribed here. @throws where the bus is away */
  lag(): Promise<readonly GroupLag[]>;
  /** False if the bus is away. */
  check(): Promise<boolean>;
  /** What a person must do before events go out although the bus answers; null if nothing, absent if that cannot be. */
  trouble?(): string | null;
  close(): Promise<void>;
}
