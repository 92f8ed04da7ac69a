import type { ApplicationStatus, HubEvent, LoggedEvent } from '#contract';
import type { Projection } from '../infra/store/projection.ts';
import type { Tx } from '../infra/store/store.ts';
import { evolveStatus } from './rules.ts';

/** What the log tells of an application as it stands. */
export interface Standing {
  readonly status: ApplicationStatus;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly parkedReason: string | null;
}

/** Types of events after which nothing of the application waits for a person. */
const unparks: readonly string[] = ['application.submitted', 'application.delivered', 'application.released', 'application.withdrawn'];
/** Since when a status holds begins anew, also with the same status. */
const begins: readonly string[] = [...unparks, 'application.status-changed'];

/** How an application stands after an event; null before its first. */
export function standingAfter(before: Standing | null, event: Pick<HubEvent, 'type' | 'occurredAt' | 'facts'>): Standing | null {
  const status = evolveStatus(before?.status ?? null, event);
  if (status === null) return null;
  const at = event.occurredAt.getTime();
  const { reason } = event.facts;
  const parked = event.type === 'application.parked' && typeof reason === 'string' ? reason : null;
  return {
    status,
    since: before === null || begins.includes(event.type) || status !== before.status ? at : before.since,
    parkedReason: parked ?? (unparks.includes(event.type) ? null : (before?.parkedReason ?? null)),
  };
}

async function fold(events: AsyncIterable<readonly LoggedEvent[]>): Promise<ReadonlyMap<string, Standing>> {
  const standings = new Map<string, Standing>();
  for await (const batch of events)
    for (const event of batch) {
      const after = standingAfter(standings.get(event.aggregate.id) ?? null, event);
      if (after) standings.set(event.aggregate.id, after);
    }
  return standings;
}

/** Status, since when, and why it is parked. Everything else of an application is the store's own. */
export const applicationStanding: Projection = {
  name: 'applications',
  aggregateType: 'application',
  holds: [{ table: 'application', key: ['id'], columns: ['status', 'status_since', 'parked_reason'] }],
  async drop(tx: Tx) {
    const known = tx.selectFrom('event_log').select('aggregateid').where('aggregatetype', '=', 'application');
    await tx.updateTable('application').set({ status: '', status_since: 0, parked_reason: null }).where('id', 'in', known).execute();
  },
  async make(tx, events) {
    for (const [id, { status, since, parkedReason }] of await fold(events))
      await tx.updateTable('application').set({ status, status_since: since, parked_reason: parkedReason }).where('id', '=', id).execute();
  },
};
