import type { HubEvent, Json, KeyRules, Localised, RegionalKey, ServiceKey } from '#contract';

/*
 * A case between cities is led by a process manager. It is a pure machine: `decide` says what follows from an input, `evolve`
 * what the state is after an event, `waiting` what the state waits for. Everything that is decided becomes events of the case
 * first; the state is nothing but the fold of these, and deadlines and tasks are read off the state, so all of it can be
 * dropped and made again from the log.
 *
 *   event of an application ─┐
 *   answer of a city, clerk ─┼─▶ decide ─▶ events ─▶ evolve ─▶ state ─▶ waiting: answers, tasks, deadlines
 *   time that is over ───────┘      └────▶ commands to back offices
 *
 * Nothing is taken back once its pivot has passed (a registration, an issued permit): what then fails is tried again, or
 * waits for a person, visibly. An input that comes again, or too late, or in a state it does not fit decides nothing.
 */

/** An event of a case, before it has its place in the log. Facts: ids, ARS, keys, codes and times; never personal data. */
export interface CaseEvent {
  /** `noun.past-verb`. */
  readonly type: string;
  /** The city whose event it is: who sends it where others are told. */
  readonly of: RegionalKey;
  /** Cities that are to be told; stands in the log as the fact `to`. */
  readonly to?: readonly RegionalKey[];
  /** `application` names an application that belongs to the case from here on: its events come to the case. */
  readonly facts: { readonly [name: string]: Json };
}

/** An event of the log as a process manager sees it. */
export type SeenEvent = Pick<HubEvent, 'id' | 'type' | 'aggregate' | 'municipality' | 'facts'>;

/** What a process manager is told. */
export type CaseInput =
  /** An event that concerns the case: of an application, or of another case. */
  | { readonly kind: 'event'; readonly event: SeenEvent }
  /** A city's or a clerk's answer to something that `waiting` names; counts once per case and step. The choice is one of those named. */
  | {
      readonly kind: 'answer';
      readonly step: string;
      readonly by: RegionalKey;
      readonly choice: string;
      readonly fields: readonly string[];
    }
  /** The time of something that `waiting` names is over. */
  | { readonly kind: 'due'; readonly step: string };

/** Why a case ends an application. */
export type EndReason = 'MOVED_AWAY' | 'PLACE_ACCEPTED_ELSEWHERE';

/** Something to be done in a back office, exactly once: (case, step) is the key. Its outcome comes back as events of the application. */
export interface CaseCommand {
  readonly step: string;
  /**
   * Its own back office ends the application: the withdrawal is delivered; ends in `application.withdrawn`, or waits for a
   * person (`application.parked`). With `byHand` a person has done so already, and the hub only notes it.
   */
  readonly do: {
    readonly type: 'withdraw-application';
    readonly application: string;
    readonly reason: EndReason;
    readonly byHand?: boolean;
  };
}

/** Something a state waits for. */
export interface Waiting {
  /** Unique within the case, for ever: an answer counts once per step. A second round has another step (`evaluate-2`). */
  readonly step: string;
  readonly city: RegionalKey;
  /** `city`: its system or a clerk answers the case. `clerk`: a task for a person, in the list of tasks. `office`: a back office; `time`: a day to come. */
  readonly by: 'city' | 'clerk' | 'office' | 'time';
  /** What for, of the kind's `texts`. */
  readonly code: string;
  /** What may be answered; empty if nobody is to answer. */
  readonly choices: readonly string[];
  /** Codes that may go with a choice, for example of fields that differ. A closed list: free text could hold anything. @default none */
  readonly fields?: readonly string[];
  /** The application it is about, where it is about one. */
  readonly application?: string;
  /** When `due` is told, once; null if it has been told or no time is set. */
  readonly dueAt: Date | null;
}

/** What follows from an input. All of it becomes durable in one transaction. */
export interface Decision {
  /** Empty: the input changes nothing, and the commands are not looked at. */
  readonly events: readonly CaseEvent[];
  readonly commands?: readonly CaseCommand[];
}

/** Nothing follows. */
export const nothing: Decision = { events: [] };

/** What a decision may know beside state and input. Pure: the same world, the same decision. */
export interface World {
  readonly now: Date;
  /** True if the municipality is connected. */
  isConnected(ars: RegionalKey): boolean;
  /** How keys of services and municipalities are compared. */
  readonly keys: KeyRules;
  /** True if the municipality offers the service. */
  offers(ars: RegionalKey, service: ServiceKey): boolean;
  /** Cities that have agreed with this one about a service (its `treaties`, named by both sides), and the key by which each files it. */
  partners(ars: RegionalKey, service: ServiceKey): readonly TreatyPartner[];
  /** When an answer that this kind of case waits for is due, by the file of the city that asks. */
  answerDue(asking: RegionalKey): Date;
  /** Other applications of the same applicant for the kind's services, the oldest first; null if nobody can tell whose they are. */
  readonly sameApplicant: readonly CaseApplication[] | null;
}

/** A city that recognises what another one issues. */
export interface TreatyPartner {
  readonly city: RegionalKey;
  readonly service: ServiceKey;
}

/** What is known of an application that concerns a case: keys and ids, no form. */
export interface CaseApplication {
  readonly id: string;
  /** Under which its city files it. */
  readonly service: ServiceKey;
  /** What was asked for: the filed key, or one that the filed key answers. */
  readonly asked: ServiceKey;
  readonly ars: RegionalKey;
  /** As it stands now, which may be later than the event that is being looked at. */
  readonly status: string;
  /** True if its back office can be told to end it. */
  readonly canWithdraw: boolean;
  /** What its form or its city's file marks for coordination (`x-hub: departure`, `registered-in`, `wish-group`): keys and ARS only. */
  readonly marks: Marks;
}

/** True if an application is for a service: by what was asked for, since a city may file several services under one object key. */
export const isFor = (keys: KeyRules, { asked }: CaseApplication, service: ServiceKey): boolean => keys.concerns(asked, service);

/** Marks of an application by name; `departure` and `registered-in` are ARS of municipalities that exist. */
export type Marks = { readonly [name: string]: string | boolean };

/** A kind of case. */
export interface CaseKind<State extends Json = Json> {
  /** For example `moving`. */
  readonly id: string;
  readonly name: Localised;
  /** Services whose applications are marked when they are submitted: these, what is stated to be the same, what is below or above them. */
  readonly services: readonly ServiceKey[];
  /** Types of events that may begin a case of this kind, or belong to one. */
  readonly listens: readonly string[];
  /** The state before anything happened. */
  readonly initial: State;
  /** What each `code` of `waiting`, each outcome and each choice means, for people. An outcome that leaves something to do says what. */
  readonly texts: Readonly<Record<string, Localised>>;
  /**
   * Key of the case that an event begins or belongs to, the same for all its events (one case per kind and key); null if it
   * concerns none. Applications that a case has named (`facts.application`) lead to it anyway.
   */
  correlate(event: SeenEvent, application: CaseApplication | null, keys: KeyRules): string | null;
  /** `application` is the one that the event is about, or the one the case began with. */
  decide(state: State, input: CaseInput, world: World, application: CaseApplication | null): Decision;
  /** Event types it does not know leave the state as it is: a later version may have written them. */
  evolve(state: State, event: CaseEvent): State;
  waiting(state: State): readonly Waiting[];
}
