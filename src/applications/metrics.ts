import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Store } from '../infra/store/store.ts';
import { countJobs } from './records.ts';

/** Figures of the application flow; labels are cities and closed lists of words. */
export interface ApplicationMetrics {
  readonly submitted: Counter<'city'>;
  readonly delivery: Histogram<'city' | 'kind' | 'outcome'>;
}

export function createApplicationMetrics(registry: Registry, store: Store): ApplicationMetrics {
  const registers = [registry];
  // Read when asked for: queues are counted where they are, in the store.
  const jobs = new Gauge({
    name: 'staedtebund_deliveries',
    help: 'Deliveries that wait, run or are parked, by city.',
    labelNames: ['city', 'state'],
    registers,
    async collect() {
      const counts = await countJobs(store.db).catch(() => []);
      jobs.reset();
      for (const { city, state, count } of counts) jobs.set({ city, state }, count);
    },
  });
  return {
    submitted: new Counter({
      name: 'staedtebund_applications_submitted_total',
      help: 'Applications acknowledged.',
      labelNames: ['city'],
      registers,
    }),
    delivery: new Histogram({
      name: 'staedtebund_delivery_seconds',
      help: 'One attempt to deliver to a back office, by outcome.',
      labelNames: ['city', 'kind', 'outcome'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
      registers,
    }),
  };
}
