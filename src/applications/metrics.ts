import type { Counter, Histogram } from 'prom-client';
import type { Metrics } from '../infra/metrics.ts';
import type { Store } from '../infra/store/store.ts';
import { countJobs } from './records.ts';
import { countSetAside } from './set-aside.ts';

/** Figures of the application flow; labels are cities and closed lists of words. */
export interface ApplicationMetrics {
  readonly submitted: Counter<'city'>;
  readonly delivery: Histogram<'city' | 'kind' | 'outcome'>;
}

export function createApplicationMetrics(metrics: Metrics, store: Store): ApplicationMetrics {
  // Read when asked for: queues are counted where they are, in the store.
  metrics.gauge({
    name: 'deliveries',
    help: 'Deliveries that wait, run or are parked, by city.',
    labels: ['city', 'state'],
    async read(gauge) {
      const counts = await countJobs(store.db);
      gauge.reset();
      for (const { city, state, count } of counts) gauge.set({ city, state }, count);
    },
  });
  metrics.gauge({
    name: 'records_set_aside',
    help: 'Records of a back office that cannot be read, or whose moment cannot be true, by city.',
    labels: ['city'],
    async read(gauge) {
      gauge.reset();
      for (const { city, count } of await countSetAside(store.db)) gauge.set({ city }, count);
    },
  });
  return {
    submitted: metrics.counter({ name: 'applications_submitted_total', help: 'Applications acknowledged.', labels: ['city'] }),
    delivery: metrics.histogram({
      name: 'delivery_seconds',
      help: 'One attempt to deliver to a back office, by outcome.',
      labels: ['city', 'kind', 'outcome'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
    }),
  };
}
