import type { Projection } from '../infra/store/projection.ts';
import type { CaseKind } from './kind.ts';
import { project, type CaseRows } from './project.ts';
import { dropCases, saveCase } from './records.ts';

/** All that is known of cases, but for answers, marks and sealed facts. Cases of a kind that this version does not know are left out. */
export const caseProjection = (findKind: (id: string) => CaseKind | null): Projection => ({
  name: 'cases',
  aggregateType: 'case',
  holds: [
    {
      table: 'case_file',
      key: ['id'],
      columns: [
        'kind',
        'correlation',
        'state',
        'ars',
        'service_key',
        'application_id',
        'outcome',
        'opened_at',
        'changed_at',
        'closed_at',
        'version',
      ],
    },
    { table: 'case_participant', key: ['case_id', 'ars'], columns: [] },
    { table: 'case_application', key: ['case_id', 'application_id'], columns: [] },
    {
      table: 'case_waiting',
      key: ['case_id', 'step'],
      columns: ['city', 'by', 'code', 'choices', 'fields', 'application_id', 'due_at'],
    },
  ],
  drop: dropCases,
  async make(tx, events) {
    const cases = new Map<string, CaseRows>();
    for await (const batch of events)
      for (const event of batch) {
        const { id } = event.aggregate;
        const before = cases.get(id) ?? null;
        const kind = findKind(before?.file.kind ?? (typeof event.facts['kind'] === 'string' ? event.facts['kind'] : ''));
        // The first event of a case says what it is; without it there is nothing to go on.
        if (kind && (before || event.type === 'case.opened')) cases.set(id, project(kind, id, before, event));
      }
    for (const rows of cases.values()) await saveCase(tx, null, rows);
  },
});
