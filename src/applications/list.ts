import type { KeyRules, LoggedEvent } from '#contract';
import type { Listing, PageRequest } from '../catalogue/catalogue.ts';
import type { Principal } from '../identity/identity.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import type { Store } from '../infra/store/store.ts';
import type { Application, Applications } from './applications.ts';
import { toApplication } from './records.ts';

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

  let visible = store.db
    .selectFrom('application')
    .where((where) =>
      where.or([
        ...(submitter ? [where('owner', '=', principal.owner)] : []),
        ...(ars ? [where('ars', 'in', [...keys.keysOfMunicipality(ars)])] : []),
      ]),
    );
  // A parked withdrawal leaves the status as it is and still waits for a person.
  if (filter.status === 'PARKED') visible = visible.where('parked_reason', 'is not', null);
  else if (filter.status) visible = visible.where('status', '=', filter.status);

  const { after, first } = filter.page;
  const rows = await (after === null ? visible : visible.where('id', '<', after))
    .selectAll()
    .orderBy('id', 'desc')
    .limit(first + 1)
    .execute();
  const { count } = await visible.select((select) => select.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
  return {
    items: rows.slice(0, first).map((row) => ({ node: toApplication(row), cursor: row.id })),
    totalCount: count,
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
  const rows = await store.db
    .selectFrom('application')
    .selectAll()
    .where('parked_reason', 'is not', null)
    .orderBy('status_since')
    .limit(1000)
    .execute();
  return rows.map(toApplication);
}
