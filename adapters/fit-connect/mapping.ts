import { AdapterError, isLeikaKey, type CaseRef, type CaseSnapshot, type Json, type Submission } from '#contract';
import type { FitConnectConfig } from './config.ts';
import { fingerprint, standingOf, type SubmissionEvent, type Tags } from './events.ts';

/** A submission at the delivery service. */
export interface Announced {
  readonly submissionId: string;
  readonly caseId: string;
  readonly destinationId: string;
}

/** What a case reference says: which submission, and the hash over the tags of what was sent. */
export interface SentRef extends Announced {
  readonly fingerprint: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);

/** The hub keeps nothing of a case but this reference: it says all that is needed to look after it, and what was sent. */
export const toRef = ({ submissionId, caseId, destinationId }: Announced, tags: Tags): CaseRef => ({
  id: [submissionId, caseId, destinationId, fingerprint(tags)].join('.'),
  publicNumber: caseId,
});

/** Null where it is no reference of this adapter. */
export function parseRef({ id }: CaseRef): SentRef | null {
  const [submissionId, caseId, destinationId, print, ...more] = id.split('.');
  if (!isUuid(submissionId) || !isUuid(caseId) || !isUuid(destinationId) || !print || more.length > 0) return null;
  return { submissionId, caseId, destinationId, fingerprint: print };
}

/**
 * Where a submission stands, from its verified events.
 * @throws AdapterError malformed where the delivery service or the city speaks of another ciphertext than the one that was sent.
 */
export function toSnapshot(ref: CaseRef, sent: SentRef, events: readonly SubmissionEvent[]): CaseSnapshot | null {
  for (const { name, tags } of events) {
    if (name === 'accept' && !tags) throw new AdapterError('malformed', 'none', 'the city accepted without saying what');
    if (tags && fingerprint(tags) !== sent.fingerprint)
      throw new AdapterError('malformed', 'none', `the ${name} event is about other content than what was sent: tell the delivery service`);
  }
  const { state, by } = standingOf(events);
  if (!by) return null;
  return { ref: { id: ref.id, publicNumber: sent.caseId }, nativeStatus: state, version: by.id, updatedAt: by.at };
}

/** The LeiKa key of the service applied for. */
export function leikaKeyOf({ service, localKey }: Submission, services: FitConnectConfig['services']): string {
  const key = isLeikaKey(service) ? service : (services[localKey] ?? services[service]);
  if (key) return key;
  throw new AdapterError('misconfigured', 'none', `FIT-Connect needs a LeiKa key and ${localKey} has none: name it under config.services`);
}

export const leikaUrn = (leikaKey: string): string => `urn:de:fim:leika:leistung:${leikaKey}`;

/** All of an application, under the names that `config.data` may point to. */
const toSource = (application: Submission, key: string): Json => ({
  key,
  service: application.service,
  serviceName: application.serviceName,
  localKey: application.localKey,
  formRevision: application.formRevision,
  channel: application.channel,
  submittedAt: application.submittedAt.toISOString(),
  applicant: JSON.parse(JSON.stringify(application.applicant)) as Json,
  formData: application.formData,
});

/** What is sent: the fields that the config names, or the whole application. */
export function toData(application: Submission, key: string, fields: FitConnectConfig['data']): Json {
  const source = toSource(application, key);
  if (!fields) return source;
  const root: Record<string, Json> = {};
  for (const [to, from] of Object.entries(fields)) {
    const value = names(from).reduce<Json | undefined>(child, source);
    if (value !== undefined) put(root, names(to), value);
  }
  return root;
}

const names = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));

const child = (value: Json | undefined, name: string): Json | undefined =>
  value !== null && typeof value === 'object' && Object.hasOwn(value, name) ? (value as Record<string, Json>)[name] : undefined;

function put(root: Record<string, Json>, path: readonly string[], value: Json): void {
  const own = (place: object, name: string, to: unknown) =>
    Object.defineProperty(place, name, { value: to, enumerable: true, writable: true, configurable: true });
  let place = root;
  for (const name of path.slice(0, -1)) {
    const below = child(place, name);
    if (below === null || typeof below !== 'object' || Array.isArray(below)) own(place, name, {});
    place = child(place, name) as Record<string, Json>;
  }
  const last = path.at(-1);
  if (last !== undefined) own(place, last, value);
}
