import type { ApplicationStatus, AssuranceLevel, Channel, Json, LoggedEvent, Person, Problem, RegionalKey, ServiceKey } from '#contract';
import type { Listing, Municipality, PageRequest, Place } from '../catalogue/catalogue.ts';
import type { Principal } from '../identity/identity.ts';

/** One application as its owner and its city see it. */
export interface Application {
  readonly id: string;
  readonly offerId: string;
  readonly serviceKey: ServiceKey;
  readonly ars: RegionalKey;
  readonly city: string;
  readonly status: ApplicationStatus;
  readonly statusSince: Date;
  readonly parkedReason: string | null;
  readonly caseNumber: string | null;
  readonly channel: Channel;
  readonly submittedAt: Date;
  readonly formRevision: string;
}

export interface SubmitInput {
  readonly service: string;
  readonly place: Place;
  readonly formRevision: string;
  readonly applicant: Person;
  readonly formData?: Json;
  readonly sealedFormData?: string | null;
  readonly attachmentIds?: readonly string[];
  readonly channel: Channel;
  readonly idempotencyKey: string;
}

export interface FieldProblem {
  /** RFC 6901 pointer into formData or applicant. */
  readonly pointer: string;
  readonly code: string;
  readonly message: { readonly de: string; readonly en: string };
}

export type SubmitResult =
  | { readonly ok: true; readonly application: Application; readonly replayed: boolean }
  | {
      readonly ok: false;
      readonly problem: Problem;
      readonly fields?: readonly FieldProblem[];
      readonly candidates?: readonly Municipality[];
    };

export type ChangeResult = { readonly ok: true; readonly application: Application } | { readonly ok: false; readonly problem: Problem };

/** What a person decided about a parked application. */
export type Release =
  | { readonly action: 'retry' } // nothing landed in the back office: try again
  | { readonly action: 'delivered'; readonly caseRef: string; readonly caseNumber?: string } // it is there, under this id
  | { readonly action: 'discard' }; // it will never be delivered

/** Life of one application: submit, deliver, track, withdraw, park and release. */
export interface Applications {
  submit(input: SubmitInput, principal: Principal, traceparent: string): Promise<SubmitResult>;
  /** The application where the principal may see it, else null. */
  find(id: string, principal: Principal | null): Promise<Application | null>;
  /** What the principal may see, newest first. */
  list(principal: Principal, filter: { status?: ApplicationStatus | null; page: PageRequest }): Promise<Listing<Application>>;
  history(application: Application, page: PageRequest): Promise<Listing<LoggedEvent>>;
  withdraw(input: { id: string; reason: string }, principal: Principal, traceparent: string): Promise<ChangeResult>;
  /** @throws nothing expected; `principal` must be the city of the application, null stands for the operator's command line. */
  release(id: string, release: Release, principal: Principal | null, traceparent: string): Promise<ChangeResult>;
  /** The application again after each of its changes; ends when the signal aborts. */
  watch(id: string, signal: AbortSignal): AsyncIterable<Application>;
  /** A notification of a city's back office. */
  receiveWebhook(
    cityId: string,
    adapterId: string,
    request: { method: string; headers: Headers; raw: Uint8Array },
  ): Promise<{ status: number; body: string }>;
  /** Starts delivery and tracking. */
  start(): void;
  stop(): Promise<void>;
}

export type { AssuranceLevel };
