import type { HubEvent, Json, RegionalKey, ServiceKey } from '#contract';
import { canonicalJson, sha256 } from '../infra/ids.ts';
import type { CaseEvent, CaseKind, Waiting } from './kind.ts';
import type { CaseRow, WaitingRow } from './records.ts';

/*
 * From the events of a case to its rows: the same events, the same bytes, whether they have just been decided or stand in
 * the log for years.
 */

/** A case as the store holds it. */
export interface CaseRows {
  readonly file: CaseRow;
  readonly participants: readonly string[];
  readonly applications: readonly string[];
  readonly waiting: readonly WaitingRow[];
}

/** What the log says of an event of a case. */
type Logged = Pick<HubEvent, 'type' | 'municipality' | 'occurredAt' | 'facts'>;

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const texts = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
const add = (known: readonly string[], more: readonly string[]): readonly string[] =>
  [...new Set([...known, ...more.filter((one) => one !== '')])].toSorted();

/** Under which a kind knows a case; the key itself may be a client's own words. */
export const correlationOf = (kind: string, key: string): string => sha256(`${kind} ${key}`).slice(0, 32);

/** A case event as its kind wrote it. */
export const toCaseEvent = ({ type, municipality, facts: { to, ...facts } }: Logged): CaseEvent => ({
  type,
  of: municipality as RegionalKey,
  ...(to === undefined ? {} : { to: texts(to) as RegionalKey[] }),
  facts,
});

/** Facts of a case event as the log has them. */
export const toFacts = ({ facts, to }: CaseEvent): { readonly [name: string]: Json } => (to ? { ...facts, to } : facts);

/** The rows of a case after one more event. @param before null for its first, which is `case.opened` */
export function project(kind: CaseKind, id: string, before: CaseRows | null, event: Logged): CaseRows {
  const at = event.occurredAt.getTime();
  const told = toCaseEvent(event);
  const { facts } = event;
  const file: CaseRow = before?.file ?? {
    id,
    kind: kind.id,
    correlation: text(facts['correlation']),
    state: canonicalJson(kind.initial),
    ars: told.of,
    service_key: text(facts['service']) as ServiceKey,
    application_id: text(facts['application']),
    outcome: null,
    opened_at: at,
    changed_at: at,
    closed_at: null,
    version: 0,
  };
  const state = kind.evolve(JSON.parse(file.state) as Json, told);
  const closed = event.type === 'case.closed';
  const waiting = closed ? [] : kind.waiting(state);
  // A case that waits for something again is open again: a wish may join a group that was settled.
  const end = closed ? { outcome: text(facts['outcome']), closed_at: at } : waiting.length > 0 ? { outcome: null, closed_at: null } : {};
  return {
    file: {
      ...file,
      state: canonicalJson(state),
      changed_at: at,
      version: file.version + 1,
      ...end,
    },
    participants: add(before?.participants ?? [], [told.of, ...(told.to ?? [])]),
    applications: add(before?.applications ?? [], [text(facts['application'])]),
    waiting: waiting.map((one) => toWaitingRow(id, one)),
  };
}

const toWaitingRow = (case_id: string, { step, city, by, code, choices, fields = [], application, dueAt }: Waiting): WaitingRow => ({
  case_id,
  step,
  city,
  by,
  code,
  choices: JSON.stringify(choices),
  fields: JSON.stringify(fields),
  application_id: application ?? null,
  due_at: dueAt?.getTime() ?? null,
});
