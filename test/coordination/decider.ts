import assert from 'node:assert/strict';
import type { Json, RegionalKey, ServiceKey } from '#contract';
import type { CaseApplication, CaseCommand, CaseEvent, CaseInput, CaseKind, Decision, World } from '../../src/coordination/kind.ts';
import { shippedKeys } from '../kit/key-rules.ts';

/** Given these events, when that is told, then this follows: the pure machines of src/coordination/kinds, without a hub. */

export const cityA = '051110000000' as RegionalKey;
export const cityB = '053150000000' as RegionalKey;
export const cityC = '051620024024' as RegionalKey;

const now = new Date('2026-11-24T12:00:00Z');
/** When whatever is awaited is due in `aWorld`. */
export const dueAt = new Date('2026-12-08T12:00:00Z');

/** A world in which all is connected, nobody has agreed on anything, and answers are due in two weeks. */
export const aWorld = (more: Partial<World> = {}): World => ({
  now,
  isConnected: () => true,
  keys: shippedKeys,
  offers: () => true,
  partners: () => [],
  answerDue: () => dueAt,
  sameApplicant: [],
  ...more,
});

export const anApplication = (id: string, service: string, ars: RegionalKey, more: Partial<CaseApplication> = {}): CaseApplication => ({
  id,
  service: service as ServiceKey,
  asked: service as ServiceKey,
  ars,
  status: 'SUBMITTED',
  canWithdraw: true,
  marks: {},
  ...more,
});

let events = 0;

/** An event of an application as a process manager is told of it. */
export const told = ({ id, ars, service }: CaseApplication, type: string, facts: Readonly<Record<string, Json>> = {}): CaseInput => ({
  kind: 'event',
  event: {
    id: `event-${(events += 1)}`,
    type: `application.${type}`,
    aggregate: { type: 'application', id },
    municipality: ars,
    facts: { service, ...facts },
  },
});

export const changed = (application: CaseApplication, status: string): CaseInput => told(application, 'status-changed', { status });

export const answer = (step: string, by: RegionalKey, choice: string): CaseInput => ({ kind: 'answer', step, by, choice, fields: [] });

/** What the log gives back of an event: whatever a machine needs must survive this. */
const throughLog = (event: CaseEvent): CaseEvent => JSON.parse(JSON.stringify(event)) as CaseEvent;

/** One case of a kind, its events folded as they come. */
export class Play<State extends Json> {
  state: State;
  readonly log: CaseEvent[] = [];
  readonly commands: CaseCommand[] = [];
  readonly #kind: CaseKind<State>;

  constructor(kind: CaseKind<State>) {
    this.#kind = kind;
    this.state = kind.initial;
  }

  /** Tells the machine; what it decides has happened. Returns what is new. */
  tell(input: CaseInput, application: CaseApplication | null = null, world: World = aWorld()): Decision {
    const decision = this.#kind.decide(this.state, input, world, application);
    for (const event of decision.events.map(throughLog)) {
      this.log.push(event);
      this.state = this.#kind.evolve(this.state, event);
    }
    if (decision.events.length > 0) this.commands.push(...(decision.commands ?? []));
    return decision;
  }

  /** Tells it again what it was told before: nothing may follow. */
  tellAgain(input: CaseInput, application: CaseApplication | null = null, world: World = aWorld()): void {
    assert.deepEqual(this.#kind.decide(this.state, input, world, application).events, [], 'the same again decides nothing');
  }

  waiting() {
    return this.#kind.waiting(this.state);
  }

  steps(): string[] {
    return this.waiting().map(({ step }) => step);
  }

  types(): string[] {
    return this.log.map(({ type }) => type);
  }

  outcomes(): string[] {
    return this.log.flatMap(({ type, facts }) =>
      type === 'case.closed' && typeof facts['outcome'] === 'string' ? [facts['outcome']] : [],
    );
  }

  /** Everything that every case of every kind keeps to, at every moment. */
  expectSound(): void {
    const rebuilt = this.log.map(throughLog).reduce((state, event) => this.#kind.evolve(state, event), this.#kind.initial);
    assert.equal(JSON.stringify(rebuilt), JSON.stringify(this.state), 'the state is the fold of the log');
    const steps = this.steps();
    assert.equal(new Set(steps).size, steps.length, 'each step is awaited once');
    const commanded = this.commands.map(({ step }) => step);
    assert.equal(new Set(commanded).size, commanded.length, 'each step is commanded once');
    const words = [...this.waiting().flatMap(({ code, choices }) => [code, ...choices]), ...this.outcomes()];
    for (const word of words) assert.ok(this.#kind.texts[word], `${word} has a text`);
  }
}
