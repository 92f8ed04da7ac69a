import type { Histogram } from 'prom-client';
import type { Metrics } from '../infra/metrics.ts';
import type { Store } from '../infra/store/store.ts';
import { countOpen, listReceivers, oldestWaiting } from './looks.ts';

/** Figures of the way of events to cities; labels are connected cities and closed lists of words. */
export interface EventsMetrics {
  readonly delivery: Histogram<'city' | 'channel' | 'outcome'>;
}

export function createEventsMetrics(metrics: Metrics, store: Store, connected: readonly string[], now: () => Date): EventsMetrics {
  // A city that left may have rows, and gets no label.
  const known = new Set(connected);
  metrics.gauge({
    name: 'events_open',
    help: 'Events that wait for a city, are on their way to it, or are parked.',
    labels: ['city', 'state'],
    async read(gauge) {
      const counts = await countOpen(store.db);
      gauge.reset();
      for (const { city, state, count } of counts) if (known.has(city)) gauge.set({ city, state }, count);
    },
  });
  metrics.gauge({
    name: 'events_lag_seconds',
    help: 'How long the oldest event has waited for a city, those behind a parked one aside.',
    labels: ['city'],
    async read(gauge) {
      const oldest = new Map((await oldestWaiting(store.db)).map(({ city, queued_at }) => [city, queued_at]));
      gauge.reset();
      for (const city of known) gauge.set({ city }, Math.max(0, now().getTime() - (oldest.get(city) ?? now().getTime())) / 1000);
    },
  });
  metrics.gauge({
    name: 'events_paused',
    help: '1 if events to a city are paused until a person resumes them.',
    labels: ['city'],
    async read(gauge) {
      const receivers = await listReceivers(store.db);
      gauge.reset();
      for (const { city, paused_at } of receivers) if (known.has(city)) gauge.set({ city }, paused_at === null ? 0 : 1);
    },
  });
  return {
    delivery: metrics.histogram({
      name: 'event_delivery_seconds',
      help: 'One attempt to deliver an event to a city, by outcome.',
      labels: ['city', 'channel', 'outcome'],
      buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
    }),
  };
}
