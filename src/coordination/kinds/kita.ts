import { overStatuses, type Json, type RegionalKey, type ServiceKey } from '#contract';
import {
  nothing,
  type CaseApplication,
  type CaseCommand,
  type CaseEvent,
  type CaseKind,
  type Decision,
  type SeenEvent,
  type World,
} from '../kind.ts';
import { caseClosed, caseOpened, caseOverdue, stepTaken } from '../words.ts';
import { evolve, initial, inHand, isBetter, releaseStep, settlement, waiting, type Kita, type Wish } from './kita-state.ts';
import { kitaTexts } from './kita-texts.ts';

/*
 * A child is wished a day-care place in several cities, each wish an application of its own. They belong to one case by the
 * wish group of the form, a key of the portal's choice that nobody but the same account can join. They may have ranks, 1 for
 * the best; a wish without one comes after all that have one.
 *
 *   a wish is submitted: OPEN
 *   OPEN       granted ─▶ ACCEPTED; every OPEN wish that is not a better one is released: `kita.wish-released`, its back office
 *              is told ─▶ RELEASING. Better ones stay open.
 *   RELEASING  its application ends ─▶ ENDED. Granted all the same: ACCEPTED, and there are two places. Too slow: `case.overdue`,
 *              and a clerk of its city gets it as a task.
 *   ACCEPTED   with others beside it: `kita.double-place-found`, told to all cities concerned. The wish that yields is asked
 *              about in its city: RELEASE ─▶ RELEASING, or KEEP ─▶ KEPT, and the next one is asked about.
 *   any        its application is refused, withdrawn or, where no place was given, closed ─▶ ENDED
 *
 * Of several places the better one stays: whatever the order in which cities decide and events arrive, it is the same. Of equals
 * the first that was heard of stays, because the other's withdrawal is on its way and may yet take effect. No decision is
 * taken back by the hub: a place that was given is released by a clerk of its city, or not at all.
 *
 *   no wish is OPEN or RELEASING, and nobody is asked ─▶ CLOSED: PLACE_ACCEPTED, NO_PLACE, or DOUBLE_PLACE if each city keeps its own
 *
 * A wish that comes later joins the case, which then closes again; where there is a place that goes before it is released at once.
 */

const ended = new Set<Json | undefined>(overStatuses);
const granted = new Set<Json | undefined>(['GRANTED', 'PARTLY_GRANTED']);

/** The case key of a wish; null for a wish that stands alone. */
const groupOf = (application: CaseApplication | null): string | null => {
  const group = application?.marks['wish-group'];
  return typeof group === 'string' ? group : null;
};

const citiesOf = (wishes: readonly Wish[]): RegionalKey[] => [...new Set(wishes.map(({ city }) => city))];

/** What an event leads to, and what follows from the state after it. */
function follow(state: Kita, events: readonly CaseEvent[], commands: readonly CaseCommand[] = []): Decision {
  if (events.length === 0) return nothing;
  const after = events.reduce(evolve, state);
  const outcome = settlement(after);
  const [last] = after.wishes.filter(({ stage }) => stage === 'ACCEPTED' || stage === 'KEPT').concat(after.wishes);
  const closes = outcome !== null && outcome !== after.outcome && last;
  return { events: closes ? [...events, caseClosed(outcome, { of: last.city, to: citiesOf(after.wishes) })] : events, commands };
}

function joined(state: Kita, { id: application, ars: city, service, marks }: CaseApplication, world: World): Decision {
  const opens = state.wishes.length === 0 ? [caseOpened('kita', { of: city, service, application })] : [];
  const rank = Number(marks['wish-rank'] ?? Number.NaN);
  const facts = { application, service, ...(Number.isInteger(rank) ? { rank } : {}) };
  const wish = stepTaken('kita', `wish-${application}`, { by: city }, facts);
  const place = inHand(state).find((one) => !isBetter({ rank: Number.isInteger(rank) ? rank : null }, one));
  const release = place ? released(place.city, { application, city, service, given: false }, world) : null;
  return follow(state, [...opens, wish, ...(release?.events ?? [])], release?.commands);
}

/** A wish is given up for the place in `from`; its back office is told. */
function released(from: RegionalKey, wish: Pick<Wish, 'application' | 'city' | 'service' | 'given'>, world: World) {
  const { application, city, service } = wish;
  const step = releaseStep(wish);
  const facts = { from, service, application, step, dueAt: world.answerDue(from).toISOString() };
  const event: CaseEvent = { type: 'kita.wish-released', of: from, to: [city], facts };
  const command: CaseCommand = { step, do: { type: 'withdraw-application', application, reason: 'PLACE_ACCEPTED_ELSEWHERE' } };
  return { events: [event], commands: [command] };
}

function accepted(state: Kita, wish: Wish, world: World): Decision {
  const { application, city, service } = wish;
  const open = state.wishes.filter((one) => one !== wish && one.stage === 'OPEN' && !isBetter(one, wish));
  const given: CaseEvent = {
    type: 'kita.place-accepted',
    of: city,
    to: citiesOf(state.wishes.filter((one) => one.stage !== 'ENDED')),
    facts: { from: city, service, application },
  };
  const releases = open.map((one) => released(city, one, world));
  const events = [given, ...releases.flatMap((release) => release.events)];
  const places = inHand([given].reduce(evolve, state));
  const found: CaseEvent[] =
    places.length < 2
      ? []
      : [{ type: 'kita.double-place-found', of: city, to: citiesOf(places), facts: { from: city, cities: citiesOf(places) } }];
  return follow(
    state,
    [...events, ...found],
    releases.flatMap((release) => release.commands),
  );
}

function happened(state: Kita, event: SeenEvent, world: World, application: CaseApplication | null): Decision {
  const wish = state.wishes.find((one) => one.application === event.aggregate.id);
  if (!wish) {
    if (!application || groupOf(application) === null) return nothing;
    const join = joined(state, application, world);
    const more = happened(join.events.reduce(evolve, state), event, world, application);
    return { events: [...join.events, ...more.events], commands: [...(join.commands ?? []), ...(more.commands ?? [])] };
  }
  if (wish.stage === 'ENDED') return nothing;
  const { status } = event.facts;
  if (granted.has(status))
    return wish.stage === 'OPEN' || (wish.stage === 'RELEASING' && !wish.given) ? accepted(state, wish, world) : nothing;
  if (event.type !== 'application.withdrawn' && !ended.has(status)) return nothing;
  // Many systems close what is done: a place that was given stays given.
  if (status === 'CLOSED' && (wish.stage === 'ACCEPTED' || wish.stage === 'KEPT')) return nothing;
  const { application: of, city, service } = wish;
  const others = citiesOf(state.wishes.filter((one) => one !== wish && one.stage !== 'ENDED'));
  return follow(state, [stepTaken('kita', `end-${of}`, { by: city, to: others }, { application: of, service })]);
}

function answered(state: Kita, { step, by, choice }: { step: string; by: RegionalKey; choice: string }, world: World): Decision {
  const asked = waiting(state).find(
    (one) => one.step === step && world.keys.sameMunicipality(one.city, by) && one.choices.includes(choice),
  );
  const wish = state.wishes.find(({ application }) => application === asked?.application);
  if (!wish) return nothing;
  const others = citiesOf(state.wishes.filter((one) => one !== wish && one.stage !== 'ENDED'));
  const taken = stepTaken('kita', step, { by, to: others }, { choice, application: wish.application });
  if (choice === 'DONE') {
    const { application } = wish;
    const reason = 'PLACE_ACCEPTED_ELSEWHERE';
    return follow(state, [taken], [{ step, do: { type: 'withdraw-application', application, reason, byHand: true } }]);
  }
  if (choice !== 'RELEASE') return follow(state, [taken]);
  const { events, commands } = released(wish.city, wish, world);
  return follow(state, [taken, ...events], commands);
}

function overdue(state: Kita, step: string, now: Date): Decision {
  const late = waiting(state).find((one) => one.step === step);
  if (!late?.dueAt || late.dueAt > now) return nothing;
  return { events: [caseOverdue(step, { of: late.city, to: [late.city], dueAt: late.dueAt })] };
}

/** The wishes for a day-care place in several cities. */
export const kita: CaseKind<Kita> = {
  id: 'kita',
  name: { de: 'Kita-Wünsche in mehreren Städten', en: 'Day-care wishes in several cities' },
  services: ['99041004034000' as ServiceKey],
  listens: ['application.submitted', 'application.status-changed', 'application.withdrawn', 'application.released'],
  initial,
  texts: kitaTexts,
  correlate: (_, application) => groupOf(application),
  decide(state, input, world, application) {
    switch (input.kind) {
      case 'event':
        return happened(state, input.event, world, application);
      case 'answer':
        return answered(state, input, world);
      case 'due':
        return overdue(state, input.step, world.now);
    }
  },
  evolve,
  waiting,
};
