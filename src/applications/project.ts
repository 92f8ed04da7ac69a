import type { ApplicationStatus, HubEvent } from '#contract';
import type { Projection } from '../infra/store/projection.ts';
import type { ApplicationRow } from './records.ts';
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

/** Status, since when, and why it is parked. Everything else of an application is the store's own. */
export const applicationStanding: Projection<Standing> = {
  name: 'applications',
  aggregateType: 'application',
  holds: [{ table: 'application', key: ['id'], columns: ['status', 'status_since', 'parked_reason'] }],
  isWhole: false,
  evolve: standingAfter,
  rows: (id, standing) =>
    standing && { application: [{ id, status: standing.status, status_since: standing.since, parked_reason: standing.parkedReason }] },
  async save(tx, id, rows) {
    const { status, status_since, parked_reason } = rows['application']![0] as Pick<
      ApplicationRow,
      'status' | 'status_since' | 'parked_reason'
    >;
    await tx.updateTable('application').set({ status, status_since, parked_reason }).where('id', '=', id).execute();
    return null;
  },
};
