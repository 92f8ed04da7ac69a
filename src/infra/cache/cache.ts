/**
 * The cache: what is in it may vanish at any time, and its failure is a miss, never an error. It holds no personal data
 * and nothing that must last.
 */
export interface Cache {
  /** True if all processes of the hub see the same cache. */
  readonly shared: boolean;
  get(key: string): Promise<string | null>;
  /** Keeps the value for at most `ttlMs`. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Adds one to a counter that vanishes `ttlMs` after its first increment; null if the cache is away. */
  increment(key: string, ttlMs: number): Promise<number | null>;
  /** False if the cache is away. */
  check(): Promise<boolean>;
  close(): Promise<void>;
}
