import { AdapterError, soundCase, soundRef, type CaseChange, type CaseRef, type CaseSnapshot, type Json, type Submission } from '#contract';
import type { Fields, Operation, SoapConfig } from './config.ts';
import type { Draft } from './xml.ts';
import { noMoment, toMoment, type Moment } from './moments.ts';

/** What the sources of `submit` may point into; attachments with their content in base64. */
export const toSource = (application: Submission, key: string, attachments: readonly Json[]): Json => ({
  key,
  service: application.service,
  serviceName: application.serviceName,
  localKey: application.localKey,
  formRevision: application.formRevision,
  channel: application.channel,
  submittedAt: application.submittedAt.toISOString(),
  applicant: application.applicant as unknown as Json,
  formData: application.formData,
  attachments,
});

/** The value under a path of names, or undefined where there is none. */
export function at(document: Json | undefined, path: string): Json | undefined {
  let value = document;
  for (const part of path.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (value === null || typeof value !== 'object') return undefined;
    value = Object.hasOwn(value, name) ? (value as Record<string, Json>)[name] : undefined;
  }
  return value;
}

const asText = (value: Json | undefined): string | undefined =>
  value === undefined || value === null ? undefined : typeof value === 'object' ? JSON.stringify(value) : String(value);

function valueOf(from: string, source: Json): string | undefined {
  if (from.startsWith('/')) return asText(at(source, from));
  return from.replaceAll(/\{(\/[^{}]*)\}/g, (_, pointer: string) => asText(at(source, pointer)) ?? '');
}

/** Entries of what `each` points to: of a list, its objects (or { value }); of an object, { name, value }, nested names joined by a dot. */
function entriesOf(value: Json | undefined, prefix = ''): readonly Json[] {
  if (value === undefined || value === null || typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.map((item: Json) => (item !== null && typeof item === 'object' ? item : { value: item }));
  return Object.entries(value as Record<string, Json>).flatMap(([name, item]) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? entriesOf(item, `${prefix}${name}.`)
      : [{ name: prefix + name, value: item }],
  );
}

interface Branch {
  readonly name: string;
  readonly namespace: string;
  attributes?: Record<string, string>;
  readonly children: Branch[];
  text?: string;
}

/** The operation's element with its fields, in the order of the config; a source that is absent leaves its element out. */
export function toRequest(operation: Operation, config: SoapConfig, source: Json): Draft {
  const root: Branch = { name: operation.element, namespace: config.namespace, children: [] };
  addFields(root, operation.fields, config, source);
  return root;
}

function addFields(root: Branch, fields: Fields, config: SoapConfig, source: Json): void {
  for (const [path, from] of Object.entries(fields)) {
    if (typeof from === 'string') {
      const text = valueOf(from, source);
      if (text !== undefined) put(root, path, config, text);
      continue;
    }
    const parts = path.split('/').slice(1);
    const last = parts.pop() ?? '';
    for (const entry of entriesOf(at(source, from.each))) {
      const repeated = child(parts.length > 0 ? descend(root, parts, config) : root, last, config);
      addFields(repeated, from.fields, config, entry);
    }
  }
}

function put(root: Branch, path: string, config: SoapConfig, text: string): void {
  const parts = path.split('/').slice(1);
  const attribute = parts.at(-1)?.startsWith('@') ? parts.pop()?.slice(1) : undefined;
  const place = descend(root, parts, config);
  if (attribute === undefined) place.text = text;
  else place.attributes = { ...place.attributes, [attribute]: text };
}

/** Follows names downwards; an element that is there already is used again. */
function descend(root: Branch, parts: readonly string[], config: SoapConfig): Branch {
  return parts.reduce((place, part) => {
    const { name, namespace } = nameOf(part, config);
    const before = place.children.findLast((one) => one.name === name && one.namespace === namespace);
    return before ?? child(place, part, config);
  }, root);
}

function child(place: Branch, part: string, config: SoapConfig): Branch {
  const made: Branch = { ...nameOf(part, config), children: [] };
  place.children.push(made);
  return made;
}

/** A field’s name with the namespace it goes out in. */
export function nameOf(part: string, { prefixes, elements, namespace }: SoapConfig): { name: string; namespace: string } {
  const [prefix, name] = part.includes(':') ? (part.split(':', 2) as [string, string]) : ['', part];
  return { name, namespace: prefix === '' ? (elements === 'qualified' ? namespace : '') : (prefixes[prefix] ?? '') };
}

/** What stands under a path as a list: one element is a list of one, none an empty list. */
export function listAt(body: Json, path: string): readonly Json[] {
  const value = at(body, path);
  if (value === undefined || value === null || value === '') return [];
  return Array.isArray(value) ? (value as readonly Json[]) : [value];
}

/** Text of a leaf, attributes beside it or not. */
export function scalar(value: Json | undefined): string | null {
  const text = value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, Json>)['#text'] : value;
  return typeof text === 'string' && text !== '' ? text : null;
}

/** @throws AdapterError malformed where it is no case; `effect` says what that means for the call. */
export function toRef(found: Json | undefined, fields: SoapConfig['case'], effect: 'none' | 'unknown' = 'none'): CaseRef {
  const id = scalar(at(found, fields.id));
  if (id === null) throw new AdapterError('malformed', effect, `the answer has no case id at ${fields.id}`);
  const number = fields.number === undefined ? null : scalar(at(found, fields.number));
  return soundRef(number === null ? { id } : { id, publicNumber: number }, effect);
}

/** @throws AdapterError malformed */
export const momentOf = (found: Json, { case: { updatedAt }, timeZone }: SoapConfig, now: Date): Moment =>
  toMoment(scalar(at(found, updatedAt)) ?? '', timeZone, now) ?? noMoment(updatedAt);

/** @throws AdapterError malformed */
export function toSnapshot(found: Json, config: SoapConfig, now: Date): CaseSnapshot {
  const { case: fields } = config;
  const ref = toRef(found, fields);
  const nativeStatus = scalar(at(found, fields.status));
  if (nativeStatus === null) throw new AdapterError('malformed', 'none', `a case has no status at ${fields.status}`);
  const { best, text } = momentOf(found, config, now);
  const version = fields.version === undefined ? null : scalar(at(found, fields.version));
  return soundCase({ ref, nativeStatus, version: version ?? `${text} ${nativeStatus}`, updatedAt: best });
}

/** A change by the state it led to: the same state, the same id. */
export const toChange = (found: Json, config: SoapConfig, now: Date): CaseChange => {
  const snapshot = toSnapshot(found, config, now);
  return { ...snapshot, id: `${snapshot.ref.id} ${snapshot.version}` };
};
