import { flawOf, isInFuture, type CaseChange, type HubEvent, type Json, type MalformedRecord } from '#contract';
import { newId } from '../infra/ids.ts';
import type { Tx } from '../infra/store/store.ts';
import type { ApplicationsDeps } from './applications.ts';
import { findApplicationByCase, toState, updateApplication, type ApplicationRow } from './records.ts';
import { moveCursor } from './sources.ts';
import { decideChange, eventFacts } from './rules.ts';
import { forgetTaken } from './once.ts';
import { forgetSetAside, keepSetAside } from './set-aside.ts';

/*
 * Changes of cases, however they arrive: pulled, pushed by webhook, or read after a delivery. All take one way: once per
 * change id, newest wins, the city's status map translates, what cannot be applied yet is held and applied later:
 * a status without a mapping until the map knows it, a change of an unknown case until the case's receipt is written, at most
 * a week: most unknown cases never were the hub's. A case whose receipt comes later still is asked for once (track.ts).
 *
 * A record that cannot be read is set aside (set-aside.ts), whatever adapter let it through, and the others of its page go on.
 * A moment in the future cannot be true: the status is taken, the moment is not kept, so that it stands in nobody's way.
 */

/** Records that were set aside are remembered this long after they were last told of. */
const setAsideMs = 30 * 24 * 3_600_000;
/** Ids in one line of the log. */
const mostNamed = 20;

/** Changes as an adapter told them. */
export interface ToldChanges {
  readonly items: readonly CaseChange[];
  readonly malformed?: readonly MalformedRecord[] | undefined;
  /** Where the pull goes on, and where it stood; absent if nothing is to be remembered. */
  readonly cursor?: { readonly from: string | null; readonly next: string };
  /** Digest of the message that told them; absent if it has no id. */
  readonly message?: string | undefined;
}

export interface Changes {
  /**
   * Applies changes of one adapter; with a cursor, in one transaction with it. A message that was applied before is not looked at again:
   * it is remembered in that transaction too, so that it is either both or neither.
   * @returns false if somebody has set the cursor elsewhere meanwhile: then it stays there, and the pull must begin anew
   */
  apply(city: string, adapter: string, told: ToldChanges): Promise<boolean>;
  /** Applies what was held, of one case or what had no mapping, of all cases of the adapter: the status map may have changed since. */
  release(city: string, adapter: string, caseRef?: string): Promise<void>;
  /**
   * Applies what was held for a case whose receipt has been written since. Two transactions may have passed each other, one
   * holding a change of a case unknown to it, the other writing the receipt: neither sees the other, so somebody looks later.
   */
  releaseFound(city: string, adapter: string): Promise<void>;
  /** Forgets change ids, messages and changes of unknown cases that are too old to matter. */
  forget(before: number): Promise<void>;
}

/** An event about an application. */
export const newEvent = (row: ApplicationRow, type: string, at: number, facts: Record<string, Json | undefined>): HubEvent => ({
  id: newId(),
  type,
  aggregate: { type: 'application', id: row.id },
  occurredAt: new Date(at),
  municipality: row.ars,
  facts: eventFacts({ service: row.service_key, ...facts }),
  ...(row.traceparent ? { traceparent: row.traceparent } : {}),
});

export function createChanges(deps: ApplicationsDeps): Changes {
  const { store, eventLog, cities, now, log } = deps;

  const statusMapOf = (city: string, adapter: string) =>
    cities.find(city)?.adapters.find(({ id }) => id === adapter)?.statusMap ?? new Map<string, never>();

  /** The events of one change, or why it must wait. */
  async function applyOne(
    tx: Tx,
    city: string,
    adapter: string,
    change: CaseChange,
  ): Promise<HubEvent[] | 'unmapped-status' | 'unknown-case'> {
    const row = await findApplicationByCase(store, tx, city, adapter, change.ref.id);
    if (!row) return 'unknown-case';
    const updatedAt = change.updatedAt.getTime();
    const decision = decideChange(
      toState(row),
      { nativeStatus: change.nativeStatus, version: change.version, updatedAt },
      statusMapOf(city, adapter),
      now(),
    );
    if (decision.do === 'ignore') return [];
    if (decision.do === 'hold') return 'unmapped-status';
    const at = now().getTime();
    const status = decision.do === 'change' ? decision.status : null;
    await updateApplication(tx, row, {
      native_status: change.nativeStatus,
      native_version: change.version,
      native_updated_at: isInFuture(updatedAt, now()) ? null : updatedAt,
      ...(change.ref.publicNumber ? { case_number: change.ref.publicNumber } : {}),
      ...(status ? { status, status_since: at } : {}),
    });
    return status ? [newEvent(row, 'application.status-changed', at, { status, previousStatus: row.status })] : [];
  }

  async function hold(
    tx: Tx,
    city: string,
    adapter: string,
    change: CaseChange,
    reason: 'unmapped-status' | 'unknown-case',
  ): Promise<void> {
    if (reason === 'unmapped-status')
      log.warn({ city, adapter, status: change.nativeStatus }, 'a status has no mapping: the change is held');
    await tx
      .insertInto('held_change')
      .values({
        city,
        adapter,
        change_id: change.id,
        case_ref: change.ref.id,
        case_number: change.ref.publicNumber ?? null,
        native_status: change.nativeStatus,
        native_version: change.version,
        native_updated_at: change.updatedAt.getTime(),
        reason,
        held_at: now().getTime(),
      })
      .onConflict((conflict) => conflict.columns(['city', 'adapter', 'change_id']).doNothing())
      .execute();
  }

  async function isNew(tx: Tx, city: string, adapter: string, changeId: string): Promise<boolean> {
    const result = await tx
      .insertInto('seen_change')
      .values({ city, adapter, change_id: changeId, seen_at: now().getTime() })
      .onConflict((conflict) => conflict.columns(['city', 'adapter', 'change_id']).doNothing())
      .executeTakeFirst();
    return result.numInsertedOrUpdatedRows === 1n;
  }

  async function isNewMessage(tx: Tx, city: string, adapter: string, digest: string): Promise<boolean> {
    const result = await tx
      .insertInto('seen_message')
      .values({ city, adapter, digest, seen_at: now().getTime() })
      .onConflict((conflict) => conflict.columns(['city', 'adapter', 'digest']).doNothing())
      .executeTakeFirst();
    return result.numInsertedOrUpdatedRows === 1n;
  }

  /** Sorts out what cannot be applied, and keeps it for the operator. @returns what can */
  async function sift(
    tx: Tx,
    city: string,
    adapter: string,
    { items, malformed = [] }: ToldChanges,
  ): Promise<{ readonly sound: readonly CaseChange[]; readonly fresh: readonly MalformedRecord[] }> {
    if (items.length === 0 && malformed.length === 0) return { sound: [], fresh: [] };
    const odd: MalformedRecord[] = [...malformed];
    const sound: CaseChange[] = [];
    const well: string[] = [];
    for (const change of items) {
      const flaw = flawOf(change);
      if (flaw !== null) {
        const id: unknown = change?.ref?.id;
        odd.push(typeof id === 'string' ? { id, reason: flaw } : { reason: flaw });
        continue;
      }
      sound.push(change);
      if (isInFuture(change.updatedAt.getTime(), now()))
        odd.push({
          id: change.ref.id,
          reason: `the moment of its last change is in the future (${change.updatedAt.toISOString()}): the status was taken, the moment does not count`,
        });
      else well.push(change.ref.id);
    }
    return { sound, fresh: await keepSetAside(tx, { city, adapter, at: now().getTime() }, odd, well) };
  }

  const changes: Changes = {
    async apply(city, adapter, told) {
      const { cursor, message } = told;
      const { fresh, moved } = await store.transaction(async (tx) => {
        if (message !== undefined && !(await isNewMessage(tx, city, adapter, message))) return { fresh: [], moved: true };
        const events: HubEvent[] = [];
        const { sound, fresh } = await sift(tx, city, adapter, told);
        for (const change of sound) {
          if (!(await isNew(tx, city, adapter, change.id))) continue;
          const outcome = await applyOne(tx, city, adapter, change);
          if (typeof outcome === 'string') await hold(tx, city, adapter, change, outcome);
          else events.push(...outcome);
        }
        const moved = cursor === undefined || (await moveCursor(store, tx, { city, adapter, ...cursor, at: now().getTime() }));
        if (events.length > 0) await eventLog.append(tx, events);
        return { fresh, moved };
      });
      if (fresh.length > 0)
        log.warn(
          {
            city,
            adapter,
            count: fresh.length,
            records: fresh.slice(0, mostNamed).map(({ id, reason }) => ({ record: id ?? null, reason })),
          },
          'records of the back office are set aside; the others go on',
        );
      return moved;
    },

    async release(city, adapter, caseRef) {
      await store.transaction(async (tx) => {
        let query = tx.selectFrom('held_change').selectAll().where('city', '=', city).where('adapter', '=', adapter);
        // Of unknown cases there may be a hundred thousand, and no status map makes them known.
        query = caseRef === undefined ? query.where('reason', '=', 'unmapped-status') : query.where('case_ref', '=', caseRef);
        const events: HubEvent[] = [];
        // A moment in the future orders nothing: such a change counts from when it was told.
        const moment = (held: { native_updated_at: number; held_at: number }) => Math.min(held.native_updated_at, held.held_at);
        const rows = (await query.execute()).toSorted((a, b) => moment(a) - moment(b) || a.held_at - b.held_at);
        for (const held of rows) {
          const outcome = await applyOne(tx, city, adapter, {
            id: held.change_id,
            ref: { id: held.case_ref, ...(held.case_number ? { publicNumber: held.case_number } : {}) },
            nativeStatus: held.native_status,
            version: held.native_version,
            updatedAt: new Date(held.native_updated_at),
          });
          const own = tx
            .updateTable('held_change')
            .where('city', '=', city)
            .where('adapter', '=', adapter)
            .where('change_id', '=', held.change_id);
          if (typeof outcome !== 'string') {
            events.push(...outcome);
            await tx
              .deleteFrom('held_change')
              .where('city', '=', city)
              .where('adapter', '=', adapter)
              .where('change_id', '=', held.change_id)
              .execute();
          } else if (outcome !== held.reason) await own.set({ reason: outcome }).execute();
        }
        if (events.length > 0) await eventLog.append(tx, events);
      });
    },

    async releaseFound(city, adapter) {
      const found = await store.db
        .selectFrom('held_change as held')
        .innerJoin('application', (join) =>
          join
            .onRef('application.city', '=', 'held.city')
            .onRef('application.adapter', '=', 'held.adapter')
            .onRef('application.case_ref', '=', 'held.case_ref'),
        )
        .select('held.case_ref')
        .distinct()
        .where('held.city', '=', city)
        .where('held.adapter', '=', adapter)
        .where('held.reason', '=', 'unknown-case')
        .execute();
      for (const { case_ref } of found) await changes.release(city, adapter, case_ref);
    },

    async forget(before) {
      await store.db.deleteFrom('seen_change').where('seen_at', '<', before).execute();
      await store.db.deleteFrom('seen_message').where('seen_at', '<', before).execute();
      await forgetTaken(store.db, now().getTime());
      await forgetSetAside(store.db, now().getTime() - setAsideMs);
      await store.db.deleteFrom('held_change').where('reason', '=', 'unknown-case').where('held_at', '<', before).execute();
    },
  };
  return changes;
}
