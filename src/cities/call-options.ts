import type { Json } from '#contract';

/** How hard one back office may be pressed. */
export interface CallLimits {
  /** Calls at a time. @default 4 */
  readonly concurrency: number;
  /** Deadline of a call in milliseconds. @default 8000 */
  readonly timeoutMs: number;
  /** Further attempts of a read. @default 2 */
  readonly retries: number;
  /** Failures in a row that open the breaker, and after how many milliseconds one call may try. @default 5 and 30000 */
  readonly breaker: { readonly failures: number; readonly halfOpenMs: number };
}

/** Around a reading call. */
export interface CallOptions {
  /** W3C Trace Context of what asked for the call; empty if there is none. */
  readonly traceparent: string;
  /** For a write: which delivery attempt this is. @default 1 */
  readonly attempt?: number;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
  /** For a read: nobody signed in asks. Such calls have half of the slots at most. @default false */
  readonly isAnonymous?: boolean;
  /** For a read: a deadline of its own in milliseconds, retries included, where much is to come. @default the limits' `timeoutMs` */
  readonly timeoutMs?: number;
}

/** Around a changing call. */
export interface WriteOptions extends CallOptions {
  /** Idempotency key; calls with the same key run one after the other. */
  readonly key: string;
  /** Durable memo of finished steps. */
  readonly steps: { find(name: string): Promise<Json | undefined>; save(name: string, result: Json): Promise<void> };
}
