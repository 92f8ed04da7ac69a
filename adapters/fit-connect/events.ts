import { createHash } from 'node:crypto';

/*
 * The life of a submission, told by the events of its case. Each is a signed token; who may sign what is fixed:
 *
 *   event     by                   then the submission is
 *   create    delivery service     incomplete   announced, parts are coming in
 *   submit    delivery service     submitted    complete, the city can fetch it
 *   notify    delivery service     notified     the city's system was called
 *   forward   destination          forwarded    the city handed it to another system of its own
 *   accept    destination          accepted     the city has it and took responsibility for it
 *   reject    destination          rejected     the city refuses it and names the problems
 *   delete    delivery service     deleted      what was stored at the delivery service is gone
 *
 * A submission only moves down this list; accepted and rejected stand beside each other and the first one stays. A deletion
 * after a decision is tidying up: the status told remains the decision. Only what is deleted undecided is `deleted`.
 */

export const states = ['incomplete', 'submitted', 'notified', 'forwarded', 'accepted', 'rejected', 'deleted'] as const;
export type SubmissionState = (typeof states)[number];

export const eventNames = ['create', 'submit', 'notify', 'forward', 'accept', 'reject', 'delete'] as const;
export type EventName = (typeof eventNames)[number];

/** Events that only the city's side may sign; the others are the delivery service's. */
export const signedByDestination: ReadonlySet<EventName> = new Set(['forward', 'accept', 'reject']);

const EVENTS = 'https://schema.fitko.de/fit-connect/events/';
export const eventUri = (name: EventName): string => `${EVENTS}${name}-submission`;

/** The event of a submission that a URI names, or null for events of replies and those of later versions. */
export const eventName = (uri: string): EventName | null => eventNames.find((name) => eventUri(name) === uri) ?? null;

/** Authentication tags of all parts of a submission. */
export interface Tags {
  readonly metadata: string;
  readonly data: string;
  /** By id of the attachment. */
  readonly attachments: Readonly<Record<string, string>>;
}

/** Why a city refuses a submission. `type` is a URI, `instance` the part concerned. */
export interface SubmissionProblem {
  readonly type: string;
  readonly title?: string;
  readonly detail?: string;
  readonly instance?: string;
}

/** One verified event of a submission. */
export interface SubmissionEvent {
  readonly id: string;
  readonly name: EventName;
  readonly at: Date;
  readonly tags?: Tags;
  readonly problems: readonly SubmissionProblem[];
}

/** Where a submission stands, and the event that brought it there. */
export interface Standing {
  readonly state: SubmissionState;
  readonly by: SubmissionEvent | null;
}

const reached: Record<EventName, SubmissionState> = {
  create: 'incomplete',
  submit: 'submitted',
  notify: 'notified',
  forward: 'forwarded',
  accept: 'accepted',
  reject: 'rejected',
  delete: 'deleted',
};
const rank: Record<SubmissionState, number> = {
  incomplete: 0,
  submitted: 1,
  notified: 2,
  forwarded: 3,
  accepted: 4,
  rejected: 4,
  deleted: 5,
};

/** One event further. */
export function evolve(standing: Standing, event: SubmissionEvent): Standing {
  const state = reached[event.name];
  if (standing.by === null) return { state, by: event };
  if (rank[state] <= rank[standing.state]) return standing;
  return state === 'deleted' && rank[standing.state] === rank.accepted ? standing : { state, by: event };
}

export const standingOf = (events: readonly SubmissionEvent[]): Standing => events.reduce(evolve, { state: 'incomplete', by: null });

/** True where both name the same parts with the same tags. */
export const sameTags = (one: Tags, other: Tags): boolean => fingerprint(one) === fingerprint(other);

/** A short hash over all tags: it binds the reference of a case to exactly the ciphertext that was sent. */
export function fingerprint({ metadata, data, attachments }: Tags): string {
  const parts = Object.entries(attachments).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([metadata, data, parts]))
    .digest('base64url')
    .slice(0, 22);
}
