import { untilBack } from './until-back.ts';

/** A leased row of a queue in the hands of this process. */
export interface HeldJob {
  /** Aborts when the lease is lost: what is under way must end. */
  readonly lost: AbortSignal;
  /**
   * Work on the store that must not be given up while nobody else can know better: repeated while the store is away, as long as the
   * lease is not known to have passed on; while the hub stops, only as long as the lease lasts.
   */
  readonly persist: <T>(work: () => Promise<T>) => Promise<T>;
  /** Stops renewing. */
  letGo(): void;
}

export interface HoldOptions {
  /** Prolongs the lease; false if it has passed to somebody else. `until` in epoch milliseconds. */
  readonly renew: (until: number) => Promise<boolean>;
  readonly leaseMs: number;
  /** `performance.now()` from before the claim: the lease lasts from then on, whatever the clock of the wall does meanwhile. */
  readonly since: number;
  readonly now: () => Date;
  readonly stopping: () => boolean;
}

/** Holds a claimed job by renewing its lease at a third of its length. */
export function holdJob({ renew, leaseMs, since, now, stopping }: HoldOptions): HeldJob {
  const lost = new AbortController();
  let heldUntil = since + leaseMs;
  let passedOn = false;
  const renewal = setInterval(() => {
    const at = performance.now();
    // Renewals that failed or have no answer yet: from here on another worker may have taken it over.
    if (at >= heldUntil) lost.abort();
    renew(now().getTime() + leaseMs).then(
      (mine) => {
        if (mine) heldUntil = at + leaseMs;
        else {
          passedOn = true;
          lost.abort();
        }
      },
      () => {}, // the store is away: until somebody else has the job the next renewal may reach it
    );
  }, leaseMs / 3);
  return {
    lost: lost.signal,
    persist: (work) => untilBack(work, () => passedOn || (stopping() && performance.now() >= heldUntil)),
    letGo: () => clearInterval(renewal),
  };
}
