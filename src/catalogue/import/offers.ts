import { localServiceKey, type HubEvent, type MalformedRecord, type OfferRecord, type RegionalKey, type Json } from '#contract';
import { canonicalJson, newId, sha256 } from '../../infra/ids.ts';
import type { EventLog } from '../../infra/store/eventlog.ts';
import type { Store } from '../../infra/store/store.ts';
import { deleteOffers, findSource, listRevisions, replaceSetAside, saveSource, upsertOffers } from '../records.ts';
import { inTurns, mapEach } from '../search/pieces.ts';
import { refuseImport } from './complaints.ts';
import { diffRevisions, losesTooMuch } from './diff.ts';

/** Where a set of offers comes from. */
export interface OfferSource {
  /** Id of the source, for example the city's id. */
  readonly id: string;
  readonly ars: RegionalKey;
  readonly format: string;
}

/** What an import of offers did, or would do. */
export interface OfferReport {
  readonly source: string;
  readonly offers: number;
  /** Offers under a LeiKa key, and those that got a local key. */
  readonly mapped: number;
  readonly unmapped: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly unchanged: number;
  readonly unmappedList: readonly { readonly localKey: string; readonly name: string }[];
  /** Entries that could not be read; what there was of them stays. */
  readonly setAside: readonly MalformedRecord[];
}

/** Entries that an adapter could not read. */
export interface Aside {
  readonly adapter: string;
  readonly records: readonly MalformedRecord[];
}

/** Settings of one import. */
export interface OfferImportOptions {
  /** Says what would change and changes nothing. @default false */
  readonly dryRun?: boolean;
  /** Also takes a listing that loses too many of the source's offers. @default false */
  readonly force?: boolean;
}

/** What the import of offers works with. */
export interface OfferImportTools {
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly now: () => Date;
}

/** Id of an offer: the same source and local key, the same id. */
export const offerId = (source: string, localKey: string): string => `${source}:${localKey}`;

/**
 * Brings the offers of a source to exactly these records, in one transaction that also writes `catalogue.imported`, so
 * it is complete or changes nothing. What a second run finds unchanged (by the hash of the record) it leaves alone and
 * tells nobody. An offer whose entry could not be read stays as it was, and while one has no id that can be read, none is removed.
 * @throws HubError IMPORT_REFUSED if the listing loses too much (see `losesTooMuch`) and `force` is not set
 */
export async function importOffers(
  { store, eventLog, now }: OfferImportTools,
  source: OfferSource,
  records: readonly OfferRecord[],
  { dryRun = false, force = false }: OfferImportOptions = {},
  aside?: Aside,
): Promise<OfferReport> {
  const at = now();
  // There may be thousands.
  const rows = new Map(
    await inTurns(mapEach(records, 50, (record) => [offerId(source.id, record.localKey), offerRow(source, record, at)] as const)),
  );
  const listed = new Map([...rows].map(([id, row]) => [id, row.revision]));
  const unmappedList = records.filter((record) => record.serviceKey === null).map(({ localKey, name }) => ({ localKey, name: name.de }));

  const keptIds = new Set(aside?.records.flatMap(({ id }) => (id === undefined ? [] : [offerId(source.id, id)])));
  const keepsAll = aside?.records.some(({ id }) => id === undefined) ?? false;
  const isKept = (id: string) => keepsAll || keptIds.has(id);

  const reportOf = (stored: readonly { id: string; revision: string }[]) => {
    const found = diffRevisions(new Map(stored.map(({ id, revision }) => [id, revision])), listed);
    const changes = { ...found, removed: found.removed.filter((id) => !isKept(id)) };
    const { added, changed, removed, unchanged } = changes;
    if (!force && losesTooMuch(stored.length, removed.length))
      throw refuseImport(
        source.id,
        `the listing has ${records.length} offers and would remove ${removed.length} of ${stored.length}; check that it is complete, and import with --force if it is`,
      );
    const report: OfferReport = {
      source: source.id,
      offers: records.length,
      mapped: records.length - unmappedList.length,
      unmapped: unmappedList.length,
      added: added.length,
      changed: changed.length,
      removed: removed.length,
      unchanged,
      unmappedList,
      setAside: aside?.records ?? [],
    };
    return { changes, report };
  };

  if (dryRun) return reportOf(await listRevisions(store.db, source.id)).report;
  return store.transaction(async (tx) => {
    const { changes, report } = reportOf(await listRevisions(tx, source.id));
    const touched = [...changes.added, ...changes.changed];
    await upsertOffers(
      tx,
      touched.map((id) => rows.get(id) as ReturnType<typeof offerRow>),
    );
    await deleteOffers(tx, changes.removed);
    if (aside) await replaceSetAside(tx, { city: source.id, adapter: aside.adapter, at: at.getTime() }, aside.records);
    await saveSource(tx, {
      source: source.id,
      ars: source.ars,
      format: source.format,
      content_hash: sha256(canonicalJson(Object.fromEntries(listed))),
      offers: report.offers,
      mapped: report.mapped,
      unmapped: report.unmapped,
      as_of: at.getTime(),
      checked_at: at.getTime(),
      problem: null,
    });
    // Last: the log's lock is held until commit.
    if (touched.length + changes.removed.length > 0) await eventLog.append(tx, [imported(source, report, at)]);
    return report;
  });
}

/** Notes why a source was refused; its offers stay as they are and count as stale. */
export async function noteRefusal(
  { store, now }: Pick<OfferImportTools, 'store' | 'now'>,
  source: OfferSource,
  problem: string,
): Promise<void> {
  const checked_at = now().getTime();
  const before = await findSource(store.db, source.id);
  await saveSource(
    store.db,
    before
      ? { ...before, checked_at, problem: problem.slice(0, 4000) }
      : {
          source: source.id,
          ars: source.ars,
          format: source.format,
          content_hash: null,
          offers: 0,
          mapped: 0,
          unmapped: 0,
          as_of: null,
          checked_at,
          problem: problem.slice(0, 4000),
        },
  );
}

function offerRow(source: OfferSource, record: OfferRecord, at: Date) {
  const text = canonicalJson(record as unknown as Json);
  return {
    id: offerId(source.id, record.localKey),
    service_key: record.serviceKey ?? localServiceKey(source.ars, record.localKey),
    local_key: record.localKey,
    source: source.id,
    area: record.area ?? source.ars,
    ars: source.ars,
    record: text,
    revision: sha256(`${source.ars} ${text}`),
    valid_from: record.validFrom ?? null,
    valid_to: record.validTo ?? null,
    imported_at: at.getTime(),
  };
}

const imported = (source: OfferSource, { offers, mapped, unmapped, added, changed, removed }: OfferReport, occurredAt: Date): HubEvent => ({
  id: newId(),
  type: 'catalogue.imported',
  aggregate: { type: 'catalogue', id: source.id },
  occurredAt,
  municipality: source.ars,
  facts: { format: source.format, offers, mapped, unmapped, added, changed, removed },
});
