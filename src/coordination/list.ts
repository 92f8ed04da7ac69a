import type { Json, KeyRules, LoggedEvent, RegionalKey, ServiceKey } from '#contract';
import type { Listing, PageRequest } from '../catalogue/catalogue.ts';
import type { Principal } from '../identity/identity.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import type { Store } from '../infra/store/store.ts';
import { permitOf, type RecognisedPermit } from './permits.ts';
import { findCase, listParticipants, listWaiting, type CaseRow, type WaitingRow } from './records.ts';

/** A case as those it concerns see it. Keys, ids, codes and times; nobody's name. */
export interface CaseFile {
  readonly id: string;
  readonly kind: string;
  readonly outcome: string | null;
  /** Where it began. */
  readonly ars: RegionalKey;
  readonly participants: readonly RegionalKey[];
  readonly serviceKey: ServiceKey;
  readonly applicationId: string;
  readonly openedAt: Date;
  readonly changedAt: Date;
  readonly closedAt: Date | null;
  readonly waiting: readonly WaitingStep[];
  /** The permit it is about, where it is about one. */
  readonly permit: RecognisedPermit | null;
}

/** What a case waits for. */
export interface WaitingStep {
  readonly caseId: string;
  readonly kind: string;
  readonly step: string;
  readonly ars: RegionalKey;
  readonly by: 'city' | 'clerk' | 'office' | 'time';
  readonly code: string;
  readonly choices: readonly string[];
  readonly fields: readonly string[];
  readonly applicationId: string | null;
  readonly dueAt: Date | null;
}

const isSubmitter = (principal: Principal) => principal.roles.includes('citizen') || principal.roles.includes('portal');
const cityOf = (principal: Principal) => (principal.roles.includes('city') ? principal.ars : null);

const toStep = (kind: string, row: WaitingRow): WaitingStep => ({
  caseId: row.case_id,
  kind,
  step: row.step,
  ars: row.city as RegionalKey,
  by: row.by,
  code: row.code,
  choices: JSON.parse(row.choices) as readonly string[],
  fields: JSON.parse(row.fields) as readonly string[],
  applicationId: row.application_id,
  dueAt: row.due_at === null ? null : new Date(row.due_at),
});

async function toCaseFile(store: Store, row: CaseRow): Promise<CaseFile> {
  const [participants, waiting] = await Promise.all([listParticipants(store.db, row.id), listWaiting(store.db, row.id)]);
  return {
    id: row.id,
    kind: row.kind,
    outcome: row.outcome,
    ars: row.ars,
    participants: participants as RegionalKey[],
    serviceKey: row.service_key,
    applicationId: row.application_id,
    openedAt: new Date(row.opened_at),
    changedAt: new Date(row.changed_at),
    closedAt: row.closed_at === null ? null : new Date(row.closed_at),
    waiting: waiting.map((one) => toStep(row.kind, one)),
    permit: permitOf(row.kind, JSON.parse(row.state) as Json),
  };
}

/** Cases that a principal may see: a citizen those of its own applications, a city those that concern it. Nobody else any. */
const visibleTo = (store: Store, keys: KeyRules, principal: Principal) =>
  store.db.selectFrom('case_file').where((where) => {
    const ars = cityOf(principal);
    const own = where
      .selectFrom('case_application as link')
      .innerJoin('application', 'application.id', 'link.application_id')
      .select('link.case_id')
      .where('application.owner', '=', principal.owner);
    const concerned = where
      .selectFrom('case_participant')
      .select('case_id')
      .where('ars', 'in', ars === null ? [] : [...keys.keysOfMunicipality(ars)]);
    return where.or([
      ...(isSubmitter(principal) ? [where('case_file.id', 'in', own)] : []),
      ...(ars === null ? [] : [where('case_file.id', 'in', concerned)]),
    ]);
  });

/** The case where the principal may see it, else null. */
export async function findVisible(store: Store, keys: KeyRules, id: string, principal: Principal | null): Promise<CaseFile | null> {
  if (!principal) return null;
  const row = await visibleTo(store, keys, principal).selectAll().where('case_file.id', '=', id).executeTakeFirst();
  return row ? toCaseFile(store, row) : null;
}

/** The case as it is, whoever asks. */
export async function getCase(store: Store, id: string): Promise<CaseFile> {
  const row = await findCase(store.db, id);
  if (!row) throw new Error(`case ${id} is missing`);
  return toCaseFile(store, row);
}

/** The newest case that an application belongs to and the principal may see. */
export async function findCaseOf(
  store: Store,
  keys: KeyRules,
  applicationId: string,
  principal: Principal | null,
): Promise<CaseFile | null> {
  if (!principal) return null;
  const row = await visibleTo(store, keys, principal)
    .innerJoin('case_application', 'case_application.case_id', 'case_file.id')
    .selectAll('case_file')
    .where('case_application.application_id', '=', applicationId)
    .orderBy('case_file.id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? toCaseFile(store, row) : null;
}

/** What the principal may see, newest first; the cursor is the case's id (UUIDv7, which grows with time). */
export async function listCases(
  store: Store,
  keys: KeyRules,
  principal: Principal,
  { page: { after, first }, open, kind }: { page: PageRequest; open?: boolean | null; kind?: string | null },
): Promise<Listing<CaseFile>> {
  let visible = visibleTo(store, keys, principal);
  if (open === true) visible = visible.where('closed_at', 'is', null);
  else if (open === false) visible = visible.where('closed_at', 'is not', null);
  // A word that is no kind's is asked of nobody: a store may refuse the characters in it.
  if (kind) visible = visible.where('kind', '=', /^[a-z-]{1,40}$/.test(kind) ? kind : '');
  const rows = await (after === null ? visible : visible.where('case_file.id', '<', after))
    .selectAll()
    .orderBy('case_file.id', 'desc')
    .limit(first + 1)
    .execute();
  const { count } = await visible.select((select) => select.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
  const items = await Promise.all(rows.slice(0, first).map(async (row) => ({ node: await toCaseFile(store, row), cursor: row.id })));
  return { items, totalCount: count, hasNextPage: rows.length > first };
}

/** What waits for a city: for a person where `by` is clerk, the oldest cases first; the cursor is case and step. */
export async function listSteps(
  store: Store,
  keys: KeyRules,
  ars: RegionalKey,
  by: readonly ('city' | 'clerk')[],
  { after, first }: PageRequest,
): Promise<Listing<WaitingStep>> {
  const all = store.db
    .selectFrom('case_waiting')
    .innerJoin('case_file', 'case_file.id', 'case_waiting.case_id')
    .where('case_waiting.city', 'in', [...keys.keysOfMunicipality(ars)])
    .where('case_waiting.by', 'in', [...by]);
  const [caseId = '', step = ''] = after?.split(' ') ?? [];
  const behind = all.where((where) =>
    where.or([
      where('case_waiting.case_id', '>', caseId),
      where.and([where('case_waiting.case_id', '=', caseId), where('case_waiting.step', '>', step)]),
    ]),
  );
  const rows = await (after === null ? all : behind)
    .selectAll('case_waiting')
    .select('case_file.kind')
    .orderBy('case_waiting.case_id')
    .orderBy('case_waiting.step')
    .limit(first + 1)
    .execute();
  const { count } = await all.select((select) => select.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
  return {
    items: rows.slice(0, first).map((row) => ({ node: toStep(row.kind, row), cursor: `${row.case_id} ${row.step}` })),
    totalCount: count,
    hasNextPage: rows.length > first,
  };
}

/** What happened in a case, oldest first; the cursor is the place in the log. */
export async function caseHistory(eventLog: EventLog, id: string, page: PageRequest): Promise<Listing<LoggedEvent>> {
  const after = page.after === null ? 0 : Number(page.after);
  const from = Number.isSafeInteger(after) && after >= 0 ? after : 0;
  const events = await eventLog.readAggregate('case', id, from, page.first + 1);
  return {
    items: events.slice(0, page.first).map((event) => ({ node: event, cursor: String(event.seq) })),
    totalCount: await eventLog.countAggregate('case', id),
    hasNextPage: events.length > page.first,
  };
}
