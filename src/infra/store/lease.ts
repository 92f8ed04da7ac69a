import type { Store } from './store.ts';

/*
 * A lease says who alone may do a thing, until when. It is free, or held by a holder under a fence:
 *
 *   free ──acquire──▶ held(fence + 1) ──renew──▶ held(same fence, later)
 *   held ──release──▶ free          held ──time passes──▶ free
 *
 * A holder that slept through its time may still believe in it. The fence tells the difference: it grows with every
 * change of hands, so whoever protects a result compares fences, not clocks. Clocks only decide when a lease may be taken
 * over; processes on several machines need theirs in step to well below the time to live. A lease that ends much later than any
 * lives was written by a clock that was ahead, and counts as over.
 */

/** A lease that is held. */
export interface Lease {
  readonly fence: number;
  /** Longer, from `now`; false if another has taken it over: stop at once. */
  renew(now: number): Promise<boolean>;
  /** Gives it back, so that another need not wait for its end. */
  release(): Promise<void>;
}

/** What is leased, by whom, for how many milliseconds from each `acquire` and `renew`. */
export interface LeaseRequest {
  readonly name: string;
  /** Unique per running process or worker, for example a UUID made at its start. */
  readonly holder: string;
  readonly ttlMs: number;
}

/** No lease lives longer than this, in milliseconds, whoever took it. */
const longestMs = 3_600_000;

/** The lease, or null while another holds it. `now` in epoch milliseconds. */
export async function acquireLease(store: Store, { name, holder, ttlMs }: LeaseRequest, now: number): Promise<Lease | null> {
  const row = await store.db
    .insertInto('lease')
    .values({ name, holder, until: now + ttlMs, fence: 1 })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet((e) => ({ holder, until: now + ttlMs, fence: e('lease.fence', '+', 1) }))
        .where((where) => where.or([where('lease.until', '<=', now), where('lease.until', '>', now + Math.max(longestMs, ttlMs))])),
    )
    .returning('fence')
    .executeTakeFirst();
  if (!row) return null;
  const { fence } = row;
  const mine = (until: number) =>
    store.db
      .updateTable('lease')
      .set({ until })
      .where('name', '=', name)
      .where('holder', '=', holder)
      .where('fence', '=', fence)
      .executeTakeFirst();
  return {
    fence,
    renew: async (later) => (await mine(later + ttlMs)).numUpdatedRows === 1n,
    release: async () => void (await mine(0)),
  };
}
