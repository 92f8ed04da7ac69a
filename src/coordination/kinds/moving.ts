import { overStatuses, spelledAlike, type Json, type KeyRules, type RegionalKey, type ServiceKey } from '#contract';
import {
  isFor,
  nothing,
  type CaseApplication,
  type CaseCommand,
  type CaseEvent,
  type CaseInput,
  type CaseKind,
  type Decision,
  type SeenEvent,
  type World,
} from '../kind.ts';
import { caseClosed, caseOpened, caseOverdue, stepTaken } from '../words.ts';
import { evolve, initial, permitStep, evaluateStep, waiting, type Moving, type Permit } from './moving-state.ts';
import { movingTexts } from './moving-texts.ts';

/*
 * Somebody moves from A, the departure, to B, the arrival, both municipalities. Modelled on XMeld 0201 (notice of a
 * registration), 0203 (evaluation) and 0204 (implausible).
 *
 *   NONE          B grants the registration: the pivot. It names A, and the dwelling there is not kept.
 *                 A is not connected ─▶ CLOSED as NOT_CONNECTED: B's clerk sends the notice as ever.
 *                 else `move.registered` to A ─▶ NOTIFIED
 *   NOTIFIED      A answers `evaluate`:
 *                   ACCEPTED, or DEVIATIONS with the codes of the fields: `move.evaluated` ─▶ EVALUATED
 *                   IMPLAUSIBLE ─▶ IMPLAUSIBLE
 *                 A is silent: `case.overdue`. A's clerk gets the step as a task; B's clerk may send again (next round) or
 *                 give up. A's answer still counts, also one to an earlier round that had none.
 *   IMPLAUSIBLE   A clerk in B has it corrected and sends again ─▶ NOTIFIED, next round; or gives up ─▶ CLOSED as UNRESOLVED
 *   EVALUATED     A answers `deregister`: `move.deregistered` ─▶ DEREGISTERED. Overdue: A's clerk gets it as a task.
 *   DEREGISTERED  Each parking permit of the same applicant in A is ended: by A's back office where that can be told and its
 *                 case is not closed, else by A's clerk, who also gets it where the back office is too slow or a person gave its
 *                 delivery up. Ended once, whoever was first: `permit.ended`. In B the same service is suggested, where it is offered.
 *                 Where nobody can tell which permits are the person's, A's clerk looks, and ends what there is.
 *                 None is left ─▶ CLOSED as COMPLETED
 *
 * After the pivot everything goes forwards: the registration in B holds whatever A says, nothing is compensated.
 */

/** Registration of residence. */
const registration = '99115005104000' as ServiceKey;
/** What ends when its holder moves away, however it came about: the object, so issued, renewed and changed ones. */
const residentPermit = '99108001000000' as ServiceKey;
/** What is suggested where they have moved to. */
const permitIssue = '99108001001000' as ServiceKey;

const ended = new Set<Json | undefined>(overStatuses);
/** What surely left no permit behind. Many systems close what was granted, so a closed one may hold. */
const without = new Set<Json | undefined>(['REFUSED', 'WITHDRAWN', 'DISCARDED']);

const sides = ({ arrival, departure }: Moving) => ({ arrival: arrival as RegionalKey, departure: departure as RegionalKey });

/** Where the registration says that the person came from, if they have left it. */
function departureOf(keys: KeyRules, application: CaseApplication | null): RegionalKey | null {
  if (!application || !isFor(keys, application, registration)) return null;
  const { departure, 'keeps-previous': keeps } = application.marks;
  if (typeof departure !== 'string' || keeps === true || keys.sameMunicipality(departure, application.ars)) return null;
  return departure as RegionalKey;
}

function begin({ id: application, ars: arrival, service }: CaseApplication, departure: RegionalKey, world: World): Decision {
  const opened = { of: arrival, service, application };
  if (!world.isConnected(departure))
    return { events: [caseOpened('moving', opened, { departure }), caseClosed('NOT_CONNECTED', { of: arrival })] };
  return {
    events: [
      caseOpened('moving', { ...opened, to: [departure] }, { departure }),
      registered({ ...initial, arrival, departure, round: 1 }, world),
    ],
  };
}

function registered({ round, ...state }: Moving, world: World): CaseEvent {
  const { arrival, departure } = sides({ ...state, round });
  const dueAt = world.answerDue(arrival).toISOString();
  return {
    type: 'move.registered',
    of: arrival,
    to: [departure],
    facts: { from: arrival, arrival, departure, round, step: evaluateStep(round), dueAt },
  };
}

function answered(state: Moving, { step, by, choice, fields }: Extract<CaseInput, { kind: 'answer' }>, world: World): Decision {
  const open = waiting(state).find((one) => one.step === step && world.keys.sameMunicipality(one.city, by) && one.choices.includes(choice));
  if (!open) return nothing;
  const { arrival, departure } = sides(state);
  const taken = stepTaken('moving', step, { by, to: [world.keys.sameMunicipality(by, arrival) ? departure : arrival] }, { choice });
  switch (open.code) {
    case 'EVALUATE':
      return {
        events: [
          taken,
          {
            type: 'move.evaluated',
            of: departure,
            to: [arrival],
            facts: {
              from: departure,
              step,
              result: choice,
              ...(choice === 'DEVIATIONS' ? { fields: [...new Set(fields)].toSorted() } : {}),
              dueAt: world.answerDue(arrival).toISOString(),
            },
          },
        ],
      };
    case 'CLARIFY':
    case 'NO_ANSWER':
      return choice === 'SEND_AGAIN'
        ? { events: [taken, registered({ ...state, round: state.round + 1 }, world)] }
        : { events: [taken, caseClosed('UNRESOLVED', { of: arrival, to: [departure] })] };
    case 'DEREGISTER':
      return deregistered(state, taken, world);
    case 'CHECK_PERMITS':
      return choice === 'ENDED' ? permitEnded(state, '', [taken]) : { events: [taken, completed(state)] };
    default: {
      const application = open.application ?? '';
      return {
        ...permitEnded(state, application, [taken]),
        commands: [{ step, do: { type: 'withdraw-application', application, reason: 'MOVED_AWAY', byHand: true } }],
      };
    }
  }
}

function deregistered(state: Moving, taken: CaseEvent, world: World): Decision {
  const { arrival, departure } = sides(state);
  const events: CaseEvent[] = [taken, { type: 'move.deregistered', of: departure, to: [arrival], facts: { from: departure } }];
  if (world.sameApplicant === null && world.offers(departure, permitIssue))
    return { events: [...events, endRequested(state, { application: '', service: permitIssue }, 'CLERK', world)] };
  const permits = (world.sameApplicant ?? []).filter(
    (one) => world.keys.sameMunicipality(one.ars, departure) && isFor(world.keys, one, residentPermit) && !without.has(one.status),
  );
  if (permits.length === 0) return { events: [...events, completed(state)] };
  const commands: CaseCommand[] = [];
  for (const { id: application, service, status, canWithdraw } of permits) {
    // A case that is closed cannot be withdrawn any more.
    const by = canWithdraw && status !== 'CLOSED' ? 'OFFICE' : 'CLERK';
    const step = permitStep(application, by);
    events.push(endRequested(state, { application, service }, by, world));
    if (by === 'OFFICE') commands.push({ step, do: { type: 'withdraw-application', application, reason: 'MOVED_AWAY' } });
  }
  if (world.offers(arrival, permitIssue)) events.push({ type: 'offer.suggested', of: arrival, facts: { service: permitIssue } });
  return { events, commands };
}

function endRequested(
  state: Moving,
  { application, service }: Pick<Permit, 'application' | 'service'>,
  by: 'OFFICE' | 'CLERK',
  world: World,
): CaseEvent {
  const { departure } = sides(state);
  const step = permitStep(application, by);
  const facts = { service, ...about(application), step, by, dueAt: world.answerDue(departure).toISOString() };
  return { type: 'permit.end-requested', of: departure, to: [departure], facts };
}

/** The application that a permit came from, where it is known. */
const about = (application: string) => (application === '' ? {} : { application });

const completed = (state: Moving): CaseEvent => {
  const { arrival, departure } = sides(state);
  return caseClosed('COMPLETED', { of: arrival, to: [departure] });
};

/** A permit holds no longer; with the last one the case is done. */
function permitEnded(state: Moving, application: string, before: readonly CaseEvent[] = []): Decision {
  const { departure } = sides(state);
  const permit = state.permits.find((one) => one.application === application && one.stage !== 'ENDED');
  if (!permit) return nothing;
  const facts = { service: permit.service, ...about(application), reason: 'MOVED_AWAY' };
  const events: readonly CaseEvent[] = [...before, { type: 'permit.ended', of: departure, to: [departure], facts }];
  const last = state.permits.every((one) => one.stage === 'ENDED' || one.application === application);
  return { events: last ? [...events, completed(state)] : events };
}

function happened(state: Moving, event: SeenEvent, world: World, application: CaseApplication | null): Decision {
  if (state.stage === 'NONE') {
    const departure = departureOf(world.keys, application);
    return application && departure && event.facts['status'] === 'GRANTED' ? begin(application, departure, world) : nothing;
  }
  const permit = state.permits.find((one) => one.application === event.aggregate.id);
  if (!permit || permit.stage === 'ENDED') return nothing;
  if (event.type === 'application.withdrawn' || ended.has(event.facts['status'])) return permitEnded(state, permit.application);
  if (event.type === 'application.released' && event.facts['action'] === 'discard' && permit.stage === 'OFFICE')
    return { events: [endRequested(state, permit, 'CLERK', world)] };
  return nothing;
}

function overdue(state: Moving, step: string, world: World): Decision {
  const late = waiting(state).find((one) => one.step === step);
  if (!late?.dueAt || late.dueAt > world.now) return nothing;
  const { arrival, departure } = sides(state);
  const event = caseOverdue(step, {
    of: arrival,
    to: spelledAlike(late.city, arrival) ? [arrival] : [arrival, departure],
    dueAt: late.dueAt,
  });
  const permit = late.by === 'office' ? state.permits.find((one) => one.application === late.application) : undefined;
  return { events: permit ? [event, endRequested(state, permit, 'CLERK', world)] : [event] };
}

/** Moving from one municipality to another. */
export const moving: CaseKind<Moving> = {
  id: 'moving',
  name: { de: 'Umzug in eine andere Gemeinde', en: 'Move to another municipality' },
  services: [registration, residentPermit],
  listens: ['application.status-changed', 'application.withdrawn', 'application.released'],
  initial,
  texts: movingTexts,
  correlate: (event, application, keys) =>
    application && event.facts['status'] === 'GRANTED' && departureOf(keys, application) ? application.id : null,
  decide(state, input, world, application) {
    switch (input.kind) {
      case 'event':
        return happened(state, input.event, world, application);
      case 'answer':
        return answered(state, input, world);
      case 'due':
        return overdue(state, input.step, world);
    }
  },
  evolve,
  waiting,
};
