import { AdapterError, isAdapterError, type CaseChange, type CaseRef, type CaseSnapshot, type MalformedRecord } from './adapter.ts';
import { breathe } from './http.ts';

/*
 * What a record of somebody else's system may do to the others of its page: nothing. One that cannot be read is set aside by
 * id, and a moment that cannot be true moves no cursor.
 */

/** How far the clock of a back office may be ahead of the hub's, in milliseconds: a moment beyond that is in the future. */
export const clockSkewMs = 5 * 60_000;

/** True for a moment (milliseconds since 1970) at which nothing can have happened yet, not even by a clock that is ahead. */
export const isInFuture = (moment: number, now: Date): boolean => moment > now.getTime() + clockSkewMs;

/**
 * Where a pull by time goes on from a saved place, both in milliseconds since 1970. A place in the future is no place: what
 * put it there hid every change since, and nothing tells since when, so the pull begins anew.
 */
export const savedPlace = (saved: number, now: Date): number => (isInFuture(saved, now) ? 0 : saved);

/** The place that may be saved for one that a pull by time has reached: never past now, whatever moments a record has. */
export const placeToSave = (reached: number, now: Date): number => Math.min(reached, now.getTime());

/** The latest of these moments that is not in the future, or `from` where none is later. What cannot be read (NaN) does not count. */
export const latestMoment = (moments: Iterable<number>, from: number, now: Date): number => {
  let latest = from;
  for (const moment of moments) if (moment > latest && !isInFuture(moment, now)) latest = moment;
  return latest;
};

const LONGEST_TEXT = 1000;

/** What is wrong with a text of a record; null if nothing is. */
function flawOfText(name: string, text: unknown): string | null {
  if (typeof text !== 'string' || text === '') return `it has no ${name}`;
  if (text.length > LONGEST_TEXT) return `its ${name} is longer than ${LONGEST_TEXT} characters`;
  if (text.includes('\0')) return `its ${name} has a NUL`;
  return text.isWellFormed() && !text.includes('\uFFFD') ? null : `its ${name} is in another charset than the answer says`;
}

/** What is wrong with a change, so that nothing can be made of it; null if nothing is. Quotes nothing of it. */
export function flawOf(change: CaseChange): string | null {
  const { id, ref, nativeStatus, version, updatedAt } = (change ?? {}) as Partial<CaseChange>;
  const flaw =
    flawOfText('case id', ref?.id) ??
    (ref?.publicNumber === undefined ? null : flawOfText('case number', ref.publicNumber)) ??
    flawOfText('status', nativeStatus) ??
    flawOfText('version', version) ??
    flawOfText('change id', id);
  if (flaw !== null) return flaw;
  if (!(updatedAt instanceof Date) || Number.isNaN(updatedAt.getTime())) return 'it has no moment of its last change';
  // Databases write "no date" as a day in the year 1, 1753 or 1900.
  return updatedAt.getTime() < 0 ? 'the moment of its last change is before 1970' : null;
}

/**
 * A case as it was read, if something can be made of it.
 * @throws AdapterError malformed with the flaw: a text that did not decode, a moment that is none
 */
export function soundCase(snapshot: CaseSnapshot): CaseSnapshot {
  const flaw = flawOf({ ...snapshot, id: 'read' });
  if (flaw === null) return snapshot;
  throw new AdapterError('malformed', 'none', `a case cannot be read: ${flaw}`);
}

/**
 * A reference as it was read, if a case can be found by it again.
 * @throws AdapterError malformed; `effect` says what that means for the call
 */
export function soundRef(ref: CaseRef, effect: AdapterError['effect'] = 'none'): CaseRef {
  const flaw = flawOfText('case id', ref.id) ?? (ref.publicNumber === undefined ? null : flawOfText('case number', ref.publicNumber));
  if (flaw === null) return ref;
  throw new AdapterError('malformed', effect, `a case cannot be read: ${flaw}`);
}

/**
 * Reads the records of a page one by one. What `read` throws as malformed, or as no AdapterError at all, is about that record:
 * it is set aside under what `idOf` finds (null if it has no id), and the others are read. Order is kept.
 * @throws AdapterError of any other kind: it is not about one record
 */
export async function readChanges<Found>(
  records: readonly Found[],
  read: (record: Found) => CaseChange | Promise<CaseChange>,
  idOf: (record: Found) => string | null | Promise<string | null>,
): Promise<{ readonly items: readonly CaseChange[]; readonly malformed: readonly MalformedRecord[] }> {
  const items: CaseChange[] = [];
  const malformed: MalformedRecord[] = [];
  for (const [index, record] of records.entries()) {
    // A page may hold as many as an answer does; others have a turn between them.
    if (index % 100 === 99) await breathe();
    let reason: string | null;
    try {
      const change = await read(record);
      reason = flawOf(change);
      if (reason === null) items.push(change);
    } catch (error) {
      if (isAdapterError(error) && error.kind !== 'malformed') throw error;
      reason = isAdapterError(error) ? error.message : 'it cannot be read';
    }
    if (reason === null) continue;
    const id = await nameOf(record, idOf);
    malformed.push(id === null ? { reason } : { id, reason });
  }
  return { items, malformed };
}

async function nameOf<Found>(record: Found, idOf: (record: Found) => string | null | Promise<string | null>): Promise<string | null> {
  try {
    const id = await idOf(record);
    return id === null || id === '' ? null : id.slice(0, LONGEST_TEXT);
  } catch {
    return null;
  }
}
