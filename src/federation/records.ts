import type { Selectable } from 'kysely';
import type { HubEvent } from '#contract';
import { canonicalJson, newId, sha256 } from '../infra/ids.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import type { Database } from '../infra/store/schema.ts';
import type { Store } from '../infra/store/store.ts';
import type { SubgraphEntry } from './entry.ts';

/** A subgraph as it was accepted. */
export interface AcceptedSubgraph extends SubgraphEntry {
  readonly sdl: string;
  /** Of everything that was accepted. */
  readonly hash: string;
  readonly origin: 'file' | 'api';
  readonly acceptedAt: Date;
}

/** The hash that a subgraph is known by: equal contents, equal hash on every hub. */
export const hashOf = ({ name, url, sdl, limits, grants, claims }: SubgraphEntry & { readonly sdl: string }): string =>
  sha256(canonicalJson({ name, url, sdl, limits, grants, claims } as never));

const toSubgraph = (row: Selectable<Database['subgraph']>): AcceptedSubgraph => ({
  ...(JSON.parse(row.settings) as Pick<SubgraphEntry, 'limits' | 'grants' | 'claims'>),
  name: row.name,
  url: row.url,
  sdl: row.sdl,
  hash: row.hash,
  origin: row.origin,
  acceptedAt: new Date(row.accepted_at),
});

/** All accepted subgraphs, by name. */
export const readSubgraphs = async ({ db }: Store): Promise<readonly AcceptedSubgraph[]> =>
  (await db.selectFrom('subgraph').selectAll().orderBy('name').execute()).map(toSubgraph);

const eventOf = (type: string, name: string, occurredAt: Date, facts: HubEvent['facts']): HubEvent => ({
  id: newId(),
  type,
  aggregate: { type: 'subgraph', id: name },
  occurredAt,
  municipality: null,
  facts,
});

/** Stores an accepted subgraph and tells every hub, in one transaction. */
export async function saveSubgraph(store: Store, eventLog: EventLog, accepted: AcceptedSubgraph): Promise<void> {
  const { name, url, sdl, hash, origin, acceptedAt, limits, grants, claims } = accepted;
  const row = { url, sdl, hash, origin, settings: JSON.stringify({ limits, grants, claims }), accepted_at: acceptedAt.getTime() };
  await store.transaction(async (tx) => {
    await tx
      .insertInto('subgraph')
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute();
    await eventLog.append(tx, [eventOf('subgraph.accepted', name, acceptedAt, { hash })]);
  });
}

/** Takes a subgraph out and tells every hub; false if there is none. */
export const deleteSubgraph = (store: Store, eventLog: EventLog, name: string, at: Date): Promise<boolean> =>
  store.transaction(async (tx) => {
    const { numDeletedRows } = await tx.deleteFrom('subgraph').where('name', '=', name).executeTakeFirst();
    if (numDeletedRows === 0n) return false;
    await eventLog.append(tx, [eventOf('subgraph.removed', name, at, {})]);
    return true;
  });
