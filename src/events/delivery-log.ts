import type { EventChannel } from '../cities/cities.ts';
import type { Store } from '../infra/store/store.ts';
import type { Channel } from './channels.ts';
import type { EventsDeps } from './events.ts';
import { countDeliveries, listAttempts, listDeliveries, oldestWaiting, type DeliveryFilter } from './looks.ts';
import { findReceiver, type AttemptRow, type DeliveryRow } from './records.ts';
import { listSubscriptions, type Subscription } from './subscription-records.ts';

export type { DeliveryFilter };

/** How events reach a city, and how that goes. */
export interface ChannelView {
  readonly city: string;
  readonly deliver: EventChannel['deliver'];
  readonly state: 'RUNNING' | 'FAILING' | 'PAUSED';
  readonly pausedAt: Date | null;
  /** `FAILING`, `GONE` or `BY_HAND`. */
  readonly pauseReason: string | null;
  readonly failingSince: Date | null;
  readonly lastError: string | null;
  readonly nextAttemptAt: Date | null;
  readonly waiting: number;
  readonly parked: number;
  /** How long the oldest event has waited, those behind a parked one aside. */
  readonly lagSeconds: number;
  readonly subscriptions: readonly Subscription[];
}

/** An event's delivery to one city, with its attempts. No content. */
export interface DeliveryView {
  readonly city: string;
  readonly eventId: string;
  readonly sequence: number;
  readonly type: string;
  /** Id of the case or application. */
  readonly subject: string;
  readonly state: DeliveryRow['state'];
  readonly reason: string | null;
  readonly replays: number;
  readonly queuedAt: Date;
  readonly updatedAt: Date;
  readonly nextAttemptAt: Date | null;
  readonly attempts: readonly AttemptRow[];
}

export interface DeliveriesPage {
  readonly items: readonly { readonly node: DeliveryView; readonly cursor: string }[];
  readonly totalCount: number;
  readonly hasNextPage: boolean;
}

/** @internal */
export async function channelView(
  { store, cities, now }: Pick<EventsDeps, 'store' | 'cities' | 'now'>,
  channels: ReadonlyMap<string, Channel>,
  city: string,
): Promise<ChannelView | null> {
  const deliver = cities.find(city)?.events?.deliver;
  if (!deliver || !channels.has(city)) return null;
  const [receiver, waiting, leased, parked, oldest, subscriptions] = await Promise.all([
    findReceiver(store.db, city),
    countDeliveries(store.db, { city, state: 'waiting' }),
    countDeliveries(store.db, { city, state: 'leased' }),
    countDeliveries(store.db, { city, state: 'parked' }),
    oldestWaiting(store.db),
    listSubscriptions(store.db, city),
  ]);
  const at = now().getTime();
  const date = (time: number | null | undefined) => (time ? new Date(time) : null);
  const since = oldest.find((one) => one.city === city)?.queued_at ?? at;
  return {
    city,
    deliver,
    state: receiver?.paused_at ? 'PAUSED' : receiver?.failures ? 'FAILING' : 'RUNNING',
    pausedAt: date(receiver?.paused_at),
    pauseReason: receiver?.pause_reason ?? null,
    failingSince: date(receiver?.failing_since),
    lastError: receiver?.last_error ?? null,
    nextAttemptAt: receiver?.failures && !receiver.paused_at ? date(receiver.not_before) : null,
    waiting: waiting + leased,
    parked,
    lagSeconds: Math.max(0, Math.round((at - since) / 1000)),
    subscriptions,
  };
}

const toView = (row: DeliveryRow, attempts: readonly AttemptRow[]): DeliveryView => ({
  city: row.city,
  eventId: row.event_id,
  sequence: row.seq,
  type: row.type,
  subject: row.aggregateid,
  state: row.state,
  reason: row.reason,
  replays: row.replays,
  queuedAt: new Date(row.queued_at),
  updatedAt: new Date(row.updated_at),
  nextAttemptAt: row.state === 'waiting' && row.attempts > 0 ? new Date(row.not_before) : null,
  attempts: attempts.filter(({ city, event_id }) => city === row.city && event_id === row.event_id),
});

/** A page of the delivery log. The cursor is the event's place in the log. */
export async function deliveriesPage(
  store: Store,
  filter: DeliveryFilter,
  { first, after }: { readonly first: number; readonly after: string | null },
): Promise<DeliveriesPage> {
  const place = after !== null && /^\d{1,15}$/.test(after) ? Number(after) : null;
  const rows = await listDeliveries(store.db, filter, place, first + 1);
  const shown = rows.slice(0, first);
  const attempts = await listAttempts(
    store.db,
    shown.map(({ event_id }) => event_id),
    filter.city,
  );
  return {
    items: shown.map((row) => ({ node: toView(row, attempts), cursor: String(row.seq) })),
    totalCount: await countDeliveries(store.db, filter),
    hasNextPage: rows.length > first,
  };
}
