import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Language } from '#contract';
import { backupPostgres, countOthers, restorePostgres, verifyPostgresBackup } from '../infra/store/backup-postgres.ts';
import { backupSqlite, checksumOf, compareChecksum, copyBackup, findDamage, replaceStore, sqlitePath } from '../infra/store/backup.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import { openStore } from '../infra/store/open-store.ts';
import { rebuild, type Projection } from '../infra/store/projection.ts';
import { markRestored } from '../infra/store/restoration.ts';
import type { Store } from '../infra/store/store.ts';

/** What the verbs around backups need. */
export interface BackupVerb {
  readonly storeUrl: string;
  /** What PostgreSQL's own tools run with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly language: Language;
  readonly now: () => Date;
  readonly out: (line: string) => void;
  readonly note: (line: string) => void;
  /** What is compared with the event log when a backup is verified. */
  readonly projections: readonly Projection[];
  readonly openEventLog: (store: Store) => EventLog;
}

interface Contents {
  readonly applications: number;
  readonly events: number;
  readonly last: string;
}

const texts = {
  DE: {
    written: (file: string, bytes: number) => `${file}: gesichert, ${bytes} Bytes.`,
    changed: (checksum: string) => `Ihr Inhalt ist nicht mehr der geschriebene: Die Prüfsumme in ${checksum} ist eine andere.`,
    unchecked: (checksum: string) => `${checksum} fehlt: Ob sich ein Byte geändert hat, lässt sich nicht sagen.`,
    damaged: (file: string) => `${file} ist beschädigt:`,
    differs: (name: string, rows: number) => `${name}: ${rows} Zeilen weichen vom Ereignisprotokoll ab.`,
    good: (file: string, { applications, events, last }: Contents) =>
      `${file}: in Ordnung. ${applications} Anträge, ${events} Ereignisse, das letzte von ${last}.`,
    readable: (file: string) => `${file}: vollständig lesbar.`,
    inUse: (others: number) => `Die Datenbank ist in Gebrauch (${others} Verbindungen): Halten Sie alle Hubs an, dann spielen Sie zurück.`,
    restored: ({ applications, events, last }: Contents) =>
      `Zurückgespielt: ${applications} Anträge, ${events} Ereignisse, das letzte von ${last}.`,
    before: (file: string) => `Der bisherige Speicher liegt in ${file}.`,
    beforeSchema: (schema: string) => `Der bisherige Speicher liegt im Schema ${schema} derselben Datenbank.`,
    unmarked: 'Die Sicherung ist zurückgespielt, aber noch nicht vermerkt: Führen Sie „staedtebund restored“ aus, bevor ein Hub startet.',
    marked: 'Vermerkt: Was offen ist, wird in den Fachverfahren nachgesehen, bevor es noch einmal gesendet wird.',
  },
  EN: {
    written: (file: string, bytes: number) => `${file}: backed up, ${bytes} bytes.`,
    changed: (checksum: string) => `its content is not what was written: the checksum in ${checksum} is another one.`,
    unchecked: (checksum: string) => `${checksum} is missing: whether a byte has changed cannot be told.`,
    damaged: (file: string) => `${file} is damaged:`,
    differs: (name: string, rows: number) => `${name}: ${rows} rows differ from the event log.`,
    good: (file: string, { applications, events, last }: Contents) =>
      `${file}: in order. ${applications} applications, ${events} events, the last of ${last}.`,
    readable: (file: string) => `${file}: can be read to its end.`,
    inUse: (others: number) => `The database is in use (${others} connections): stop every hub, then restore.`,
    restored: ({ applications, events, last }: Contents) =>
      `Restored: ${applications} applications, ${events} events, the last of ${last}.`,
    before: (file: string) => `The store before lies in ${file}.`,
    beforeSchema: (schema: string) => `The store before lies in the schema ${schema} of the same database.`,
    unmarked: 'The backup is in its place, but this is not noted yet: run “staedtebund restored” before a hub starts.',
    marked: 'Noted: what is open is looked for in the back offices before it is sent again.',
  },
} as const;

/** Writes the store into a file while the hub runs. Resolves to the exit code. @throws HubError BACKUP_REFUSED */
export async function runBackup({ storeUrl, env, language, out }: BackupVerb, file: string): Promise<number> {
  const path = sqlitePath(storeUrl);
  const bytes = path === null ? await backupPostgres(storeUrl, file, env) : await backupSqlite(path, file);
  out(texts[language].written(file, bytes));
  return 0;
}

/** Looks a backup through, or puts it in the place of the store. Resolves to the exit code: 1 where the backup is damaged. @throws HubError BACKUP_REFUSED */
export async function runRestore(verb: BackupVerb, file: string, { verify = false }: { readonly verify?: boolean }): Promise<number> {
  const path = sqlitePath(verb.storeUrl);
  const checksum = await compareChecksum(file);
  if (checksum === 'differs') {
    verb.note([texts[verb.language].damaged(file), texts[verb.language].changed(checksumOf(file))].join('\n  '));
    return 1;
  }
  if (checksum === 'unknown') verb.note(texts[verb.language].unchecked(checksumOf(file)));
  if (path === null) return restoreServer(verb, file, verify);
  if (!verify) return withDraft(dirname(path), (draft) => restoreFile(verb, { path, file, draft }));
  return withDraft(tmpdir(), (draft) => verifyFile(verb, file, draft));
}

/** For a store that was restored by other means: a snapshot, point-in-time recovery. Resolves to the exit code. */
export async function runRestored({ storeUrl, language, now, out }: BackupVerb): Promise<number> {
  const store = await openStore(storeUrl);
  try {
    await markRestored(store, now().getTime());
  } finally {
    await store.close();
  }
  out(texts[language].marked);
  return 0;
}

/** A file in a folder of its own, readable by nobody else and gone afterwards. */
async function withDraft<T>(folder: string, use: (draft: string) => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true });
  const own = mkdtempSync(join(folder, '.restore-'));
  try {
    return await use(join(own, 'hub.db'));
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

function isDamaged({ language, note }: BackupVerb, file: string, draft: string): boolean {
  copyBackup(file, draft);
  const damage = findDamage(draft);
  if (damage.length > 0) note([texts[language].damaged(file), ...damage].join('\n  '));
  return damage.length > 0;
}

async function verifyFile(verb: BackupVerb, file: string, draft: string): Promise<number> {
  if (isDamaged(verb, file, draft)) return 1;
  const { language, note, out, projections, openEventLog } = verb;
  // Opened as a start would open it: brought up to this version's schema, or refused as one of a newer version.
  const store = await openStore(`sqlite:${draft}`);
  try {
    let differing = 0;
    for (const projection of projections) {
      const rebuilt = await rebuild(store, openEventLog(store), projection, { check: true });
      if (rebuilt.differing > 0) note(texts[language].differs(projection.name, rebuilt.differing));
      differing += rebuilt.differing;
    }
    if (differing > 0) return 1;
    out(texts[language].good(file, await contentsOf(store)));
    return 0;
  } finally {
    await store.close();
  }
}

async function restoreFile(verb: BackupVerb, { path, file, draft }: { path: string; file: string; draft: string }): Promise<number> {
  if (isDamaged(verb, file, draft)) return 1;
  const { language, now, out } = verb;
  const contents = await mark(`sqlite:${draft}`, now());
  const before = replaceStore(path, draft, stampOf(now()));
  out(texts[language].restored(contents));
  if (before !== null) out(texts[language].before(before));
  return 0;
}

/** A moment as part of a name. */
const stampOf = (at: Date): string => at.toISOString().replaceAll(/[-:]|\.\d+/g, '');

async function restoreServer({ storeUrl, env, language, now, out, note }: BackupVerb, file: string, verify: boolean): Promise<number> {
  await verifyPostgresBackup(file, env);
  if (verify) {
    out(texts[language].readable(file));
    return 0;
  }
  const others = await countOthers(storeUrl);
  if (others > 0) {
    note(texts[language].inUse(others));
    return 1;
  }
  const before = await restorePostgres(storeUrl, file, stampOf(now()), env);
  if (before !== null) out(texts[language].beforeSchema(before));
  let contents: Contents;
  try {
    contents = await mark(storeUrl, now());
  } catch (error) {
    // The backup is in its place; only the note is missing.
    note(texts[language].unmarked);
    throw error;
  }
  out(texts[language].restored(contents));
  return 0;
}

async function mark(storeUrl: string, at: Date): Promise<Contents> {
  const store = await openStore(storeUrl);
  try {
    const contents = await contentsOf(store);
    await markRestored(store, at.getTime());
    return contents;
  } finally {
    await store.close();
  }
}

async function contentsOf({ db }: Store): Promise<Contents> {
  const { applications } = await db
    .selectFrom('application')
    .select((select) => select.fn.countAll<number>().as('applications'))
    .executeTakeFirstOrThrow();
  const { events, last } = await db
    .selectFrom('event_log')
    .select((select) => [select.fn.countAll<number>().as('events'), select.fn.max('occurred_at').as('last')])
    .executeTakeFirstOrThrow();
  return { applications, events, last: last === null ? '–' : new Date(last).toISOString() };
}
