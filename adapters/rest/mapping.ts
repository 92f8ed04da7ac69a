import { AdapterError, soundCase, soundRef, type CaseChange, type CaseRef, type CaseSnapshot, type Json, type Submission } from '#contract';
import { isExpression } from './body.ts';
import type { CaseFields, RestConfig } from './config.ts';
import type { Moment, Moments } from './moments.ts';
import { at } from './pointer.ts';
import { named, reader, scalar } from './value.ts';

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

/**
 * A path with its placeholders filled; a value can never become another part of the address. A parameter whose cursor is
 * empty is left out.
 * @throws AdapterError rejected for `.` and `..`, which every URL parser reads as a step up, encoded or not.
 */
export const fillPath = (path: string, values: Readonly<Record<string, string | number>>): string =>
  (values['cursor'] === ''
    ? path.replace(/([?&])[^?&=]+=\{cursor\}(&|$)/, (_, before: string, after: string) => (after ? before : ''))
    : path
  ).replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(values[name] ?? '').toWellFormed();
    if (/^\.{1,2}$/.test(value)) throw new AdapterError('rejected', 'none', 'an id of dots alone cannot be asked for');
    return encodeURIComponent(value);
  });

/** Reads the cases of one back office. Everything throws AdapterError malformed where the answer is no case. */
export interface CaseReader {
  readonly toRef: (found: Json | undefined) => Promise<CaseRef>;
  readonly toSnapshot: (found: Json | undefined) => Promise<CaseSnapshot>;
  /** A change by the state it led to: the same state, the same id. */
  readonly toChange: (found: Json) => Promise<CaseChange>;
  /** Its id, where that much can be read. */
  readonly idOf: (found: Json) => Promise<string | null>;
  /** When it changed, as a place to start again. */
  readonly changedAt: (found: Json) => Promise<number>;
}

export function caseReader(fields: CaseFields, moments: Moments): CaseReader {
  const [id, number, status, version, updatedAt] = [
    reader(fields.id),
    reader(fields.number),
    reader(fields.status),
    reader(fields.version),
    reader(fields.updatedAt),
  ];

  async function momentOf(found: Json | undefined): Promise<Moment> {
    const moment = moments.parse(await updatedAt(found));
    if (moment) return moment;
    throw new AdapterError(
      'malformed',
      'none',
      `a case has no moment at ${named(fields.updatedAt)}; where it is written without an offset, state times.zone`,
    );
  }

  async function toRef(found: Json | undefined): Promise<CaseRef> {
    const known = scalar(await id(found));
    if (known === null) throw new AdapterError('malformed', 'none', `the answer has no case id at ${named(fields.id)}`);
    const publicNumber = scalar(await number(found));
    return soundRef(publicNumber === null ? { id: known } : { id: known, publicNumber });
  }

  async function toSnapshot(found: Json | undefined): Promise<CaseSnapshot> {
    const ref = await toRef(found);
    const nativeStatus = scalar(await status(found));
    if (nativeStatus === null) throw new AdapterError('malformed', 'none', `a case has no status at ${named(fields.status)}`);
    const moment = await momentOf(found);
    const own = scalar(await version(found));
    return soundCase({
      ref,
      nativeStatus,
      version: own ?? `${moment.text ?? moment.best.toISOString()} ${nativeStatus}`,
      updatedAt: moment.best,
    });
  }

  return {
    toRef,
    toSnapshot,
    async toChange(found) {
      const snapshot = await toSnapshot(found);
      return { ...snapshot, id: `${snapshot.ref.id} ${snapshot.version}` };
    },
    idOf: async (found) => scalar(await id(found)),
    changedAt: async (found) => (await momentOf(found)).earliest.getTime(),
  };
}

/** Their field problems under our pointers: `/antrag/kennzeichen` or `antrag.kennzeichen` becomes `/formData/plateNumber` the way it went out. */
export async function toFieldProblems(
  body: Json,
  { errors, submit }: Pick<RestConfig, 'errors' | 'submit'>,
): Promise<Record<string, string>> {
  const items = errors?.items === undefined ? null : at(body, errors.items);
  if (!errors || !items || typeof items !== 'object') return {};
  const [field, text] = [reader(errors.field), reader(errors.text)];
  const said: readonly (readonly [named: string, text: string | null])[] = Array.isArray(items)
    ? await Promise.all(
        (items as readonly Json[])
          .slice(0, 100)
          .map(async (item) => [scalar(await field(item)) ?? '', typeof item === 'string' ? item : scalar(await text(item))] as const),
      )
    : Object.entries(items as Record<string, Json>)
        .slice(0, 100)
        .map(([name, found]) => [name, scalar(Array.isArray(found) ? (found[0] as Json) : found)] as const);
  const ways = isExpression(submit.body)
    ? []
    : Object.entries(submit.body)
        .flatMap(([target, from]) => (typeof from === 'string' && from.startsWith('/') ? [[target, from] as const] : []))
        .toSorted(([a], [b]) => b.length - a.length);
  const ours = (name: string): string => {
    const stated = errors.names?.[name];
    if (stated !== undefined) return stated;
    const theirs = name === '' || name.startsWith('/') ? name : `/${name.replaceAll('.', '/')}`;
    const [target, from] = ways.find(([way]) => theirs === way || theirs.startsWith(`${way}/`)) ?? [];
    return target === undefined || from === undefined ? '' : from + theirs.slice(target.length);
  };
  return Object.fromEntries(said.flatMap(([name, words]) => (words === null ? [] : [[ours(name), words.slice(0, 300)]])));
}
