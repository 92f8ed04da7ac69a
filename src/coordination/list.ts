import { sql, type RawBuilder, type SelectQueryBuilder } from 'kysely';
import { parseMunicipalityArs, type Json, type KeyRules, type LoggedEvent, type RegionalKey, type ServiceKey } from '#contract';
import type { Listing, PageRequest } from '../catalogue/catalogue.ts';
import type { Principal } from '../identity/identity.ts';
import { countRows, countTogether } from '../infra/store/count.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import { orderly } from '../infra/store/order.ts';
import type { Database } from '../infra/store/schema.ts';
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
  /** The municipality that somebody left, where it is about a move. */
  readonly departure: RegionalKey | null;
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
  /** When its case last changed. */
  readonly since: Date;
}

const isSubmitter = (principal: Principal) => principal.roles.includes('citizen') || principal.roles.includes('portal');
const cityOf = (principal: Principal) => (principal.roles.includes('city') ? principal.ars : null);

const toStep = ({ kind, changed_at }: Pick<CaseRow, 'kind' | 'changed_at'>, row: WaitingRow): WaitingStep => ({
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
  since: new Date(changed_at),
});

const departureIn = (state: Json): RegionalKey | null =>
  state !== null && typeof state === 'object' && 'departure' in state && typeof state.departure === 'string'
    ? parseMunicipalityArs(state.departure)
    : null;

async function toCaseFile(store: Store, row: CaseRow): Promise<CaseFile> {
  const [participants, waiting] = await Promise.all([listParticipants(store.db, row.id), listWaiting(store.db, row.id)]);
  const state = JSON.parse(row.state) as Json;
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
    waiting: waiting.map((one) => toStep(row, one)),
    departure: departureIn(state),
    permit: permitOf(row.kind, state),
  };
}

/** True for the case `id` that has an application of the principal's. Looked up case by case: a portal may have a million applications. */
const hasOwn = (store: Store, { owner }: Principal, id: RawBuilder<string>) =>
  sql<boolean>`exists ${store.db
    .selectFrom('case_application as own')
    .select('own.case_id')
    .where('own.case_id', '=', id)
    .where('own.owner', '=', owner)}`;

/** True for the case `id` that concerns a city, under one of its keys. */
const concerns = (store: Store, keysOfCity: readonly RegionalKey[], id: RawBuilder<string>) =>
  sql<boolean>`exists ${store.db
    .selectFrom('case_participant as side')
    .select('side.case_id')
    .where('side.case_id', '=', id)
    .where('side.ars', 'in', [...keysOfCity])}`;

const caseFileId = sql<string>`case_file.id`;
const fileId = sql<string>`file.id`;

/** Cases that a principal may see: a citizen those of its own applications, a city those that concern it. Nobody else any. */
const visibleTo = (store: Store, keys: KeyRules, principal: Principal) =>
  store.db.selectFrom('case_file').where((where) => {
    const ars = cityOf(principal);
    return where.or([
      ...(isSubmitter(principal) ? [hasOwn(store, principal, caseFileId)] : []),
      ...(ars === null ? [] : [concerns(store, keys.keysOfMunicipality(ars), caseFileId)]),
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

type CaseQuery = SelectQueryBuilder<Database & { file: Database['case_file'] }, 'file', object>;

/** Cases that somebody sees for one reason, where their id is, and what they are in order of: that of the index which finds them. */
interface Visible {
  readonly all: CaseQuery;
  readonly id: RawBuilder<string>;
  readonly order: RawBuilder<string>;
}

/** Of all cases, those for which something holds. What is open is found by its own index, however much is closed. */
const among = (store: Store, holds: RawBuilder<boolean>): Visible => ({
  all: store.db.selectFrom('case_file as file').where(holds),
  id: fileId,
  order: fileId,
});

/*
 * By the link first, so that cases of others are not read. A case is there for each link; left joins, because a database leaves them out
 * if nothing of the case is asked for, as when they are counted.
 */

const linked = sql<string>`link.case_id`;
const linkedInOrder = orderly('link.case_id');

/** Cases of a city under one of its keys, without those that it takes part in under one of the keys before. */
const ofCity = (store: Store, keysOfCity: readonly RegionalKey[], index: number): Visible => {
  const all = store.db
    .selectFrom('case_participant as link')
    .leftJoin('case_file as file', 'file.id', 'link.case_id')
    .where('link.ars', 'in', keysOfCity.slice(index, index + 1))
    .$if(index > 0, (more) =>
      more.where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom('case_participant as other')
              .select('other.case_id')
              .whereRef('other.case_id', '=', 'link.case_id')
              .where('other.ars', 'in', keysOfCity.slice(0, index)),
          ),
        ),
      ),
    );
  return { all, id: linked, order: linkedInOrder };
};

/** Cases of somebody's own applications, by the owner first. One that has several of them is counted once, by the first. */
const ofOwner = (store: Store, { owner }: Principal): Visible => {
  const all = store.db
    .selectFrom('case_application as link')
    .leftJoin('case_file as file', 'file.id', 'link.case_id')
    .where('link.owner', '=', owner)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('case_application as earlier')
            .select('earlier.case_id')
            .whereRef('earlier.case_id', '=', 'link.case_id')
            .whereRef('earlier.application_id', '<', 'link.application_id')
            .where('earlier.owner', '=', owner),
        ),
      ),
    );
  return { all, id: linked, order: linkedInOrder };
};

/** What the principal may see, newest first; the cursor is the case's id (UUIDv7, which grows with time). */
export async function listCases(
  store: Store,
  keys: KeyRules,
  principal: Principal,
  { page: { after, first }, open, kind }: { page: PageRequest; open?: boolean | null; kind?: string | null },
): Promise<Listing<CaseFile>> {
  const ars = cityOf(principal);
  const keysOfCity = ars === null ? [] : keys.keysOfMunicipality(ars);
  // One list for each thing that makes a case visible: a database has an index for each, and none for one or the other.
  const reasons: Visible[] = [];
  // A portal has many cases and few that are open, a person few of either.
  if (isSubmitter(principal))
    reasons.push(
      open === true && principal.roles.includes('portal') ? among(store, hasOwn(store, principal, fileId)) : ofOwner(store, principal),
    );
  if (ars !== null) {
    const ofThis =
      open === true ? [among(store, concerns(store, keysOfCity, fileId))] : keysOfCity.map((_, index) => ofCity(store, keysOfCity, index));
    for (const { all, id, order } of ofThis)
      reasons.push({
        all: isSubmitter(principal) ? all.where(sql<boolean>`not ${hasOwn(store, principal, id)}`) : all,
        id,
        order,
      });
  }
  const lists = reasons.map(({ all, order }) => {
    let visible = all;
    if (open === true) visible = visible.where('file.closed_at', 'is', null);
    else if (open === false) visible = visible.where('file.closed_at', 'is not', null);
    // A word that is no kind's is asked of nobody: a store may refuse the characters in it.
    if (kind) visible = visible.where('file.kind', '=', /^[a-z-]{1,40}$/.test(kind) ? kind : '');
    return { visible, order };
  });
  const pages = await Promise.all(
    lists.map(({ visible, order }) =>
      (after === null ? visible : visible.where(order, '<', after))
        .selectAll('file')
        .orderBy(order, 'desc')
        .limit(first + 1)
        .execute(),
    ),
  );
  const rows = pages.flat().toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const totalCount = await countTogether(
    store.db,
    lists.map(({ visible }) => visible),
  );
  const items = await Promise.all(rows.slice(0, first).map(async (row) => ({ node: await toCaseFile(store, row), cursor: row.id })));
  return {
    items,
    totalCount,
    hasNextPage: rows.length > first,
  };
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
    .select(['case_file.kind', 'case_file.changed_at'])
    .orderBy('case_waiting.case_id')
    .orderBy('case_waiting.step')
    .limit(first + 1)
    .execute();
  const count = await countRows(store.db, all);
  return {
    items: rows.slice(0, first).map((row) => ({ node: toStep(row, row), cursor: `${row.case_id} ${row.step}` })),
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
