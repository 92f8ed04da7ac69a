import { AdapterError, soundCase, soundRef, type CaseChange, type CaseRef, type CaseSnapshot, type Json, type Submission } from '#contract';
import type { CaseFields, CasesConfig } from './config.ts';
import { at, build, scalar } from './pointer.ts';

type Sources = Readonly<Record<string, string | number | boolean>>;

/** What the variables of submit may point into. */
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

/** Variables as the mapping describes them; a source that is absent leaves its variable out. */
export function toVariables(mapping: Sources, source: Json): Json {
  return build(
    Object.entries(mapping).flatMap(([target, from]) => {
      const value = typeof from !== 'string' ? from : from.startsWith('/') ? at(source, from) : fill(from, source);
      return value === undefined ? [] : [[target, value] as const];
    }),
  );
}

const fill = (template: string, source: Json): string =>
  template.replaceAll(/\{(\/[^{}]*)\}/g, (_, from: string) => {
    const value = at(source, from) ?? '';
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  });

/** @throws AdapterError malformed where it is no case; `effect` says what that means for the call. */
export function toRef(found: Json | undefined, fields: CaseFields, effect: 'none' | 'unknown' = 'none'): CaseRef {
  const id = scalar(at(found, fields.id));
  if (id === null) throw new AdapterError('malformed', effect, `the answer has no case id at ${fields.id}`);
  const number = fields.number === undefined ? null : scalar(at(found, fields.number));
  return soundRef(number === null ? { id } : { id, publicNumber: number }, effect);
}

const exact = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;

/** @throws AdapterError malformed */
export function toSnapshot(found: Json | undefined, fields: CaseFields): CaseSnapshot {
  const ref = toRef(found, fields);
  const status = scalar(at(found, fields.status));
  const moment = at(found, fields.updatedAt);
  const updatedAt = new Date(typeof moment === 'number' || (typeof moment === 'string' && exact.test(moment)) ? moment : Number.NaN);
  if (status === null) throw new AdapterError('malformed', 'none', `a case has no status at ${fields.status}`);
  if (Number.isNaN(updatedAt.getTime()))
    throw new AdapterError('malformed', 'none', `a case has no moment with an offset at ${fields.updatedAt} (RFC 3339, or milliseconds)`);
  const version = fields.version === undefined ? null : scalar(at(found, fields.version));
  return soundCase({ ref, nativeStatus: status, version: version ?? `${updatedAt.toISOString()} ${status}`, updatedAt });
}

/** A change by the state it led to. */
export const toChange = (found: Json, fields: CaseFields): CaseChange => {
  const snapshot = toSnapshot(found, fields);
  return { ...snapshot, id: `${snapshot.ref.id} ${snapshot.version}` };
};

/** @throws AdapterError malformed where there is no list. */
export function listAt(body: Json | undefined, pointer: string): readonly Json[] {
  const items = at(body, pointer);
  if (!Array.isArray(items)) throw new AdapterError('malformed', 'none', `the answer has no list at ${pointer || 'its root'}`);
  return items as readonly Json[];
}

/** @throws AdapterError rejected where the answer lists what must be corrected, under the names the form has for it. */
export function refuseProblems(body: Json, problems: CasesConfig['submit']['problems'], variables: Sources): void {
  const found = problems && at(body, problems.at);
  if (!problems || !Array.isArray(found) || found.length === 0) return;
  const ways = Object.entries(variables)
    .flatMap(([target, from]) => (typeof from === 'string' && from.startsWith('/') ? [[target, from] as const] : []))
    .toSorted(([a], [b]) => b.length - a.length);
  const ours = (field: Json | undefined): string => {
    const name = Array.isArray(field) ? field.join('.') : (scalar(field) ?? '');
    if (Object.hasOwn(problems.names, name)) return problems.names[name] ?? '';
    const theirs = name === '' || name.startsWith('/') ? name : `/${name.replaceAll('.', '/')}`;
    const [target, from] = ways.find(([way]) => theirs === way || theirs.startsWith(`${way}/`)) ?? [];
    return target === undefined || from === undefined ? '' : from + theirs.slice(target.length);
  };
  const fields = (found as readonly Json[]).slice(0, 100).flatMap((one) => {
    const text = scalar(at(one, problems.text));
    return text === null ? [] : [[ours(at(one, problems.field)), text.slice(0, 300)] as const];
  });
  throw new AdapterError('rejected', 'none', 'the back office refused', fields.length > 0 ? { fields: Object.fromEntries(fields) } : {});
}
