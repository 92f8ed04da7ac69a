import { createHash } from 'node:crypto';
import { AdapterError, isInFuture, type Call, type CaseChange, type ChangesPort, type Host, type MalformedRecord } from '#contract';
import type { FiledropConfig } from './config.ts';
import { readStatus, type StatusFile } from './incoming.ts';
import { Malformed } from './malformed.ts';
import type { RemoteFile } from './files.ts';
import type { Session, Sessions } from './session.ts';

/*
 * Status files, oldest first. A file is read when it is complete: its trigger file is there, or its size and time have not
 * changed for `settleMs` by the hub's clock. A row that cannot be read is named with its line, in the log, to the hub, and where
 * files are moved in a note beside it; the other rows count. A file whose rows cannot be told apart counts as a whole or not at
 * all: none of it is taken, and it is named in the log, in the check and in a note.
 *
 * The cursor is the time and name of the last file read. Where files are moved, whatever lies in the folder is unread, however
 * old it says it is; a file is moved only after the hub has stored what was in it, and a pull from an earlier cursor reads the
 * archive again. Where they stay, each pull reaches back `overlapMs`; ids of changes come from the rows, so reading twice
 * changes nothing. A file whose time is in the future is read and moves no cursor.
 */

/** Rows that one page holds at most. */
const PAGE = 500;
const unfinished = /^\.|\.(part|tmp|filepart|crdownload)$/i;

interface Place {
  readonly folder: string;
  readonly file: RemoteFile;
}

export interface Pickup {
  readonly changes: ChangesPort;
  /** What the status files say last about each key; keys of which they say nothing are absent. */
  latest(session: Session, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, CaseChange>>;
  /** A sentence per file that could not be read. */
  problems(session: Session): Promise<readonly string[]>;
}

export function createPickup(config: FiledropConfig, sessions: Sessions, host: Host): Pickup {
  const { status, timeZone } = config;
  const { folder, done, ready } = status;
  const seen = new Map<string, { stamp: string; since: number }>();
  const broken = new Map<string, { stamp: string; problem: Malformed }>();
  const archive = new Map<string, StatusFile | Malformed>();
  let lastCursor: string | null = null;

  const path = ({ folder, file }: Place) => `${folder}/${file.name}`;
  const stamp = ({ bytes, mtime }: RemoteFile) => `${bytes} ${mtime}`;
  const isStatus = ({ name }: RemoteFile) => name.toLowerCase().endsWith(`.${status.format}`) && !unfinished.test(name);
  const inOrder = (a: Place, b: Place) => a.file.mtime - b.file.mtime || (a.file.name < b.file.name ? -1 : 1);
  const parse = (content: Buffer) => readStatus(content, status, timeZone, host.now());

  /** Files of the folder that are complete. Remembers what it saw, for the next time. */
  async function listReady(session: Session): Promise<readonly Place[]> {
    const files = await session.list(folder);
    const names = new Set(files.map(({ name }) => name));
    for (const name of [...seen.keys(), ...broken.keys()])
      if (!names.has(name)) {
        seen.delete(name);
        broken.delete(name);
      }
    const now = host.now().getTime();
    const complete = (file: RemoteFile): boolean => {
      if ('trigger' in ready) return names.has(file.name + ready.trigger);
      const known = seen.get(file.name);
      if (known?.stamp === stamp(file)) return now - known.since >= ready.settleMs;
      seen.set(file.name, { stamp: stamp(file), since: now });
      return ready.settleMs === 0;
    };
    return files
      .filter(isStatus)
      .filter(complete)
      .map((file) => ({ folder, file }));
  }

  const listArchive = async (session: Session): Promise<readonly Place[]> =>
    done === 'keep' ? [] : (await session.list(done.archive)).filter(isStatus).map((file) => ({ folder: done.archive, file }));

  async function read(session: Session, place: Place): Promise<{ content: Buffer; rows: StatusFile | Malformed }> {
    if (place.file.bytes > status.maxBytes) return { content: Buffer.alloc(0), rows: tooLarge(status.maxBytes) };
    const content = await session.read(path(place));
    try {
      return { content, rows: await parse(content) };
    } catch (error) {
      if (error instanceof Malformed) return { content, rows: error };
      throw error;
    }
  }

  /** What lies in the archive does not change any more. */
  async function remembered(session: Session, place: Place): Promise<StatusFile | Malformed> {
    const name = `${place.file.name} ${stamp(place.file)}`;
    const rows = archive.get(name) ?? (await read(session, place)).rows;
    archive.delete(name);
    archive.set(name, rows);
    for (const [oldest] of archive) if (archive.size > MOST_FILES) archive.delete(oldest);
    return rows;
  }

  /** Out of the folder; a name that is taken there gets a part of its content's hash. */
  async function move(session: Session, place: Place, to: string, content: Buffer): Promise<string> {
    const [stem, ending] = [place.file.name.slice(0, -4), place.file.name.slice(-4)];
    const taken = await session.find(`${to}/${place.file.name}`);
    const name = taken ? `${stem}.${createHash('sha256').update(content).digest('hex').slice(0, 12)}${ending}` : place.file.name;
    await session.rename(path(place), `${to}/${name}`);
    if ('trigger' in ready) await session.remove(path(place) + ready.trigger);
    return `${to}/${name}`;
  }

  async function park(session: Session, place: Place, content: Buffer, problem: Malformed): Promise<void> {
    const known = broken.get(place.file.name);
    if (known?.stamp === stamp(place.file)) return;
    broken.set(place.file.name, { stamp: stamp(place.file), problem });
    host.log('warn', 'a status file cannot be read; none of it was taken', {
      file: path(place),
      line: problem.line,
      reason: problem.reason.en,
    });
    if (done === 'keep') return;
    const moved = await move(session, place, done.failed, content);
    await session.write(`${moved}.error.txt`, Buffer.from(problem.note()));
  }

  /** Tells the operator once of rows that were left out; what the hub is told of them. */
  function reportRows(place: Place, { bad }: StatusFile): readonly MalformedRecord[] {
    const [first] = bad;
    if (!first) return [];
    if (place.folder === folder && broken.get(place.file.name)?.stamp !== stamp(place.file)) {
      broken.set(place.file.name, { stamp: stamp(place.file), problem: first.problem });
      host.log('warn', 'rows of a status file cannot be read; the others were taken', {
        file: path(place),
        rows: bad.length,
        line: first.problem.line,
        reason: first.problem.reason.en,
      });
    }
    return bad.map(({ key, problem }) => ({ ...(key === null ? {} : { id: key }), reason: `${place.file.name}, ${problem.message}` }));
  }

  const noteOf = ({ bad }: StatusFile): string =>
    bad
      .slice(0, MOST_NOTED)
      .map(({ problem }) => problem.note())
      .join('');

  async function* pull(from: string | null, call: Call): ReturnType<ChangesPort['pull']> {
    const saved = from === null ? null : parseCursor(from);
    // A place in the future is none: what put it there hid every file since.
    const start = saved && isInFuture(saved.mtime * 1000, host.now()) ? null : saved;
    const session = await sessions.open(call);
    try {
      const after = ({ file }: Place, since: number, name: string) => file.mtime > since || (file.mtime === since && file.name > name);
      const waiting = (await listReady(session)).filter(
        (place) => done !== 'keep' || start === null || place.file.mtime >= start.mtime - status.overlapMs / 1000,
      );
      // Whoever asks from where this pull did not end wants to hear again what was archived since.
      const again = from !== null && from === lastCursor ? [] : await listArchive(session);
      const archived = again.filter((place) => start === null || after(place, start.mtime, start.name));
      let cursor = toCursor(start ?? { mtime: 0, name: '' });
      let reached = start ?? { mtime: 0, name: '' };
      for (const place of [...archived, ...waiting].toSorted(inOrder)) {
        const { content, rows } = await read(session, place);
        if (rows instanceof Malformed) {
          if (place.folder === folder) await park(session, place, content, rows);
          continue;
        }
        const isTimely = place.file.mtime * 1000 <= host.now().getTime();
        if (isTimely && after(place, reached.mtime, reached.name)) reached = { mtime: place.file.mtime, name: place.file.name };
        const next = toCursor(reached);
        const malformed = reportRows(place, rows);
        const { changes } = rows;
        for (let at = 0; at < Math.max(1, changes.length); at += PAGE) {
          // Only the last page of a file says that the file is done.
          const isLast = at + PAGE >= changes.length;
          lastCursor = isLast ? next : cursor;
          yield { items: changes.slice(at, at + PAGE), ...(isLast ? { malformed } : {}), next: lastCursor };
        }
        cursor = next;
        // Asked for more: what was handed out is stored.
        if (done !== 'keep' && place.folder === folder) {
          const moved = await move(session, place, done.archive, content);
          if (rows.bad.length > 0) await session.write(`${moved}.error.txt`, Buffer.from(noteOf(rows)));
        }
      }
      lastCursor = cursor;
      yield { items: [], next: cursor };
    } finally {
      session.close();
    }
  }

  return {
    changes: {
      traits: { ordering: 'none', overlapMs: status.overlapMs, everyMs: status.everyMs, cursors: 'safe' },
      pull,
      cursorAt: (moment) => toCursor({ mtime: Math.floor(moment.getTime() / 1000), name: '' }),
    },

    async latest(session, keys) {
      const found = new Map<string, CaseChange>();
      const places = [...(await listReady(session)), ...(await listArchive(session))].toSorted((a, b) => inOrder(b, a));
      for (const place of places.slice(0, MOST_FILES)) {
        if (found.size === keys.size) break;
        const rows = place.folder === folder ? (await read(session, place)).rows : await remembered(session, place);
        if (rows instanceof Malformed) continue;
        const newest = new Map<string, CaseChange>();
        for (const row of rows.changes)
          if (keys.has(row.ref.id) && row.updatedAt.getTime() >= (newest.get(row.ref.id)?.updatedAt.getTime() ?? 0))
            newest.set(row.ref.id, row);
        for (const [key, row] of newest) if (!found.has(key)) found.set(key, row);
      }
      return found;
    },

    async problems(session) {
      const sentences = [...broken].map(([name, { problem }]) => `${folder}/${name}: ${problem.message}`);
      if (done === 'keep') return sentences;
      const parked = (await session.list(done.failed)).filter(isStatus);
      return parked.map(({ name }) => `${done.failed}/${name}: see ${name}.error.txt beside it`);
    },
  };
}

/** Lines in one note. */
const MOST_NOTED = 100;
/** Where a case is looked up, newest file first. */
const MOST_FILES = 200;

const tooLarge = (bytes: number) => new Malformed(1, { de: `größer als ${bytes} Byte`, en: `larger than ${bytes} bytes` });

interface Position {
  readonly mtime: number;
  readonly name: string;
}

const toCursor = ({ mtime, name }: Position): string => `${mtime} ${name}`;

/** @throws AdapterError malformed where the text is no cursor of this adapter. */
function parseCursor(cursor: string): Position {
  const match = /^(\d{1,15}) (.*)$/s.exec(cursor);
  if (!match) throw new AdapterError('malformed', 'none', 'the cursor is not one of this adapter');
  return { mtime: Number(match[1]), name: match[2] ?? '' };
}
