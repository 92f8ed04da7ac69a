import type { LoggedEvent, RegionalKey } from '#contract';
import type { Applications } from '../applications/applications.ts';
import { createWatch } from '../applications/watch.ts';
import type { Catalogue, Listing, PageRequest } from '../catalogue/catalogue.ts';
import type { Cities } from '../cities/cities.ts';
import type { Principal } from '../identity/identity.ts';
import type { Bus, BusSubscription } from '../infra/bus/bus.ts';
import type { Log } from '../infra/log.ts';
import type { Metrics } from '../infra/metrics.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import { rebuild, type Rebuilt } from '../infra/store/projection.ts';
import type { Store, Tx } from '../infra/store/store.ts';
import { createAnswer, type Answer, type Answering, type AnswerResult } from './answer.ts';
import { createClock, type ClockTiming } from './clock.ts';
import { createFactsReading, forgetFacts, type FactsResult } from './facts.ts';
import type { CaseKind } from './kind.ts';
import { kinds as allKinds } from './kinds.ts';
import { caseHistory, findCaseOf, findVisible, getCase, listCases, listSteps, type CaseFile, type WaitingStep } from './list.ts';
import { createCoordinationMetrics, type CoordinationMetrics } from './metrics.ts';
import { caseProjection } from './rebuild.ts';
import { isValid, type RecognisedPermit, type Recognition } from './permits.ts';
import { CONSUMER, createRuntime } from './run.ts';
import type { Seal } from './seal.ts';
import { createWorlds, type Worlds } from './world.ts';

export { isValid };
export type { Answer, Answering, AnswerResult, CaseFile, FactsResult, RecognisedPermit, Recognition, WaitingStep };

/** Cases between cities: what began, what is waited for, and what cities answer. */
export interface Coordination {
  /** The case where the principal may see it, else null. */
  find(id: string, principal: Principal | null): Promise<CaseFile | null>;
  /** The newest case that the application belongs to, where the principal may see it. */
  findOf(applicationId: string, principal: Principal | null): Promise<CaseFile | null>;
  /** What the principal may see, newest first. */
  list(principal: Principal, filter: { page: PageRequest; open?: boolean | null; kind?: string | null }): Promise<Listing<CaseFile>>;
  /** What waits for the city: `clerk` for a person, `city` for whoever answers for it. Oldest first. */
  steps(ars: RegionalKey, by: readonly ('city' | 'clerk')[], page: PageRequest): Promise<Listing<WaitingStep>>;
  history(id: string, page: PageRequest): Promise<Listing<LoggedEvent>>;
  /** A city's answer, wherever it comes from. The same answer again changes nothing; counts once per case and step. */
  answer(caseId: string, step: string, answer: Answer, by: Answering): Promise<AnswerResult>;
  /** What a city that a case was addressed to must know of the person; who read it when is written down. */
  facts(caseId: string, principal: Principal): Promise<FactsResult>;
  /** The case again after each of its changes; ends when the signal aborts. */
  watch(id: string, signal: AbortSignal): AsyncIterable<CaseFile>;
  findKind(id: string): CaseKind | null;
  /** Makes all cases again from the log, to the same bytes, beside whatever happens to them meanwhile. */
  rebuild(progress?: (events: number) => void): Promise<Rebuilt>;
  /** Takes events of the bus, and deadlines. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface CoordinationOptions {
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly bus: Bus;
  readonly catalogue: Catalogue;
  readonly cities: Cities;
  readonly applications: Pick<Applications, 'end'>;
  /** Null: there is no key, and no facts are kept. */
  readonly seal: Seal | null;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
  readonly timing?: Partial<ClockTiming>;
  /** @default all */
  readonly kinds?: readonly CaseKind[];
}

/** What the verbs share. */
export interface CoordinationDeps extends Omit<CoordinationOptions, 'metrics' | 'timing' | 'kinds'> {
  readonly metrics: CoordinationMetrics;
  readonly worlds: Worlds;
  readonly kinds: readonly CaseKind[];
  readonly findKind: (id: string) => CaseKind | null;
  readonly forgetFacts: (tx: Tx, applications: readonly string[]) => Promise<void>;
}

/** The process managers, over events and answers; nothing runs before `start`. */
export function createCoordination({ metrics, timing, kinds = allKinds, ...shared }: CoordinationOptions): Coordination {
  const { store, eventLog, bus, catalogue, cities, log } = shared;
  const { keys } = catalogue;
  const deps: CoordinationDeps = {
    ...shared,
    kinds,
    findKind: (id) => kinds.find((kind) => kind.id === id) ?? null,
    metrics: createCoordinationMetrics(metrics, store, (ars) => cities.findByArs(ars)?.id ?? null),
    worlds: createWorlds(shared),
    forgetFacts,
  };
  const runtime = createRuntime(deps);
  const clock = createClock(deps, runtime, { pollMs: 1000, ...timing });
  const watch = createWatch(eventLog, log, 'case');
  let subscription: BusSubscription | null = null;

  return {
    find: (id, principal) => findVisible(store, keys, id, principal),
    findOf: (applicationId, principal) => findCaseOf(store, keys, applicationId, principal),
    list: (principal, filter) => listCases(store, keys, principal, filter),
    steps: (ars, by, page) => listSteps(store, keys, ars, by, page),
    history: (id, page) => caseHistory(eventLog, id, page),
    answer: createAnswer(deps, runtime),
    facts: createFactsReading(deps),
    async *watch(id, signal) {
      for await (const _ of watch.changesOf(id, signal)) yield getCase(store, id);
    },
    findKind: deps.findKind,
    rebuild: (progress) => rebuild(store, eventLog, caseProjection(deps.findKind), progress ? { progress } : {}),
    async start() {
      watch.start();
      clock.start();
      subscription = await bus.subscribe({
        group: CONSUMER,
        aggregateTypes: ['application'],
        handle: (event) => runtime.take(event),
        onPoisoned: (event, poison) => runtime.park(event, poison),
      });
    },
    async stop() {
      await Promise.all([subscription?.stop(), clock.stop(), watch.stop()]);
    },
  };
}
