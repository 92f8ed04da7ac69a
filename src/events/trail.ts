import type { Json, LoggedEvent } from '#contract';
import type { EventLog } from '../infra/store/eventlog.ts';
import type { Store } from '../infra/store/store.ts';
import { findEvent } from '../infra/store/eventlog.ts';
import { listAttempts, listCasesOf, listDecisions, listEvents, listJobsOf } from './looks.ts';
import { addressees } from './subscriptions.ts';

/** One thing that happened: who did what where, without content. */
export interface TrailEntry {
  readonly at: Date;
  /** `event`: in the log. `delivery`: an attempt to tell a city. `job`: a delivery to a back office. `decision`: of a person. */
  readonly kind: 'event' | 'delivery' | 'job' | 'decision';
  /** What: the event's type, `DELIVERED` or the class of a failure, the job's kind and state, the action. */
  readonly what: string;
  /** Where: ARS of the city whose event it is, else the city's id. */
  readonly where: string | null;
  /** Who did it, where the event says so: a city's ARS, or `clerk`, `system`. */
  readonly by: string | null;
  /** The event it is about. */
  readonly eventId: string | null;
  /** Status, step, outcome or reason: a code. */
  readonly detail: string | null;
}

/** Everything about a case, its applications and their deliveries, oldest first. */
export interface Trail {
  readonly entries: readonly TrailEntry[];
  readonly applications: readonly string[];
  readonly cases: readonly string[];
  /** ARS of every city that an event is of or addressed to. */
  readonly cities: readonly string[];
}

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
/** Most events of one aggregate that are shown. */
const mostEvents = 1000;
/** Applications and cases that one trail follows. */
const mostAggregates = 50;

const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);

/** Facts that are codes and say what an event was about, the most telling first. */
const telling = ['step', 'outcome', 'result', 'status', 'reason', 'service'] as const;

const ofEvent = (event: LoggedEvent): TrailEntry => ({
  at: event.occurredAt,
  kind: 'event',
  what: event.type,
  where: event.municipality,
  by: text(event.facts['by']),
  eventId: event.id,
  detail: telling.map((name) => text(event.facts[name])).find((value) => value !== null) ?? null,
});

/** The applications that an event of a case names. */
const namedApplications = (event: LoggedEvent): readonly string[] => {
  const named = text(event.facts['application']);
  return event.aggregate.type === 'case' && named !== null && uuid.test(named) ? [named] : [];
};

/**
 * The trail of an application, a case or an event, by UUID; null if the log knows none. With `city`, deliveries and decisions of that
 * city alone; `null` for none of them.
 */
export async function readTrail(
  { store, eventLog }: { readonly store: Store; readonly eventLog: EventLog },
  id: string,
  city?: string | null,
): Promise<Trail | null> {
  if (!uuid.test(id)) return null;
  const about = (await findEvent(store.db, id))?.aggregate.id ?? id;
  const seen = new Map<string, readonly LoggedEvent[]>();
  for (const waiting = [about]; waiting.length > 0 && seen.size < mostAggregates;) {
    const next = waiting.shift() ?? '';
    if (seen.has(next)) continue;
    const events = await listEvents(store.db, { aggregate: next }, 0, mostEvents);
    seen.set(next, events);
    waiting.push(...events.flatMap(namedApplications));
    if (events[0]?.aggregate.type === 'application' && uuid.test(next)) waiting.push(...(await listCasesOf(store.db, next)));
  }
  let events = [...seen.values()].flat();
  // An event of neither, for example a test: it alone.
  const alone = events.length === 0 ? await findEvent(store.db, id) : null;
  if (alone) events = (await eventLog.readAggregate(alone.aggregate.type, alone.aggregate.id, alone.seq - 1, 1)).slice();
  if (events.length === 0) return null;

  const ids = events.map((event) => event.id);
  const of = (type: string) => [...new Set(events.flatMap(({ aggregate }) => (aggregate.type === type ? [aggregate.id] : [])))];
  const applications = of('application');
  const [attempts, decisions, jobs] = await Promise.all([
    city === null ? [] : listAttempts(store.db, ids, city),
    city === null ? [] : listDecisions(store.db, ids, city),
    listJobsOf(store.db, applications),
  ]);
  const entries: readonly TrailEntry[] = [
    ...events.map(ofEvent),
    ...attempts.map((row): TrailEntry => ({
      at: new Date(row.at),
      kind: 'delivery',
      what: row.outcome,
      where: row.city,
      by: null,
      eventId: row.event_id,
      detail: row.status === null ? row.channel : `${row.channel} ${row.status}`,
    })),
    ...decisions.map((row): TrailEntry => ({
      at: new Date(row.at),
      kind: 'decision',
      what: row.action,
      where: row.city,
      by: row.by,
      eventId: row.event_id,
      detail: null,
    })),
    ...jobs.map((row): TrailEntry => ({
      at: new Date(row.updated_at),
      kind: 'job',
      what: `${row.kind}.${row.state}`,
      where: row.city,
      by: row.adapter,
      eventId: null,
      detail: row.last_error ?? `attempts ${row.attempts}`,
    })),
  ];
  return {
    entries: entries.toSorted((a, b) => a.at.getTime() - b.at.getTime()),
    applications,
    cases: of('case'),
    cities: [...new Set(events.flatMap((event) => [...(event.municipality ? [event.municipality as string] : []), ...addressees(event)]))],
  };
}
