import type { Projection, ToldRows } from '../infra/store/projection.ts';
import type { CaseKind } from './kind.ts';
import { project, type CaseRows } from './project.ts';
import { replaceCase, type CaseRow, type WaitingRow } from './records.ts';

/** A case of a kind that this version does not know: a later one does, and its rows are as that one left them. */
const unknownKind = Symbol('unknown kind');

type Told = CaseRows | typeof unknownKind;

const nothing: ToldRows = { case_file: [], case_participant: [], case_application: [], case_waiting: [] };

const toRows = ({ file, participants, applications, waiting }: CaseRows): ToldRows => ({
  case_file: [file],
  case_participant: participants.map((ars) => ({ case_id: file.id, ars })),
  case_application: applications.map((application_id) => ({ case_id: file.id, application_id })),
  case_waiting: waiting,
});

function fromRows(rows: ToldRows): CaseRows | null {
  const file = rows['case_file']?.[0] as CaseRow | undefined;
  if (!file) return null;
  return {
    file,
    participants: (rows['case_participant'] as { ars: string }[]).map(({ ars }) => ars),
    applications: (rows['case_application'] as { application_id: string }[]).map((row) => row.application_id),
    waiting: rows['case_waiting'] as WaitingRow[],
  };
}

/** All that is known of cases, but for answers, marks and sealed facts. Cases of a kind that this version does not know are left alone. */
export const caseProjection = (findKind: (id: string) => CaseKind | null): Projection<Told> => ({
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
  isWhole: true,
  evolve(before, event) {
    if (before === unknownKind) return before;
    // The first event of a case says what it is; without it there is nothing to go on.
    if (before === null && event.type !== 'case.opened') return null;
    const kind = findKind(before?.file.kind ?? (typeof event.facts['kind'] === 'string' ? event.facts['kind'] : ''));
    return kind ? project(kind, event.aggregate.id, before, event) : unknownKind;
  },
  rows: (_, told) => (told === unknownKind ? null : told ? toRows(told) : nothing),
  save: (tx, id, rows) => replaceCase(tx, id, fromRows(rows)),
});
