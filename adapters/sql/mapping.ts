import { AdapterError, type Attachment, type CaseChange, type CaseRef, type CaseSnapshot, type Submission } from '#contract';
import { onTheWall, toMoment, written, type Clock } from './moments.ts';

/** What a parameter may be bound to. */
export type Value = string | number | boolean | null | Buffer;

/** A case as the view shows it; every column as the database writes it as text. */
export interface CaseRow {
  readonly id: string | null;
  readonly number: string | null;
  readonly status: string | null;
  readonly updatedAt: string | null;
  readonly version: string | null;
  readonly key: string | null;
}

/** What the sources of an assignment may point into. `zone`: how the database wants to read that a moment is UTC. */
export const toSource = (application: Submission, key: string, timeZone: string, zone: string): unknown => ({
  key,
  service: application.service,
  serviceName: application.serviceName,
  localKey: application.localKey,
  formRevision: application.formRevision,
  channel: application.channel,
  submittedAt: `${written(application.submittedAt.getTime())}${zone}`,
  submittedAtLocal: onTheWall(application.submittedAt, timeZone),
  applicant: application.applicant,
  formData: application.formData,
});

/** The same for a document of the application. */
export const withAttachment = (source: unknown, { id, name, mediaType, bytes, sha256 }: Attachment, content: Buffer): unknown => ({
  ...(source as object),
  attachment: { id, name, mediaType, bytes, sha256, content },
});

/** The value a JSON pointer (RFC 6901) names, or undefined where there is none. */
function at(document: unknown, pointer: string): unknown {
  let value = document;
  for (const step of pointer.slice(1).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** What a source stands for; undefined where the application has nothing there. Lists and objects become JSON. */
export function valueOf(from: string, source: unknown): Value | undefined {
  if (from.startsWith('/')) return toValue(at(source, from));
  return from.replaceAll(/\{(\/[^{}]*)\}/g, (_, pointer: string) => String(toValue(at(source, pointer)) ?? ''));
}

function toValue(value: unknown): Value | undefined {
  if (value === undefined || value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Buffer.isBuffer(value)) return value;
  // A lone surrogate has no form in UTF-8.
  return (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed();
}

/** Their columns with what goes into them, in the order of the city's file. */
export const assign = (assignments: Readonly<Record<string, string>>, source: unknown): readonly (readonly [string, Value | undefined])[] =>
  Object.entries(assignments).map(([name, from]) => [name, valueOf(from, source)] as const);

/** @throws AdapterError malformed where the row has no id. */
export function toRef({ id, number }: CaseRow): CaseRef {
  if (!id) throw new AdapterError('malformed', 'none', 'a row of the view has no id');
  return number ? { id, publicNumber: number } : { id };
}

/** @throws AdapterError malformed where the row has no status or no moment. */
export function toSnapshot(row: CaseRow, clock: Clock, now: Date): CaseSnapshot {
  const ref = toRef(row);
  const updatedAt = toMoment(row.updatedAt ?? '', clock, now);
  if (!row.status) throw new AdapterError('malformed', 'none', `case ${ref.id} has no status in the view`);
  if (!updatedAt) throw new AdapterError('malformed', 'none', `case ${ref.id} has no readable moment of its last change in the view`);
  return { ref, nativeStatus: row.status, version: row.version ?? `${row.updatedAt} ${row.status}`, updatedAt };
}

/** A change by the state it led to: the same state, the same id. */
export function toChange(row: CaseRow, clock: Clock, now: Date): CaseChange {
  const snapshot = toSnapshot(row, clock, now);
  return { ...snapshot, id: `${snapshot.ref.id} ${snapshot.version}` };
}

/** Where a pull goes on: behind a row (`exact`: within a pull that was under way), or from the beginning. */
export interface Position {
  readonly updatedAt: string;
  readonly id: string;
  readonly exact: boolean;
}

export const toCursor = ({ updatedAt, id, exact }: Position): string => JSON.stringify(exact ? [updatedAt, id, 1] : [updatedAt, id]);

/** @throws AdapterError malformed where the text is no cursor of this adapter. */
export function parseCursor(cursor: string): Position | null {
  if (cursor === '[]') return null;
  let parts: unknown;
  try {
    parts = JSON.parse(cursor);
  } catch {
    parts = null;
  }
  const [updatedAt, id, exact] = Array.isArray(parts) ? (parts as unknown[]) : [];
  if (typeof updatedAt !== 'string' || typeof id !== 'string')
    throw new AdapterError('malformed', 'none', 'the cursor is not one of this adapter');
  return { updatedAt, id, exact: exact === 1 };
}
