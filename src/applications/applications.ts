import type { ApplicationStatus, Channel, HubEvent, Json, LoggedEvent, Person, Problem, RegionalKey, ServiceKey } from '#contract';
import type { Catalogue, Listing, Municipality, Offer, PageRequest, Place } from '../catalogue/catalogue.ts';
import { placesIn, type MarkPlaces } from '../catalogue/forms/marks.ts';
import type { Cities } from '../cities/cities.ts';
import type { Principal } from '../identity/identity.ts';
import type { Log } from '../infra/log.ts';
import type { Metrics } from '../infra/metrics.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import { sha256 } from '../infra/ids.ts';
import type { Store, Tx } from '../infra/store/store.ts';
import { createChanges } from './changes.ts';
import { createDelivery, type DeliveryTiming } from './deliver.ts';
import { createFormCheck } from './form.ts';
import { historyPage, listPage, listParked, listParkedOf } from './list.ts';
import { createApplicationMetrics, type ApplicationMetrics } from './metrics.ts';
import { findApplication, findRefusal, toApplication } from './records.ts';
import type { Refusal } from './refusal.ts';
import { createEnd, type Ending } from './end.ts';
import { createRelease } from './release.ts';
import { retryDefaults, type RetryPolicy } from './rules.ts';
import { listSetAsidePage, type SetAsideRecord } from './set-aside.ts';
import { maySee } from './sight.ts';
import { listSources, rewind, type ChangeSource, type Rewound } from './sources.ts';
import { createSubmit } from './submit.ts';
import { createTracking } from './track.ts';
import { createWatch } from './watch.ts';
import { receiveWebhook } from './webhook.ts';
import { createWithdraw } from './withdraw.ts';

export type { SetAsideRecord };
export { statusTexts } from './status-texts.ts';

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
  /** The key that it travels to the back office under; citizens quote it. */
  readonly reference: string;
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

/** An application in the transaction that takes it: the last moment at which somebody may read its form. */
export interface TakenSubmission {
  readonly id: string;
  readonly offer: Offer;
  /** What was asked for: the offer's key, or one that it answers. */
  readonly asked: ServiceKey;
  /** The municipality where it was asked for, where another one is competent by what the form says. */
  readonly askedIn?: RegionalKey;
  readonly applicant: Person;
  readonly formData: Json;
  readonly principal: Principal;
  readonly at: Date;
}

/** Life of one application: submit, deliver, track, withdraw, park and release. */
export interface Applications {
  submit(input: SubmitInput, principal: Principal, traceparent: string): Promise<SubmitResult>;
  /** The application where the principal may see it, else null. */
  find(id: string, principal: Principal | null): Promise<Application | null>;
  /** What the principal may see, newest first. */
  list(principal: Principal, filter: { status?: ApplicationStatus | null; page: PageRequest }): Promise<Listing<Application>>;
  /** What waits for a person, in all cities, oldest first and at most 1000: for the operator's command line. */
  listParked(): Promise<readonly Application[]>;
  /** What waits for a person in one municipality, oldest first. */
  listParkedOf(ars: RegionalKey, page: PageRequest): Promise<Listing<Application>>;
  /** Records of one city's back offices that were set aside, the first met first. */
  listSetAsideOf(city: string, page: PageRequest): Promise<Listing<SetAsideRecord>>;
  /** Where the pulls of changes stand and which records were set aside, in all cities: for the operator's command line. */
  listSources(): Promise<readonly ChangeSource[]>;
  /** Sets where the next pull of an adapter begins: at a moment, or at the beginning (null). */
  rewind(source: { readonly city: string; readonly adapter: string; readonly to: Date | null }): Promise<Rewound>;
  /** What the back office said against it, for the city's own people and the operator: never for anybody else. */
  findRefusal(id: string): Promise<Refusal | null>;
  history(application: Application, page: PageRequest): Promise<Listing<LoggedEvent>>;
  withdraw(input: { id: string; reason: string }, principal: Principal, traceparent: string): Promise<ChangeResult>;
  /** @throws nothing expected; `principal` must be the city of the application, null stands for the operator's command line. */
  release(id: string, release: Release, principal: Principal | null, traceparent: string): Promise<ChangeResult>;
  /**
   * Ends an application because of a case between cities, within a transaction; a granted one too.
   * @returns events that the caller must append
   */
  end(tx: Tx, ending: Ending, traceparent: string): Promise<readonly HubEvent[]>;
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

export interface ApplicationsOptions {
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly catalogue: Catalogue;
  readonly cities: Cities;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Unique per process: the holder of its leases. */
  readonly processId: string;
  readonly now: () => Date;
  readonly retry?: Partial<RetryPolicy>;
  readonly timing?: Partial<DeliveryTiming>;
  /** Runs in the transaction that takes an application; where it throws, the application is not taken. */
  readonly onSubmission?: (tx: Tx, submission: TakenSubmission) => Promise<void>;
  /** Where marks stand in the data of an offer's form, if this was asked for. @default where the form itself says so */
  readonly marksOf?: (offer: Offer, asked: ServiceKey) => MarkPlaces['marks'];
  /** Digest of a text, keyed where the installation has a key: what it was made of cannot be guessed. @default SHA-256 */
  readonly digest?: (text: string) => string;
  /**
   * Sends again after an unknown effect without asking the back office first, as systems without this hub do. Makes
   * duplicates; only the kill experiment sets it, to show that it can fail.
   * @default false
   */
  readonly retryBlindly?: boolean;
}

/** What the verbs share. */
export interface ApplicationsDeps extends Omit<
  ApplicationsOptions,
  'metrics' | 'retry' | 'timing' | 'retryBlindly' | 'digest' | 'marksOf'
> {
  readonly marksOf: NonNullable<ApplicationsOptions['marksOf']>;
  readonly digest: (text: string) => string;
  readonly metrics: ApplicationMetrics;
  readonly retry: RetryPolicy;
  readonly timing: DeliveryTiming;
  readonly retryBlindly: boolean;
}

export function createApplications(options: ApplicationsOptions): Applications {
  const { metrics, ...shared } = options;
  const deps: ApplicationsDeps = {
    ...shared,
    metrics: createApplicationMetrics(metrics, options.store),
    retry: { ...retryDefaults, ...options.retry },
    timing: { leaseMs: 10_000, pollMs: 500, ...options.timing },
    digest: options.digest ?? sha256,
    marksOf: options.marksOf ?? (({ record }) => placesIn(record.form?.schema ?? null).marks),
    retryBlindly: options.retryBlindly ?? false,
  };
  const { store, eventLog } = deps;
  const changes = createChanges(deps);
  const delivery = createDelivery(deps, changes);
  const tracking = createTracking(deps, changes);
  const watch = createWatch(eventLog, deps.log);

  return {
    submit: createSubmit(deps, createFormCheck(options.now)),
    withdraw: createWithdraw(deps),
    release: createRelease(deps, changes),
    end: createEnd(deps),
    async find(id, principal) {
      const row = await findApplication(store.db, id);
      return row && maySee(options.catalogue.keys, row, principal) ? toApplication(row) : null;
    },
    list: (principal, filter) => listPage(store, options.catalogue.keys, principal, filter),
    listParked: () => listParked(store),
    listParkedOf: (ars, page) => listParkedOf(store, options.catalogue.keys, ars, page),
    listSetAsideOf: (city, page) => listSetAsidePage(store.db, city, page),
    listSources: () => listSources(store, deps.cities),
    rewind: (source) => rewind(deps, source),
    findRefusal: (id) => findRefusal(store.db, id),
    history: (application, page) => historyPage(eventLog, application.id, page),
    async *watch(id, signal) {
      for await (const _ of watch.changesOf(id, signal)) {
        const row = await findApplication(store.db, id);
        if (row) yield toApplication(row);
      }
    },
    receiveWebhook: (city, adapter, request) => receiveWebhook(deps, changes, { city, adapter }, request),
    start() {
      watch.start();
      delivery.start();
      tracking.start();
    },
    async stop() {
      await Promise.all([tracking.stop(), delivery.stop(), watch.stop()]);
    },
  };
}
