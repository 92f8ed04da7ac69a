import type { CaseChange, HubEvent, Json, RegionalKey } from '#contract';
import { newId } from '../infra/ids.ts';
import type { Tx } from '../infra/store/store.ts';
import type { ApplicationsDeps } from './applications.ts';
import { findApplicationByCase, toState, updateApplication, type ApplicationRow } from './records.ts';
import { decideChange, eventFacts } from './rules.ts';

/*
 * Changes of cases, however they arrive: pulled, pushed by webhook, or read after a delivery. All take one way: once per
 * change id, newest wins, the city's status map translates, what cannot be applied yet is held and applied later:
 * a status without a mapping until the map knows it, a change of an unknown case until the case's receipt is written, at most
 * a week: most unknown cases never were the hub's. A case whose receipt comes later still is asked for once (track.ts).
 */

export interface Changes {
  /** Applies changes of one adapter; with a cursor, in one transaction with it. */
  apply(city: string, adapter: string, changes: readonly CaseChange[], cursor?: string): Promise<void>;
  /** Applies what was held, of one case or (after the status map changed) of the whole adapter. */
  release(city: string, adapter: string, caseRef?: string): Promise<void>;
  /**
   * Applies what was held for a case whose receipt has been written since. Two transactions may have passed each other, one
   * holding a change of a case unknown to it, the other writing the receipt: neither sees the other, so somebody looks later.
   */
  releaseFound(city: string, adapter: string): Promise<void>;
  /** Forgets change ids and changes of unknown cases that are too old to matter. */
  forget(before: number): Promise<void>;
}

/** An event about an application. */
export const newEvent = (row: ApplicationRow, type: string, at: number, facts: Record<string, Json | undefined>): HubEvent => ({
  id: newId(),
  type,
  aggregate: { type: 'application', id: row.id },
  occurredAt: new Date(at),
  municipality: row.ars as RegionalKey,
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
    );
    if (decision.do === 'ignore') return [];
    if (decision.do === 'hold') return 'unmapped-status';
    const at = now().getTime();
    const status = decision.do === 'change' ? decision.status : null;
    await updateApplication(tx, row, {
      native_status: change.nativeStatus,
      native_version: change.version,
      native_updated_at: updatedAt,
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

  const changes: Changes = {
    async apply(city, adapter, changes, cursor) {
      await store.transaction(async (tx) => {
        const events: HubEvent[] = [];
        for (const change of changes) {
          if (!(await isNew(tx, city, adapter, change.id))) continue;
          const outcome = await applyOne(tx, city, adapter, change);
          if (typeof outcome === 'string') await hold(tx, city, adapter, change, outcome);
          else events.push(...outcome);
        }
        if (cursor !== undefined)
          await tx
            .insertInto('change_cursor')
            .values({ city, adapter, cursor, updated_at: now().getTime() })
            .onConflict((conflict) => conflict.columns(['city', 'adapter']).doUpdateSet({ cursor, updated_at: now().getTime() }))
            .execute();
        if (events.length > 0) await eventLog.append(tx, events);
      });
    },

    async release(city, adapter, caseRef) {
      await store.transaction(async (tx) => {
        let query = tx.selectFrom('held_change').selectAll().where('city', '=', city).where('adapter', '=', adapter);
        if (caseRef !== undefined) query = query.where('case_ref', '=', caseRef);
        const events: HubEvent[] = [];
        for (const held of await query.orderBy('native_updated_at').orderBy('held_at').execute()) {
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
      await store.db.deleteFrom('held_change').where('reason', '=', 'unknown-case').where('held_at', '<', before).execute();
    },
  };
  return changes;
}
