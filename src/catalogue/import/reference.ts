import { createHash } from 'node:crypto';
import type { Store } from '../../infra/store/store.ts';
import { findSource, keyOf, pruneReference, saveSource, upsertReference, type Row } from '../records.ts';
import {
  readChanges,
  readEquivalences,
  readMunicipalities,
  readPostalCodes,
  readReferenceFiles,
  readServices,
  type ReferenceFiles,
} from './reference-files.ts';

/** Told after each chunk of rows that has been written. */
export type Progress = (step: { readonly part: string; readonly done: number; readonly total: number }) => void;

/** What an import of the reference records did, by part. */
export interface ReferenceReport {
  readonly changed: boolean;
  readonly parts: readonly {
    readonly part: string;
    readonly rows: number;
    /** Rows of the file that have no service key and were left out. */
    readonly withoutKey: number;
    readonly changed: boolean;
  }[];
}

type Table = Parameters<typeof upsertReference>[1];

interface Part<T extends Table> {
  readonly part: string;
  readonly table: T;
  /** Files whose contents decide whether anything changed. */
  readonly files: readonly (keyof ReferenceFiles)[];
  readonly read: (files: ReferenceFiles) => { readonly rows: readonly Row<T>[]; readonly withoutKey: number };
}

const part = <T extends Table>(entry: Part<T>): Part<Table> => entry;
const whole = <R>(rows: readonly R[]) => ({ rows, withoutKey: 0 });

const parts: readonly Part<Table>[] = [
  part({
    part: 'municipalities',
    table: 'municipality',
    files: ['municipalities', 'changes'],
    read: (files) => whole(readMunicipalities(files)),
  }),
  part({
    part: 'municipality-changes',
    table: 'municipality_change',
    files: ['changes', 'municipalities'],
    read: (files) => whole(readChanges(files)),
  }),
  part({
    part: 'postal-codes',
    table: 'postal_code',
    files: ['postalCodes', 'municipalities'],
    read: (files) => whole(readPostalCodes(files)),
  }),
  part({ part: 'services', table: 'service', files: ['leika', 'founding', 'situations'], read: readServices }),
  part({ part: 'equivalences', table: 'service_equivalence', files: ['equivalences'], read: (files) => whole(readEquivalences(files)) }),
];

/** Rows per transaction: a killed import loses at most this much work. */
const chunkRows = 2000;
/** Rows per statement: PostgreSQL takes 65,535 parameters, SQLite 32,766. */
const statementRows = 500;

/**
 * Brings the reference tables to the state of the files in `folder`.
 *
 * Each part has a row in `catalogue_source`. Its content hash says what the table holds: `<hash>` when complete,
 * `<hash>:<rows>` while under way. Chunks are committed together with that mark, so an import that was killed goes on
 * behind its last chunk, and one that is complete reads the files, compares hashes and writes nothing.
 */
export async function importReference(
  store: Store,
  folder: string,
  {
    now,
    progress,
    signal,
  }: { readonly now: () => Date; readonly progress?: Progress | undefined; readonly signal?: AbortSignal | undefined },
): Promise<ReferenceReport> {
  const files = await readReferenceFiles(folder);
  const done: ReferenceReport['parts'][number][] = [];
  for (const entry of parts) done.push(await importPart(store, entry, files, now, progress, signal));
  return { changed: done.some(({ changed }) => changed), parts: done };
}

async function importPart(
  store: Store,
  { part, table, files: names, read }: Part<Table>,
  files: ReferenceFiles,
  now: () => Date,
  progress: Progress | undefined,
  signal: AbortSignal | undefined,
): Promise<ReferenceReport['parts'][number]> {
  const source = `reference:${part}`;
  const hash = createHash('sha256');
  for (const name of names) hash.update(files[name].text).update('\0');
  const wanted = hash.digest('hex');
  const before = await findSource(store.db, source);
  if (before?.content_hash === wanted) return { part, rows: before.offers, withoutKey: before.unmapped, changed: false };

  const { rows, withoutKey } = read(files);
  const [begun, finished] = (before?.content_hash ?? '').split(':');
  let at = begun === wanted ? Number(finished) : 0;
  const mark = (content_hash: string) => ({
    source,
    ars: null,
    format: 'reference',
    content_hash,
    offers: rows.length,
    mapped: rows.length,
    unmapped: withoutKey,
    as_of: now().getTime(),
    checked_at: now().getTime(),
    problem: null,
  });
  while (at < rows.length) {
    signal?.throwIfAborted();
    const next = Math.min(at + chunkRows, rows.length);
    await store.transaction(async (tx) => {
      for (let from = at; from < next; from += statementRows)
        await upsertReference(tx, table, rows.slice(from, Math.min(from + statementRows, next)));
      await saveSource(tx, mark(`${wanted}:${next}`));
    });
    at = next;
    progress?.({ part, done: at, total: rows.length });
  }
  await store.transaction(async (tx) => {
    await pruneReference(tx, table, new Set(rows.map((row) => keyOf(table, row))));
    await saveSource(tx, mark(wanted));
  });
  return { part, rows: rows.length, withoutKey, changed: true };
}
