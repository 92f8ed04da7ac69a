import type { HubEvent, Json, RegionalKey, ServiceKey } from '#contract';
import type { CaseApplication, CaseInput, CaseKind, World } from '../../src/coordination/kind.ts';
import { moving } from '../../src/coordination/kinds/moving.ts';
import { correlationOf, project, toFacts, type CaseRows } from '../../src/coordination/project.ts';
import { shippedKeys } from '../kit/key-rules.ts';

/*
 * Two cities, a hub and what can go wrong between them, small enough to run ten thousand times. The rules and the making of
 * rows are the real ones; the runtime around them is told again in a few lines: what a transaction holds, and that it is lost
 * or durable as a whole. That the real runtime keeps this word on a real store is moving-crashes.test.ts' to show.
 */

export const arrival = '051110000000' as RegionalKey;
export const departure = '053150000000' as RegionalKey;
const registration = 'registration';
const services = { registration: '99115005104000' as ServiceKey, permit: '99108001001000' as ServiceKey };
const hours = 3_600_000;

/** How a run begins. */
export interface Beginning {
  readonly connected: boolean;
  /** Nobody can tell which permits are the person's. */
  readonly unknown: boolean;
  /** Permits of the person in the departure municipality. */
  readonly permits: readonly {
    readonly status: 'SUBMITTED' | 'IN_REVIEW' | 'GRANTED' | 'REFUSED' | 'WITHDRAWN';
    readonly canWithdraw: boolean;
  }[];
}

type Logged = Pick<HubEvent, 'id' | 'type' | 'aggregate' | 'municipality' | 'facts' | 'occurredAt'>;

/** Everything that is durable. Copied for a transaction, put back whole. */
interface Durable {
  readonly rows: CaseRows | null;
  readonly log: readonly Logged[];
  readonly inbox: ReadonlySet<string>;
  readonly answers: ReadonlyMap<string, string>;
  readonly statuses: ReadonlyMap<string, string>;
  /** Deliveries of withdrawals by key. */
  readonly jobs: ReadonlyMap<string, { readonly application: string; readonly state: 'queued' | 'done' | 'parked' | 'cancelled' }>;
}

export type Crash = 'none' | 'before' | 'after';

export class Towns {
  now = new Date('2026-11-24T10:00:00Z').getTime();
  durable: Durable;
  /** What each permit's back office did, by key of the command: the same key again is the same effect. */
  readonly effects = new Map<string, Set<string>>();
  /** Permits that a clerk has ended in the back office. */
  readonly byHand = new Set<string>();
  /** Every kind of input that changed something, to see what runs reached. */
  readonly reached = new Set<string>();
  readonly #canWithdraw = new Map<string, boolean>();
  readonly #connected: boolean;
  readonly #unknown: boolean;
  /** How far the bus has brought the log of each aggregate; it may go back, as after a crash. */
  readonly #delivered = new Map<string, number>();
  readonly #kind: CaseKind;
  #ids = 0;

  /** @param kind another machine than the real one, to see that its faults are found */
  constructor({ connected, unknown, permits }: Beginning, kind: CaseKind = moving) {
    this.#kind = kind;
    this.#connected = connected;
    this.#unknown = unknown;
    const statuses = new Map<string, string>([[registration, 'RECEIVED']]);
    permits.forEach(({ status, canWithdraw }, at) => {
      statuses.set(`permit-${at}`, status);
      this.#canWithdraw.set(`permit-${at}`, canWithdraw);
    });
    this.durable = { rows: null, log: [], inbox: new Set(), answers: new Map(), statuses, jobs: new Map() };
    this.#change(registration, 'GRANTED');
  }

  get waiting() {
    const { rows } = this.durable;
    return rows ? this.#kind.waiting(JSON.parse(rows.file.state)) : [];
  }

  get outcome(): string | null {
    return this.durable.rows?.file.outcome ?? null;
  }

  /** Aggregates of which the bus has events that were not handed over yet. */
  get lanes(): readonly string[] {
    const all = new Map<string, number>();
    for (const { aggregate } of this.durable.log) all.set(aggregate.id, (all.get(aggregate.id) ?? 0) + 1);
    return [...all].filter(([id, count]) => (this.#delivered.get(id) ?? 0) < count).map(([id]) => id);
  }

  /** The bus hands over the next event of an aggregate; it comes again where nothing was acknowledged. */
  deliver(aggregate: string, crash: Crash): void {
    const at = this.#delivered.get(aggregate) ?? 0;
    const event = this.durable.log.filter((one) => one.aggregate.id === aggregate)[at];
    if (!event) return;
    this.#transaction(crash, (now) => {
      if (now.inbox.has(event.id) || event.aggregate.type !== 'application') return now;
      const taken = { ...now, inbox: new Set([...now.inbox, event.id]) };
      const application = this.#application(event.aggregate.id, taken);
      const linked = taken.rows?.applications.includes(event.aggregate.id) ?? false;
      if (this.#kind.correlate(event, application, shippedKeys) === null && !linked) return taken;
      return this.#decide(taken, { kind: 'event', event }, application);
    });
    if (crash === 'none') this.#delivered.set(aggregate, at + 1);
  }

  /** The bus forgets how far it came, as after a crash of its reader. */
  redeliver(aggregate: string, from: number): void {
    const at = this.#delivered.get(aggregate) ?? 0;
    if (at > 0) this.#delivered.set(aggregate, from % at);
  }

  answer(step: string, by: RegionalKey, choice: string, crash: Crash): void {
    this.#transaction(crash, (now) => {
      const open = this.waiting.find((one) => one.step === step && one.city === by);
      if (now.answers.has(step) || !open?.choices.includes(choice)) return now;
      const input: CaseInput = { kind: 'answer', step, by, choice, fields: choice === 'DEVIATIONS' ? ['nationality'] : [] };
      // The clerk acts first, then says so; and does not say that there is none if there is one.
      if (choice === 'NONE' && this.permits.some((permit) => !this.isEnded(permit))) return now;
      if (choice === 'ENDED') for (const permit of open.application ? [open.application] : this.permits) this.byHand.add(permit);
      const after = this.#decide(now, input, this.#application(registration, now));
      return after === now ? now : { ...after, answers: new Map([...now.answers, [step, choice]]) };
    });
  }

  /** Time goes on, and whoever looks tells what is due. */
  pass(byHours: number, crash: Crash): void {
    this.now += byHours * hours;
    for (const { step, dueAt } of this.waiting)
      if (dueAt && dueAt.getTime() <= this.now)
        this.#transaction(crash, (now) => this.#decide(now, { kind: 'due', step }, this.#application(registration, now)));
  }

  get queued(): readonly string[] {
    return [...this.durable.jobs].filter(([, { state }]) => state === 'queued').map(([key]) => key);
  }

  /** A worker carries a withdrawal to the back office. Before: nothing went out. After: it went out, and nobody noted it. */
  work(key: string, crash: Crash): void {
    const job = this.durable.jobs.get(key);
    if (job?.state !== 'queued' || crash === 'before') return;
    this.effects.set(job.application, (this.effects.get(job.application) ?? new Set()).add(key));
    if (crash === 'after') return;
    this.durable = this.#withdrawn(
      { ...this.durable, jobs: new Map([...this.durable.jobs, [key, { ...job, state: 'done' }]]) },
      job.application,
    );
  }

  /** The back office refuses for good, and a person gives the delivery up. */
  giveUp(key: string): void {
    const job = this.durable.jobs.get(key);
    if (job?.state !== 'queued') return;
    const { application } = job;
    const status = this.durable.statuses.get(application) ?? '';
    const jobs = new Map([...this.durable.jobs, [key, { ...job, state: 'cancelled' as const }]]);
    this.durable = this.#append({ ...this.durable, jobs }, application, 'application.released', { status, action: 'discard' });
  }

  /** A back office decides something by itself. */
  decideInOffice(permit: string, status: 'GRANTED' | 'REFUSED' | 'CLOSED'): void {
    const before = this.durable.statuses.get(permit);
    if (before && !['REFUSED', 'WITHDRAWN', 'CLOSED', status].includes(before)) this.#change(permit, status);
  }

  /** True if the permit holds neither in the hub nor in its back office. */
  isEnded(permit: string): boolean {
    const status = this.durable.statuses.get(permit) ?? '';
    return ['REFUSED', 'WITHDRAWN', 'CLOSED'].includes(status) || this.byHand.has(permit) || this.effects.has(permit);
  }

  get permits(): readonly string[] {
    return [...this.durable.statuses.keys()].filter((id) => id !== registration);
  }

  #transaction(crash: Crash, work: (now: Durable) => Durable): void {
    const after = work(this.durable);
    if (crash !== 'before') this.durable = after;
  }

  #decide(now: Durable, input: CaseInput, about: CaseApplication | null): Durable {
    const state = now.rows ? JSON.parse(now.rows.file.state) : this.#kind.initial;
    const { events, commands = [] } = this.#kind.decide(state, input, this.#world(now), about);
    if (events.length === 0) return now;
    this.reached.add(events.map(({ type }) => type).join(' '));
    let { rows, log } = now;
    for (const event of events) {
      const correlation = event.type === 'case.opened' ? { correlation: correlationOf('moving', registration) } : {};
      const logged: Logged = {
        id: `event-${(this.#ids += 1)}`,
        type: event.type,
        aggregate: { type: 'case', id: 'case' },
        municipality: event.of,
        occurredAt: new Date(this.now),
        facts: { ...toFacts(event), ...correlation },
      };
      log = [...log, logged];
      rows = project(this.#kind, 'case', rows, logged);
    }
    return commands.reduce((one, { step, do: { application, byHand } }) => this.#command(one, step, application, byHand ?? false), {
      ...now,
      rows,
      log,
    });
  }

  /** As applications/end.ts: a delivery under (case, step), or nothing where it is over, under way or done by hand. */
  #command(now: Durable, step: string, application: string, byHand: boolean): Durable {
    const status = now.statuses.get(application) ?? '';
    if (['REFUSED', 'WITHDRAWN', 'CLOSED'].includes(status)) return now;
    if (byHand) {
      const jobs = [...now.jobs].map(([key, job]) =>
        job.application === application && job.state === 'queued'
          ? ([key, { ...job, state: 'cancelled' as const }] as const)
          : ([key, job] as const),
      );
      return this.#withdrawn({ ...now, jobs: new Map(jobs) }, application);
    }
    const key = `case:${step}`;
    if (now.jobs.has(key)) throw new Error(`the command ${key} was given twice`);
    return { ...now, jobs: new Map([...now.jobs, [key, { application, state: 'queued' }]]) };
  }

  #withdrawn(now: Durable, application: string): Durable {
    const statuses = new Map([...now.statuses, [application, 'WITHDRAWN']]);
    return this.#append({ ...now, statuses }, application, 'application.withdrawn', { status: 'WITHDRAWN' });
  }

  #change(application: string, status: string): void {
    const statuses = new Map([...this.durable.statuses, [application, status]]);
    this.durable = this.#append({ ...this.durable, statuses }, application, 'application.status-changed', { status });
  }

  #append(now: Durable, application: string, type: string, facts: { readonly [name: string]: Json }): Durable {
    const event: Logged = {
      id: `event-${(this.#ids += 1)}`,
      type,
      aggregate: { type: 'application', id: application },
      municipality: application === registration ? arrival : departure,
      occurredAt: new Date(this.now),
      facts,
    };
    return { ...now, log: [...now.log, event] };
  }

  #application(id: string, { statuses }: Durable): CaseApplication | null {
    const status = statuses.get(id);
    if (status === undefined) return null;
    const own = id === registration;
    return {
      id,
      status,
      service: own ? services.registration : services.permit,
      asked: own ? services.registration : services.permit,
      ars: own ? arrival : departure,
      canWithdraw: this.#canWithdraw.get(id) ?? true,
      marks: own ? { departure } : {},
    };
  }

  #world(now: Durable): World {
    return {
      now: new Date(this.now),
      isConnected: (ars) => ars !== departure || this.#connected,
      keys: shippedKeys,
      offers: () => true,
      partners: () => [],
      answerDue: () => new Date(this.now + 72 * hours),
      sameApplicant: this.#unknown ? null : this.permits.flatMap((id) => this.#application(id, now) ?? []),
    };
  }
}
