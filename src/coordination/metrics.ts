import type { Metrics } from '../infra/metrics.ts';
import type { Store } from '../infra/store/store.ts';
import { listOpenKinds, countTasks } from './records.ts';

/** Figures of cases; labels are kinds, cities and closed lists of words. */
export interface CoordinationMetrics {
  /** An event of a case was written; the outcome is null as long as the case is open. */
  noted(kind: string, type: string, outcome: string | null): void;
}

export function createCoordinationMetrics(metrics: Metrics, store: Store, cityOf: (ars: string) => string | null): CoordinationMetrics {
  metrics.gauge({
    name: 'cases_open',
    help: 'Cases between cities that are open, by kind.',
    labels: ['kind'],
    async read(gauge) {
      const open = await listOpenKinds(store.db);
      gauge.reset();
      for (const { kind } of open) gauge.inc({ kind });
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
  const closed = metrics.counter({
    name: 'cases_closed_total',
    help: 'Cases between cities that this process closed, by kind and outcome.',
    labels: ['kind', 'outcome'],
  });
  return {
    noted(kind, type, outcome) {
      if (type === 'case.closed') closed.inc({ kind, outcome: outcome ?? 'none' });
      if (type === 'case.overdue') overdue.inc({ kind });
    },
  };
}
