import { AdapterError, type CaseChange, type CaseRef, type CaseSnapshot, type Json, type Submission } from '#contract';
import type { RestConfig } from './config.ts';
import { at, build } from './pointer.ts';

/** What the sources of a body may point into. */
export const toSource = (application: Submission, key: string): Json => ({
  key,
  service: application.service,
  serviceName: application.serviceName,
  localKey: application.localKey,
  formRevision: application.formRevision,
  channel: application.channel,
  submittedAt: application.submittedAt.toISOString(),
  applicant: application.applicant as unknown as Json,
  formData: application.formData,
});

/** A body as the mapping describes it; a source that is absent leaves its field out. */
export function toBody(mapping: Readonly<Record<string, string>>, source: Json): Json {
  return build(
    Object.entries(mapping).flatMap(([target, from]) => {
      const value = from.startsWith('/') ? at(source, from) : fill(from, source);
      return value === undefined ? [] : [[target, value] as const];
    }),
  );
}

const fill = (template: string, source: Json): string =>
  template.replaceAll(/\{(\/[^{}]*)\}/g, (_, from: string) => {
    const value = at(source, from) ?? '';
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  });

/**
 * A path with its placeholders filled; a value can never become another part of the address.
 * @throws AdapterError rejected for `.` and `..`, which every URL parser reads as a step up, encoded or not.
 */
export const fillPath = (path: string, values: Readonly<Record<string, string | number>>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(values[name] ?? '').toWellFormed();
    if (/^\.{1,2}$/.test(value)) throw new AdapterError('rejected', 'none', 'an id of dots alone cannot be asked for');
    return encodeURIComponent(value);
  });

const scalar = (value: Json | undefined): string | null =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : null;

/** @throws AdapterError malformed where it is no case; `effect` says what that means for the call. */
export function toRef(found: Json | undefined, fields: RestConfig['case'], effect: 'none' | 'unknown' = 'none'): CaseRef {
  const id = scalar(at(found, fields.id));
  if (id === null) throw new AdapterError('malformed', effect, `the answer has no case id at ${fields.id}`);
  const number = fields.number === undefined ? null : scalar(at(found, fields.number));
  return number === null ? { id } : { id, publicNumber: number };
}

/** @throws AdapterError malformed */
export function toSnapshot(found: Json, fields: RestConfig['case']): CaseSnapshot {
  const ref = toRef(found, fields);
  const status = scalar(at(found, fields.status));
  const moment = at(found, fields.updatedAt);
  const updatedAt = new Date(typeof moment === 'number' ? moment : (scalar(moment) ?? Number.NaN));
  if (status === null) throw new AdapterError('malformed', 'none', `a case has no status at ${fields.status}`);
  if (Number.isNaN(updatedAt.getTime())) throw new AdapterError('malformed', 'none', `a case has no moment at ${fields.updatedAt}`);
  const version = fields.version === undefined ? null : scalar(at(found, fields.version));
  return { ref, nativeStatus: status, version: version ?? `${updatedAt.toISOString()} ${status}`, updatedAt };
}

/** A change by the state it led to: the same state, the same id. */
export const toChange = (found: Json, fields: RestConfig['case']): CaseChange => {
  const snapshot = toSnapshot(found, fields);
  return { ...snapshot, id: `${snapshot.ref.id} ${snapshot.version}` };
};

/** @throws AdapterError malformed where there is no list. */
export function listAt(body: Json, pointer: string): readonly Json[] {
  const items = at(body, pointer);
  if (!Array.isArray(items)) throw new AdapterError('malformed', 'none', `the answer has no list at ${pointer || 'its root'}`);
  return items as readonly Json[];
}

/** Their field problems under our pointers: `/antrag/kennzeichen` or `antrag.kennzeichen` becomes `/formData/plateNumber` the way it went out. */
export function toFieldProblems(body: Json, config: RestConfig): Record<string, string> {
  const { errors, submit } = config;
  const items = errors && at(body, errors.items);
  if (!errors || !Array.isArray(items)) return {};
  const byLength = Object.entries(submit.body).toSorted(([a], [b]) => b.length - a.length);
  return Object.fromEntries(
    (items as readonly Json[]).slice(0, 100).flatMap((item) => {
      const text = scalar(at(item, errors.text));
      if (text === null) return [];
      const named = scalar(at(item, errors.field)) ?? '';
      const theirs = named === '' || named.startsWith('/') ? named : `/${named.replaceAll('.', '/')}`;
      const [target, source] =
        byLength.find(([field, from]) => from.startsWith('/') && (theirs === field || theirs.startsWith(`${field}/`))) ?? [];
      return [[target === undefined || source === undefined ? '' : source + theirs.slice(target.length), text.slice(0, 300)]];
    }),
  );
}
