import type { Json, RegionalKey, ServiceKey } from '#contract';
import type { CaseEvent, Waiting } from '../kind.ts';

/** One wish; kita.ts tells what its stages mean. */
export type Wish = {
  readonly application: string;
  readonly city: RegionalKey;
  readonly service: ServiceKey;
  /** 1 for the best; null if the form does not say: after all that have one. */
  readonly rank: number | null;
  readonly stage: 'OPEN' | 'ACCEPTED' | 'KEPT' | 'RELEASING' | 'ENDED';
  /** True once its city had given the place: what is released then was decided by a clerk. */
  readonly given: boolean;
  /** True if it was to be released when its city gave the place: the withdrawal may still take effect. */
  readonly crossed: boolean;
  /** Until when its release should be done (RFC 3339); null if it is not awaited, or was found to be overdue. */
  readonly dueAt: string | null;
};

/** The wishes of one group. */
export type Kita = {
  readonly wishes: readonly Wish[];
  /** Null while anything is open. */
  readonly outcome: string | null;
};

export const initial: Kita = { wishes: [], outcome: null };

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const rankOf = ({ rank }: Pick<Wish, 'rank'>): number => rank ?? Number.MAX_SAFE_INTEGER;

/** True if the family has said that it would rather have the one than the other. */
export const isBetter = (one: Pick<Wish, 'rank'>, other: Pick<Wish, 'rank'>): boolean => rankOf(one) < rankOf(other);

const before = (one: Wish, other: Wish): number =>
  Number(one.crossed) - Number(other.crossed) || rankOf(one) - rankOf(other) || (one.application < other.application ? -1 : 1);

/** A place that was given is given up in a step of its own: a withdrawal may have crossed it, and did not count. */
export const releaseStep = ({ application, given }: Pick<Wish, 'application' | 'given'>): string =>
  `${given ? 'give-up' : 'release'}-${application}`;

/** Wishes that have a place, the one that stays first. */
export const inHand = ({ wishes }: Kita): readonly Wish[] =>
  wishes.filter(({ stage }) => stage === 'ACCEPTED' || stage === 'KEPT').toSorted(before);

/** Wishes that may yet yield to another place, the one that yields last; empty if there is one place at most. */
export const rivals = (state: Kita): readonly Wish[] => {
  const places = inHand(state);
  return places.length < 2 ? [] : places.filter(({ stage }) => stage === 'ACCEPTED');
};

/** How the case ends as it stands, null if it is not settled yet. */
export function settlement(state: Kita): 'PLACE_ACCEPTED' | 'NO_PLACE' | 'DOUBLE_PLACE' | null {
  if (state.wishes.some(({ stage }) => stage === 'OPEN' || stage === 'RELEASING') || rivals(state).length > 0) return null;
  const places = inHand(state).length;
  return places === 0 ? 'NO_PLACE' : places === 1 ? 'PLACE_ACCEPTED' : 'DOUBLE_PLACE';
}

export function evolve(state: Kita, { type, of, facts }: CaseEvent): Kita {
  const application = text(facts['application']);
  const step = text(facts['step']);
  const change = (more: Partial<Wish>): Kita => ({
    ...state,
    wishes: state.wishes.map((wish) => (wish.application === application ? { ...wish, ...more } : wish)),
  });
  switch (type) {
    case 'kita.place-accepted':
      return {
        ...state,
        wishes: state.wishes.map((wish) =>
          wish.application === application
            ? { ...wish, stage: 'ACCEPTED', given: true, crossed: wish.stage === 'RELEASING', dueAt: null }
            : wish,
        ),
      };
    case 'kita.wish-released':
      return change({ stage: 'RELEASING', dueAt: text(facts['dueAt']) });
    case 'case.step-taken':
      if (step.startsWith('wish-')) return { wishes: [...state.wishes, newWish(application, of, facts)], outcome: null };
      if (step.startsWith('end-')) return change({ stage: 'ENDED', dueAt: null });
      if (facts['choice'] === 'DONE') return change({ stage: 'ENDED', dueAt: null });
      return facts['choice'] === 'KEEP' ? change({ stage: 'KEPT' }) : state;
    case 'case.overdue':
      return {
        ...state,
        wishes: state.wishes.map((wish) => (step === releaseStep(wish) ? { ...wish, dueAt: null } : wish)),
      };
    case 'case.closed':
      return { ...state, outcome: text(facts['outcome']) };
    default:
      return state;
  }
}

const newWish = (application: string, city: RegionalKey, { service, rank }: CaseEvent['facts']): Wish => ({
  application,
  city,
  service: text(service) as ServiceKey,
  rank: typeof rank === 'number' ? rank : null,
  stage: 'OPEN',
  given: false,
  crossed: false,
  dueAt: null,
});

export function waiting(state: Kita): readonly Waiting[] {
  const asked = rivals(state).at(-1);
  return state.wishes.flatMap((wish): Waiting[] => {
    const { application, city, stage, dueAt } = wish;
    const about = { city, application, choices: [], dueAt: null };
    const office = (step: string, code: string, due: Date | null = null): Waiting => ({ ...about, step, code, by: 'office', dueAt: due });
    const task = (step: string, code: string, choices: readonly string[]): Waiting => ({ ...about, step, code, by: 'clerk', choices });
    if (stage === 'OPEN') return [office(`decide-${application}`, 'DECIDE')];
    if (stage === 'RELEASING') {
      const release = office(releaseStep(wish), 'RELEASING', dueAt === null ? null : new Date(dueAt));
      return dueAt === null ? [release, task(`${releaseStep(wish)}-by-hand`, 'RELEASE_BY_HAND', ['DONE'])] : [release];
    }
    return wish === asked ? [task(`double-${application}`, 'DOUBLE', ['RELEASE', 'KEEP'])] : [];
  });
}
