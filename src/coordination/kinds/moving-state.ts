import type { Json, RegionalKey } from '#contract';
import type { CaseEvent, Waiting } from '../kind.ts';

/**
 * A permit in the departure municipality. `OFFICE`: its back office was told; `CLERK`: a person must end it. Without an
 * application, any that the person may have there: nobody but a clerk can tell.
 */
export type Permit = {
  readonly application: string;
  readonly service: string;
  readonly stage: 'OFFICE' | 'CLERK' | 'ENDED';
};

/** A move; moving.ts tells what its stages mean. */
export type Moving = {
  readonly stage: 'NONE' | 'NOTIFIED' | 'IMPLAUSIBLE' | 'EVALUATED' | 'DEREGISTERED' | 'CLOSED';
  readonly arrival: string;
  readonly departure: string;
  /** How often the departure municipality was notified. */
  readonly round: number;
  /** Rounds that were answered. */
  readonly answered: readonly number[];
  /** When each step is due (RFC 3339). */
  readonly due: { readonly [step: string]: string };
  /** Steps that were found to be overdue. */
  readonly late: readonly string[];
  readonly permits: readonly Permit[];
};

export const initial: Moving = {
  stage: 'NONE',
  arrival: '',
  departure: '',
  round: 0,
  answered: [],
  due: {},
  late: [],
  permits: [],
};

/** What a departure municipality may say that it has differently (after the deviations of XMeld). */
const fieldCodes: readonly string[] = [
  'familyName',
  'formerNames',
  'givenNames',
  'dateOfBirth',
  'placeOfBirth',
  'sex',
  'nationality',
  'maritalStatus',
  'address',
  'dateOfMove',
  'dwelling',
  'relatives',
  'identityDocuments',
];

export const evaluateStep = (round: number): string => (round === 1 ? 'evaluate' : `evaluate-${round}`);
const roundOf = (step: string): number => Number(/^evaluate-(\d+)$/.exec(step)?.[1] ?? 1);
export const permitStep = (application: string, by: 'OFFICE' | 'CLERK'): string =>
  application === '' ? 'end-permits-by-hand' : `end-permit-${application}${by === 'CLERK' ? '-by-hand' : ''}`;

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

export function evolve(state: Moving, { type, of, facts }: CaseEvent): Moving {
  const step = text(facts['step']);
  const due = facts['dueAt'] === undefined ? state.due : { ...state.due, [step]: text(facts['dueAt']) };
  switch (type) {
    case 'case.opened':
      return { ...state, arrival: of, departure: text(facts['departure']) };
    case 'move.registered':
      return { ...state, stage: 'NOTIFIED', round: Number(facts['round']), due };
    case 'move.evaluated': {
      const implausible = facts['result'] === 'IMPLAUSIBLE';
      const next = implausible ? `clarify-${state.round}` : 'deregister';
      return {
        ...state,
        stage: implausible ? 'IMPLAUSIBLE' : 'EVALUATED',
        answered: [...state.answered, roundOf(step)],
        due: { ...state.due, [next]: text(facts['dueAt']) },
      };
    }
    case 'move.deregistered':
      return { ...state, stage: 'DEREGISTERED' };
    case 'permit.end-requested': {
      const permit: Permit = {
        application: text(facts['application']),
        service: text(facts['service']),
        stage: facts['by'] === 'OFFICE' ? 'OFFICE' : 'CLERK',
      };
      const others = state.permits.filter(({ application }) => application !== permit.application);
      return { ...state, due, permits: [...others, permit] };
    }
    case 'permit.ended':
      return {
        ...state,
        permits: state.permits.map((permit) =>
          permit.application === text(facts['application']) ? { ...permit, stage: 'ENDED' } : permit,
        ),
      };
    case 'case.overdue':
      return { ...state, late: [...state.late, step] };
    case 'case.closed':
      return { ...state, stage: 'CLOSED' };
    default:
      return state;
  }
}

export function waiting(state: Moving): readonly Waiting[] {
  const [arrival, departure] = [state.arrival as RegionalKey, state.departure as RegionalKey];
  const isLate = (step: string) => state.late.includes(step);
  const dueAt = (step: string) => (state.due[step] === undefined || isLate(step) ? null : new Date(state.due[step]));

  const evaluations = (): Waiting[] =>
    Array.from({ length: state.round }, (_, at) => at + 1)
      .filter((round) => !state.answered.includes(round))
      .map((round) => {
        const step = evaluateStep(round);
        const choices = ['ACCEPTED', 'DEVIATIONS', 'IMPLAUSIBLE'];
        const by = isLate(step) && round === state.round ? 'clerk' : 'city';
        return { step, city: departure, by, code: 'EVALUATE', choices, fields: fieldCodes, dueAt: dueAt(step) };
      });
  /** What a clerk where the person arrived decides. */
  const decision = (code: 'NO_ANSWER' | 'CLARIFY', step: string): Waiting => ({
    step,
    city: arrival,
    by: 'clerk',
    code,
    choices: ['SEND_AGAIN', 'GIVE_UP'],
    dueAt: dueAt(step),
  });

  switch (state.stage) {
    case 'NOTIFIED':
      return isLate(evaluateStep(state.round)) ? [...evaluations(), decision('NO_ANSWER', `no-answer-${state.round}`)] : evaluations();
    case 'IMPLAUSIBLE':
      return [...evaluations(), decision('CLARIFY', `clarify-${state.round}`)];
    case 'EVALUATED': {
      const by = isLate('deregister') ? 'clerk' : 'city';
      return [{ step: 'deregister', city: departure, by, code: 'DEREGISTER', choices: ['DONE'], dueAt: dueAt('deregister') }];
    }
    case 'DEREGISTERED':
      return state.permits.flatMap(({ application, stage }): Waiting[] => {
        if (stage === 'ENDED') return [];
        const step = permitStep(application, stage);
        const about = { step, city: departure, ...(application === '' ? {} : { application }), dueAt: dueAt(step) };
        if (application === '') return [{ ...about, by: 'clerk', code: 'CHECK_PERMITS', choices: ['ENDED', 'NONE'] }];
        return [
          stage === 'OFFICE'
            ? { ...about, by: 'office', code: 'END_PERMIT', choices: [] }
            : { ...about, by: 'clerk', code: 'END_PERMIT_BY_HAND', choices: ['ENDED'] },
        ];
      });
    case 'NONE':
    case 'CLOSED':
      return [];
  }
}
