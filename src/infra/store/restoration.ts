import { sql } from 'kysely';
import type { Store } from './store.ts';

/**
 * Numbers of the event log that are left out after a restoration. Readers outside may have seen later events than the backup holds:
 * none of their numbers is given to another event.
 */
const LEFT_OUT = 1_000_000;

/**
 * Writes down that the store was made again from a backup, at `at` (epoch milliseconds). What it holds as not yet delivered may have
 * been delivered after the backup was made, so each open delivery counts as one that may have landed; and for a month, what may be a
 * repetition of something forgotten is looked for in the back offices that can be asked for a key.
 */
export async function markRestored(store: Store, at: number): Promise<void> {
  await store.transaction(async (tx) => {
    await tx
      .insertInto('restoration')
      .values({ at })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await tx.updateTable('delivery_job').set({ effect: 'unknown' }).where('state', 'in', ['queued', 'leased', 'parked']).execute();
    if (store.dialect === 'sqlite') {
      // SQLite writes a row for the table with its first event.
      await sql`insert into sqlite_sequence (name, seq) select 'event_log', 0
        where not exists (select 1 from sqlite_sequence where name = 'event_log')`.execute(tx);
      await sql`update sqlite_sequence set seq = seq + ${LEFT_OUT} where name = 'event_log'`.execute(tx);
    } else
      await sql`select setval(pg_get_serial_sequence('event_log', 'seq'), coalesce((select max(seq) from event_log), 0) + ${LEFT_OUT})`.execute(
        tx,
      );
  });
}
