import type { HubEvent, Json, RegionalKey, ServiceKey } from '#contract';

/*
 * A case between cities is led by a process manager. It is a pure machine: `decide` says what follows from an input, `evolve`
 * what the state is after an event. Everything it decides becomes events of the case first; the state is nothing but the
 * fold of these, so it can be dropped and made again from the log.
 *
 *   event of the log ─┐
 *   answer of a city ─┼─▶ decide ─▶ events ─▶ evolve ─▶ state
 *   deadline passed ──┘              └─▶ commands to back offices, deadlines, tasks for people
 *
 * Nothing is taken back once its pivot has passed (a registration, an issued permit): what then fails is tried again, or
 * waits for a person, visibly. An input that comes again, or too late, or in a state it does not fit decides nothing.
 */

/** An event of a case, before it has its place in the log. Facts: ids, ARS, keys, codes and times; never personal data. */
export interface CaseEvent {
  /** `noun.past-verb`. */
  readonly type: string;
  readonly facts: { readonly [name: string]: Json };
  /** Cities that are to be told. */
  readonly to?: readonly RegionalKey[];
}

/** What a process manager is told. */
export type CaseInput =
  /** An event of the log that concerns the case: of an application, or of another case. */
  | { readonly kind: 'event'; readonly event: Pick<HubEvent, 'id' | 'type' | 'aggregate' | 'municipality' | 'facts'> }
  /** A city's answer to a step; counts once per case and step. */
  | { readonly kind: 'answer'; readonly step: string; readonly by: RegionalKey; readonly answer: { readonly [name: string]: Json } }
  /** The time of a step is over. */
  | { readonly kind: 'due'; readonly step: string }
  /** A command was carried out, or a person gave it up. */
  | { readonly kind: 'done'; readonly step: string; readonly outcome: 'done' | 'gave-up' };

/** Something to be done in a back office, exactly once: (case, step) is the key. */
export interface CaseCommand {
  readonly step: string;
  readonly city: RegionalKey;
  readonly do:
    | { readonly type: 'withdraw-application'; readonly application: string; readonly reason: string }
    | { readonly type: 'submit-application'; readonly application: string }
    | { readonly type: 'tell'; readonly event: CaseEvent };
}

/** What a clerk must decide. The text comes from its code, in German and English. */
export interface ClerkTask {
  readonly step: string;
  readonly city: RegionalKey;
  /** From a closed list of each kind. */
  readonly code: string;
  /** Answers among which the clerk chooses; the choice comes back as an `answer` of the city. */
  readonly choices: readonly string[];
}

/** What follows from an input. All of it becomes durable in one transaction. */
export interface Decision {
  readonly events: readonly CaseEvent[];
  readonly commands?: readonly CaseCommand[];
  /** By step: when it is over; null ends the waiting. */
  readonly deadlines?: Readonly<Record<string, Date | null>>;
  readonly tasks?: readonly ClerkTask[];
  /** Steps whose tasks are settled. */
  readonly settled?: readonly string[];
}

/** Nothing follows. */
export const nothing: Decision = { events: [] };

/** What a decision may know beside state and input. Pure: the same world, the same decision. */
export interface World {
  readonly now: Date;
  /** True where the municipality is connected. */
  isConnected(ars: RegionalKey): boolean;
  /** Keys that name the same service, the key itself among them. */
  equivalents(service: ServiceKey): readonly ServiceKey[];
  /** Cities that have agreed with this one about a service (its `treaties`, named by both sides). */
  partners(ars: RegionalKey, service: ServiceKey): readonly RegionalKey[];
}

/** What is known of an application that concerns a case: keys and ids, no form. */
export interface CaseApplication {
  readonly id: string;
  readonly service: ServiceKey;
  readonly ars: RegionalKey;
  readonly status: string;
  /** Facts that its form marks for coordination (`x-hub: departure`, `registered-in`, `wish-group`): keys and ARS only. */
  readonly marks: { readonly [name: string]: Json };
}

/** A kind of case. */
export interface CaseKind<State extends Json = Json> {
  /** For example `moving`. */
  readonly id: string;
  /** Event types that may begin a case of this kind, or belong to one. */
  readonly listens: readonly string[];
  /** The state before anything happened. */
  readonly initial: State;
  /**
   * Key of the case that an event belongs to, the same for all its events (the runtime makes the case's id of it); null where
   * it concerns no case of this kind.
   */
  correlate(event: Pick<HubEvent, 'type' | 'aggregate' | 'facts' | 'municipality'>, application: CaseApplication | null): string | null;
  decide(state: State, input: CaseInput, world: World, application: CaseApplication | null): Decision;
  evolve(state: State, event: CaseEvent): State;
  /** True where nothing will happen any more. */
  isOver(state: State): boolean;
}
