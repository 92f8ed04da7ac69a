import type { Adapter, AdapterErrorKind, Call, CaseRef, CaseSnapshot, Health, Json, MappableStatus, RegionalKey } from '#contract';

/** A connected city as its file describes it. */
export interface City {
  /** Name of its file under cities/, without ending. */
  readonly id: string;
  readonly ars: RegionalKey;
  readonly name: string;
  /** Since when it is connected (date). */
  readonly since: string;
  /** True where the city takes no applications at the moment. */
  readonly paused: boolean;
  readonly adapters: readonly CityAdapter[];
  /** Where its offers come from. */
  readonly catalogue: CityCatalogue | null;
}

export interface CityAdapter {
  /** Name within the city's file, for example `cases`. */
  readonly id: string;
  /** Product, for example `redmine`. */
  readonly product: string;
  /** Service keys or local keys it takes applications for; `*` for all. */
  readonly services: readonly string[];
  readonly statusMap: ReadonlyMap<string, MappableStatus>;
  readonly limits: CallLimits;
}

export interface CityCatalogue {
  readonly format: string;
  /** Path, already resolved against the city's file, or URL, by name of the part (`services`, `locations`). */
  readonly files: Readonly<Record<string, string>>;
}

export interface CallLimits {
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly breaker: { readonly failures: number; readonly halfOpenMs: number };
}

/** Why a call to a city failed, after deadline, retries and breaker. */
export interface CallFailure {
  readonly kind: AdapterErrorKind | 'breaker-open' | 'busy' | 'deadline';
  readonly effect: 'none' | 'unknown' | 'done';
  readonly retryAfterMs?: number;
  readonly fields?: Readonly<Record<string, string>>;
}

export interface AdapterStatus {
  readonly adapter: string;
  readonly product: string;
  readonly state: 'UP' | 'DOWN' | 'UNKNOWN';
  readonly checkedAt: Date | null;
  readonly hint: string | null;
}

export interface CallOptions {
  readonly traceparent: string;
  readonly attempt?: number;
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends CallOptions {
  /** Idempotency key; calls with the same key run one after the other. */
  readonly key: string;
  /** Durable memo of finished steps. */
  readonly steps: { find(name: string): Promise<Json | undefined>; save(name: string, result: Json): Promise<void> };
}

/** Thrown by `read` and `write` where the city did not do it. */
export class CityCallError extends Error {
  readonly failure: CallFailure;
  constructor(message: string, failure: CallFailure, cause?: unknown) {
    super(message, { cause });
    this.name = 'CityCallError';
    this.failure = failure;
  }
}

/** The connected cities and the only way to talk to them. */
export interface Cities {
  list(): readonly City[];
  findByArs(ars: string): City | null;
  find(id: string): City | null;
  /** The adapter of the city that takes applications for this service, or null. */
  adapterFor(city: City, service: { key: string; localKey: string }): CityAdapter | null;
  /** The running adapter itself, to see which ports it has. */
  adapter(cityId: string, adapterId: string): Adapter;
  /**
   * A reading call: with the city's deadline, bulkhead and breaker, retried by kind of error.
   * @throws CityCallError
   */
  read<T>(cityId: string, adapterId: string, run: (adapter: Adapter, call: Call) => Promise<T>, options: CallOptions): Promise<T>;
  /**
   * One attempt at a change, never retried here: the caller decides by `failure.effect`.
   * @throws CityCallError
   */
  write<T>(
    cityId: string,
    adapterId: string,
    run: (
      adapter: Adapter,
      call: Call & { key: string; step: <R extends Json>(name: string, run: () => Promise<R>) => Promise<R> },
    ) => Promise<T>,
    options: WriteOptions,
  ): Promise<T>;
  /** False while the breaker is open: work for this adapter waits without being tried. */
  accepts(cityId: string, adapterId: string): boolean;
  /** Cases of one city in batches no larger than the adapter takes; an element is null where the case is gone, an Error where it could not be read. */
  loadCases(
    cityId: string,
    adapterId: string,
    refs: readonly CaseRef[],
    options: CallOptions,
  ): Promise<readonly (CaseSnapshot | null | Error)[]>;
  /** Last known health of each adapter of a city, at most 30 s old where the city answers. */
  status(cityId: string): Promise<readonly AdapterStatus[]>;
  /** Read-only check of one adapter, now. */
  check(cityId: string, adapterId: string): Promise<Health>;
  start(): Promise<void>;
  /** Stops every adapter; resolves when no call runs any more. */
  stop(): Promise<void>;
}
