import type { Metrics } from '../infra/metrics.ts';
import type { Store } from '../infra/store/store.ts';
import { countCases, countTasks } from './records.ts';

/** Figures of cases; labels are kinds, cities and closed lists of words. */
export interface CoordinationMetrics {
  /** An event of a case was written. */
  noted(kind: string, type: string): void;
}

export function createCoordinationMetrics(metrics: Metrics, store: Store, cityOf: (ars: string) => string | null): CoordinationMetrics {
  metrics.gauge({
    name: 'cases',
    help: 'Cases between cities, by kind and outcome; open ones have none.',
    labels: ['kind', 'outcome'],
    async read(gauge) {
      const counts = await countCases(store.db);
      gauge.reset();
      for (const { kind, outcome, count } of counts) gauge.set({ kind, outcome: outcome ?? 'open' }, count);
    },
  });
  metrics.gauge({
    name: 'clerk_tasks',
    help: 'Tasks of cases that wait for a person, by city.',
    labels: ['city'],
    async read(gauge) {
      const counts = await countTasks(store.db);
      gauge.reset();
      // Cities that left share a label.
      for (const { city, count } of counts) gauge.inc({ city: cityOf(city) ?? 'other' }, count);
    },
  });
  const overdue = metrics.counter({ name: 'case_overdue_total', help: 'Steps of cases that were not done in time.', labels: ['kind'] });
  return {
    noted(kind, type) {
      if (type === 'case.overdue') overdue.inc({ kind });
    },
  };
}
