import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  createReadStream,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HubError } from '#contract';

/*
 * Backup and restoration of a store in a SQLite file. A backup is one snapshot in one file: the last commit and everything before it,
 * nothing of what comes later, without stopping the hub. It has its name only when it is whole and on the disk; a name that is taken
 * keeps the file before until then. A restoration replaces the store in one step, or leaves it as it was.
 */

/** Path of a store's file, null if the URL names no SQLite file. */
export const sqlitePath = (url: string): string | null =>
  url.startsWith('sqlite:') ? url.slice('sqlite:'.length).replace(/^\/\/(?=\/|\.)/, '') : null;

/** A backup that is not made, or not put back, and why. */
export const refused = (de: string, en: string, cause?: unknown) =>
  new HubError('BACKUP_REFUSED', { de, en }, cause === undefined ? {} : { cause });

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A name beside the file that nobody else has. */
const draftOf = (path: string): string => `${path}.${randomBytes(6).toString('hex')}.part`;

/** Puts what was written, file or folder, on the disk. */
function flush(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Gives a finished draft its name, over whatever has it. */
export function publish(draft: string, path: string): void {
  chmodSync(draft, 0o600);
  flush(draft);
  renameSync(draft, path);
  flush(dirname(resolve(path)));
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Where the checksum of a backup lies, as `sha256sum` writes and checks it: neither database finds a byte that changed within a text. */
export const checksumOf = (path: string): string => `${path}.sha256`;

/** Whether a backup is byte for byte as it was written; `unknown` if no checksum lies beside it. */
export async function compareChecksum(path: string): Promise<'same' | 'differs' | 'unknown'> {
  if (!existsSync(path)) throw refused(`${path} gibt es nicht.`, `${path} does not exist.`);
  if (!existsSync(checksumOf(path))) return 'unknown';
  const [written] = readFileSync(checksumOf(path), 'utf8').split(' ');
  return written === (await digestOf(path)) ? 'same' : 'differs';
}

/** Writes a backup as `writeWhole` does, and its checksum beside it. Never is one of another backup there. */
export async function writeBackup(path: string, write: (draft: string) => void | Promise<void>): Promise<void> {
  let digest = '';
  await writeWhole(path, async (draft) => {
    await write(draft);
    digest = await digestOf(draft);
    rmSync(checksumOf(path), { force: true });
    flush(dirname(resolve(path)));
  });
  await writeWhole(checksumOf(path), (draft) => writeFileSync(draft, `${digest}  ${basename(path)}\n`));
}

/** Runs `write` on a draft that becomes `path` where it succeeds and leaves nothing if it fails. */
export async function writeWhole(path: string, write: (draft: string) => void | Promise<void>): Promise<void> {
  mkdirSync(dirname(resolve(path)), { recursive: true, mode: 0o700 });
  const draft = draftOf(path);
  try {
    await write(draft);
    publish(draft, path);
  } finally {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${draft}${end}`, { force: true });
  }
}

/** Writes the store of `source` into `target` while the hub runs. @returns its size in bytes @throws HubError BACKUP_REFUSED */
export async function backupSqlite(source: string, target: string): Promise<number> {
  if (!existsSync(source)) throw refused(`${source} gibt es nicht: Prüfen Sie STORE_URL.`, `${source} does not exist: check STORE_URL.`);
  if (resolve(source) === resolve(target))
    throw refused(`${target} ist der Speicher selbst: Nennen Sie eine andere Datei.`, `${target} is the store itself: name another file.`);
  await writeBackup(target, (draft) => {
    const db = new DatabaseSync(source, { timeout: 30_000 });
    try {
      // One read transaction: writers go on, and what they commit meanwhile is not in it.
      db.prepare('vacuum into ?').run(draft);
    } catch (error) {
      throw refused(
        `${source} ließ sich nicht nach ${target} sichern: ${reason(error)}`,
        `${source} could not be backed up into ${target}: ${reason(error)}`,
        error,
      );
    } finally {
      db.close();
    }
  });
  return statSync(target).size;
}

/** Copies a backup to where it can be opened and changed. */
export function copyBackup(backup: string, draft: string): void {
  if (!existsSync(backup)) throw refused(`${backup} gibt es nicht.`, `${backup} does not exist.`);
  copyFileSync(backup, draft);
  chmodSync(draft, 0o600);
}

/** What SQLite finds wrong in a file; empty if nothing is. */
export function findDamage(path: string): readonly string[] {
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(path, { timeout: 1000 });
  } catch (error) {
    return [reason(error)];
  }
  try {
    const broken = db.prepare('pragma integrity_check(10)').all() as { integrity_check: string }[];
    const orphans = db.prepare('pragma foreign_key_check').all() as { table: string; rowid: number }[];
    const isStore = db.prepare("select 1 from sqlite_master where name = 'event_log'").get() !== undefined;
    return [
      ...broken.map((row) => row.integrity_check).filter((text) => text !== 'ok'),
      ...orphans.slice(0, 10).map(({ table, rowid }) => `${table} ${rowid} belongs to nothing`),
      ...(isStore ? [] : ['it is no store of a hub: there is no event log in it']),
    ];
  } catch (error) {
    return [reason(error)];
  } finally {
    db.close();
  }
}

/**
 * Takes the place of a store: `draft`, ready to be opened, becomes `path`. The store before stays under another name, with what it
 * had beside it; a log of writes that belongs to it is never read as one of the new file.
 * @returns where the store before lies now, null if there was none
 * @throws HubError BACKUP_REFUSED while a process has the store open
 */
export function replaceStore(path: string, draft: string, stamp: string): string | null {
  const before = `${path}.before-${stamp}`;
  if (!foldIn(draft)) throw refused(`${draft} lässt sich nicht öffnen.`, `${draft} cannot be opened.`);
  const hadStore = existsSync(path);
  if (hadStore) {
    if (!foldIn(path)) for (const end of ['-wal', '-shm']) if (existsSync(`${path}${end}`)) renameSync(`${path}${end}`, `${before}${end}`);
    linkSync(path, before);
  }
  // Of a store whose file is gone: they would be taken for the new one's.
  for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
  publish(draft, path);
  return hadStore ? before : null;
}

/** Brings what is beside a store into its file, which only works while nobody else has it open. False if it cannot be read. */
function foldIn(path: string): boolean {
  try {
    const db = new DatabaseSync(path, { timeout: 1000 });
    try {
      db.exec('pragma journal_mode = delete');
      return true;
    } finally {
      db.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
    if (code === 5 || code === 6)
      throw refused(
        `${path} ist in einem anderen Prozess offen: Halten Sie den Hub an, dann spielen Sie zurück.`,
        `${path} is open in another process: stop the hub, then restore.`,
        error,
      );
    return false;
  }
}
