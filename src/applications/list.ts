import { sql } from 'kysely';
import type { KeyRules, LoggedEvent, RegionalKey } from '#contract';
import type { Listing, PageRequest } from '../catalogue/catalogue.ts';
import type { Principal } from '../identity/identity.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import { countRows, countTogether } from '../infra/store/count.ts';
import { orderly } from '../infra/store/order.ts';
import type { Store } from '../infra/store/store.ts';
import type { Application, Applications } from './applications.ts';
import { isParked, toApplication } from './records.ts';

/** Applications that the principal may see, newest first; the cursor is the application's id (UUIDv7, which grows with time). */
export async function listPage(
  store: Store,
  keys: KeyRules,
  principal: Principal,
  filter: Parameters<Applications['list']>[1],
): Promise<Listing<Application>> {
  const submitter = principal.roles.includes('citizen') || principal.roles.includes('portal');
  const ars = principal.roles.includes('city') ? principal.ars : null;
  if (!submitter && !ars) return { items: [], totalCount: 0, hasNextPage: false };

  // One list for each thing that makes an application visible: a database has an index for each, and none for one or the other.
  const byOwner = store.db.selectFrom('application').where('owner', '=', principal.owner);
  const byCity = (ars ? keys.keysOfMunicipality(ars) : []).map((keyOfCity) => {
    const all = store.db.selectFrom('application').where('ars', '=', keyOfCity);
    return submitter ? all.where('owner', '<>', principal.owner) : all;
  });
  // What is parked is found by an index that holds such rows alone.
  const order = filter.status === 'PARKED' ? sql<string>`id` : orderly('id');
  const lists = [...(submitter ? [byOwner] : []), ...byCity].map((visible) => {
    // A parked withdrawal leaves the status as it is and still waits for a person.
    if (filter.status === 'PARKED') return visible.where(isParked);
    return filter.status ? visible.where('status', '=', filter.status) : visible;
  });

  const { after, first } = filter.page;
  const pages = await Promise.all(
    lists.map((visible) =>
      (after === null ? visible : visible.where(order, '<', after))
        .selectAll()
        .orderBy(order, 'desc')
        .limit(first + 1)
        .execute(),
    ),
  );
  const rows = pages.flat().toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const count = await countTogether(store.db, lists);
  return {
    items: rows.slice(0, first).map((row) => ({ node: toApplication(row), cursor: row.id })),
    totalCount: count,
    hasNextPage: rows.length > first,
  };
}

/** Applications of one municipality that wait for a person, oldest first; the cursor is the application's id. */
export async function listParkedOf(
  store: Store,
  keys: KeyRules,
  ars: RegionalKey,
  { after, first }: PageRequest,
): Promise<Listing<Application>> {
  const all = store.db
    .selectFrom('application')
    .where('ars', 'in', [...keys.keysOfMunicipality(ars)])
    .where(isParked);
  const rows = await (after === null ? all : all.where('id', '>', after))
    .selectAll()
    .orderBy('id')
    .limit(first + 1)
    .execute();
  return {
    items: rows.slice(0, first).map((row) => ({ node: toApplication(row), cursor: row.id })),
    totalCount: await countRows(store.db, all),
    hasNextPage: rows.length > first,
  };
}

/** What happened to an application, oldest first; the cursor is the place in the log. */
export async function historyPage(eventLog: EventLog, applicationId: string, page: PageRequest): Promise<Listing<LoggedEvent>> {
  const after = page.after === null ? 0 : Number(page.after);
  const from = Number.isSafeInteger(after) && after >= 0 ? after : 0;
  const events = await eventLog.readAggregate('application', applicationId, from, page.first + 1);
  return {
    items: events.slice(0, page.first).map((event) => ({ node: event, cursor: String(event.seq) })),
    totalCount: await eventLog.countAggregate('application', applicationId),
    hasNextPage: events.length > page.first,
  };
}

/** Everything that waits for a person, oldest first. */
export async function listParked(store: Store): Promise<readonly Application[]> {
  const rows = await store.db.selectFrom('application').selectAll().where(isParked).orderBy('status_since').limit(1000).execute();
  return rows.map(toApplication);
}
