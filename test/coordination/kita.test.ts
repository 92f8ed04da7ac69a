import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RegionalKey } from '#contract';
import type { CaseApplication, CaseInput } from '../../src/coordination/kind.ts';
import { kita } from '../../src/coordination/kinds/kita.ts';
import { answer, anApplication, aWorld, changed, cityA, cityB, cityC, dueAt, Play, told } from './decider.ts';
import { shippedKeys } from '../kit/key-rules.ts';

const service = '99041004034000';
const wish = (id: string, city: RegionalKey, rank?: number) =>
  anApplication(id, service, city, { marks: { 'wish-group': 'group', ...(rank === undefined ? {} : { 'wish-rank': String(rank) }) } });

const submitted = (one: CaseApplication) => told(one, 'submitted', { status: 'SUBMITTED' });
const withdrawn = (one: CaseApplication) => told(one, 'withdrawn', { status: 'WITHDRAWN' });

const first = wish('wish-a', cityA, 1);
const second = wish('wish-b', cityB, 2);
const third = wish('wish-c', cityC, 3);
const anywhere = [wish('wish-x', cityA), wish('wish-y', cityB), wish('wish-z', cityC)] as const;

const joined = (...wishes: readonly CaseApplication[]) => {
  const play = new Play(kita);
  for (const one of wishes) play.tell(submitted(one), one);
  return play;
};

describe('wishes for a day-care place in several cities', () => {
  test('belong together by their wish group; a wish without one stands alone', () => {
    const { event } = submitted(first) as Extract<CaseInput, { kind: 'event' }>;
    expect(kita.correlate(event, first, shippedKeys)).toBe('group');
    expect(kita.correlate(event, anApplication('alone', service, cityA), shippedKeys)).toBeNull();
  });

  test('given three wishes without ranks, when one is granted, then the others are released and their back offices told', () => {
    const [x, y, z] = anywhere;
    const play = joined(x, y, z);
    expect(play.types()).toEqual(['case.opened', 'case.step-taken', 'case.step-taken', 'case.step-taken']);
    const { events, commands } = play.tell(changed(y, 'GRANTED'), y);
    const release = { from: cityB, service, dueAt: dueAt.toISOString() };
    expect(events).toEqual([
      { type: 'kita.place-accepted', of: cityB, to: [cityA, cityB, cityC], facts: { from: cityB, service, application: 'wish-y' } },
      { type: 'kita.wish-released', of: cityB, to: [cityA], facts: { ...release, application: 'wish-x', step: 'release-wish-x' } },
      { type: 'kita.wish-released', of: cityB, to: [cityC], facts: { ...release, application: 'wish-z', step: 'release-wish-z' } },
    ]);
    expect(commands).toEqual(
      ['wish-x', 'wish-z'].map((application) => ({
        step: `release-${application}`,
        do: { type: 'withdraw-application', application, reason: 'PLACE_ACCEPTED_ELSEWHERE' },
      })),
    );
    play.tell(withdrawn(x), x);
    expect(play.outcomes()).toEqual([]);
    play.tell(withdrawn(z), z);
    expect(play.outcomes()).toEqual(['PLACE_ACCEPTED']);
  });

  test('given ranks, when the second best is granted, then the worse one is released and the better one stays open', () => {
    const play = joined(first, second, third);
    const { commands } = play.tell(changed(second, 'GRANTED'), second);
    expect(commands?.map(({ step }) => step)).toEqual(['release-wish-c']);
    play.tell(withdrawn(third), third);
    expect(play.steps()).toEqual(['decide-wish-a']);
    play.tell(changed(first, 'REFUSED'), first);
    expect(play.outcomes()).toEqual(['PLACE_ACCEPTED']);
  });

  test('given a place, when its office closes the ticket, then it stays given', () => {
    const play = joined(first, second);
    play.tell(changed(first, 'GRANTED'), first);
    play.tell(withdrawn(second), second);
    play.tell(changed(first, 'CLOSED'), first);
    expect(play.outcomes()).toEqual(['PLACE_ACCEPTED']);
  });

  test('given all are refused, then there is no place, and a new wish opens the case again', () => {
    const play = joined(first, second);
    play.tell(changed(first, 'REFUSED'), first);
    play.tell(changed(second, 'REFUSED'), second);
    expect(play.outcomes()).toEqual(['NO_PLACE']);
    play.tell(submitted(third), third);
    play.tell(changed(third, 'GRANTED'), third);
    expect(play.outcomes()).toEqual(['NO_PLACE', 'PLACE_ACCEPTED']);
  });

  test('given there is a place, when another wish comes late, then it is released at once', () => {
    const play = joined(first);
    play.tell(changed(first, 'GRANTED'), first);
    expect(play.outcomes()).toEqual(['PLACE_ACCEPTED']);
    const { commands } = play.tell(submitted(second), second);
    expect(commands?.map(({ step }) => step)).toEqual(['release-wish-b']);
    play.tell(withdrawn(second), second);
    expect(play.outcomes()).toEqual(['PLACE_ACCEPTED', 'PLACE_ACCEPTED']);
  });

  test.each([
    ['the better one first', [first, second]],
    ['the better one last', [second, first]],
  ])('given two places, %s, then both cities see it without a name, and the city of the lower rank is asked', (_, order) => {
    const play = joined(first, second);
    for (const one of order) play.tell(changed(one, 'GRANTED'), one);
    expect(play.log.filter(({ type }) => type === 'kita.double-place-found')).toMatchObject([
      { to: [cityA, cityB], facts: { cities: [cityA, cityB] } },
    ]);
    expect(play.waiting()).toMatchObject([{ step: 'double-wish-b', city: cityB, by: 'clerk', choices: ['RELEASE', 'KEEP'] }]);
    play.tellAgain(answer('double-wish-b', cityA, 'RELEASE'));
    play.tell(answer('double-wish-b', cityB, 'RELEASE'));
    play.tellAgain(changed(second, 'GRANTED'), second);
    play.tell(withdrawn(second), second);
    expect(play.outcomes()).toEqual(['PLACE_ACCEPTED']);
    expect(play.state.wishes.find(({ stage }) => stage === 'ACCEPTED')?.application).toBe('wish-a');
  });

  test('where the city of the lower rank keeps its place, the other one is asked; where both keep theirs, it ends visibly so', () => {
    const twoPlaces = () => {
      const play = joined(first, second);
      play.tell(changed(first, 'GRANTED'), first);
      play.tell(changed(second, 'GRANTED'), second);
      play.tell(answer('double-wish-b', cityB, 'KEEP'));
      expect(play.steps()).toEqual(['double-wish-a']);
      return play;
    };
    const yields = twoPlaces();
    yields.tell(answer('double-wish-a', cityA, 'RELEASE'));
    yields.tell(withdrawn(first), first);
    expect(yields.outcomes()).toEqual(['PLACE_ACCEPTED']);
    const stands = twoPlaces();
    stands.tell(answer('double-wish-a', cityA, 'KEEP'));
    expect(stands.outcomes()).toEqual(['DOUBLE_PLACE']);
    stands.tell(changed(second, 'WITHDRAWN'), second);
    expect(stands.outcomes(), 'the cities have settled it').toEqual(['DOUBLE_PLACE', 'PLACE_ACCEPTED']);
  });

  test('given two places of the same rank, then the one that was heard of first stays: the other is being withdrawn', () => {
    const [x, y] = anywhere;
    const play = joined(x, y);
    play.tell(changed(y, 'GRANTED'), y);
    play.tell(changed(x, 'GRANTED'), x);
    expect(play.steps()).toEqual(['double-wish-x']);
    play.tell(withdrawn(x), x);
    expect(play.outcomes(), 'the withdrawal has settled it').toEqual(['PLACE_ACCEPTED']);
  });

  test('given a back office does not release a wish in time, then a clerk there gets it as a task', () => {
    const play = joined(first, second);
    play.tell(changed(first, 'GRANTED'), first);
    play.tell({ kind: 'due', step: 'release-wish-b' });
    expect(play.outcomes(), 'it is not due yet').toEqual([]);
    expect(play.types()).not.toContain('case.overdue');
    play.tell({ kind: 'due', step: 'release-wish-b' }, null, aWorld({ now: dueAt }));
    expect(play.waiting()).toMatchObject([{ step: 'release-wish-b' }, { step: 'release-wish-b-by-hand', city: cityB, by: 'clerk' }]);
    const { commands } = play.tell(answer('release-wish-b-by-hand', cityB, 'DONE'));
    expect(commands, 'its application is noted as ended, nobody is told again').toMatchObject([
      { step: 'release-wish-b-by-hand', do: { application: 'wish-b', byHand: true } },
    ]);
    expect(play.outcomes()).toEqual(['PLACE_ACCEPTED']);
  });
});

/*
 * The model: every city decides on its wish in its own time, back offices carry out withdrawals late, or grant while one is on its
 * way; events of one application keep their order, those of several come in any; each may come twice, and the process may die
 * before a decision is durable (then it is told again) or after (then it was). Clerks answer whatever they are asked.
 */
describe('whatever cities decide, in whatever order it becomes known', () => {
  const cities = [cityA, cityB, cityC] as const;
  const verdict = fc.constantFrom<'GRANTED' | 'REFUSED' | 'WITHDRAWN' | null>('GRANTED', 'GRANTED', 'REFUSED', 'WITHDRAWN', null);
  const scenario = fc.record({
    wishes: fc.array(
      fc.record({ city: fc.constantFrom(...cities), rank: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }), verdict }),
      {
        minLength: 1,
        maxLength: 5,
      },
    ),
    steps: fc.infiniteStream(fc.nat(1_000_000)),
    insists: fc.boolean(),
  });

  function run({ wishes, steps, insists }: typeof scenario extends fc.Arbitrary<infer T> ? T : never) {
    const next = (below: number) => (steps.next().value as number) % below;
    const applications = wishes.map(({ city, rank }, at) => wish(`wish-${at}`, city, rank));
    const play = new Play(kita);
    /** What each back office has still to report, in its order. */
    const reports = applications.map((one, at): CaseInput[] => {
      const decided = wishes[at]?.verdict;
      if (!decided) return [submitted(one)];
      return [submitted(one), decided === 'WITHDRAWN' ? withdrawn(one) : changed(one, decided)];
    });
    const granted = new Set<string>();
    let done = 0;

    function tell(input: CaseInput, application: CaseApplication | null): void {
      // Died before it was durable: nothing has happened, and it comes again.
      if (next(4) === 0) kita.decide(play.state, input, aWorld(), application);
      play.tell(input, application);
      play.expectSound();
      if (next(3) === 0) play.tellAgain(input, application);
      // A withdrawal that is asked for takes effect in the back office, after whatever it decided before.
      for (const { do: command } of play.commands.slice(done)) {
        const at = applications.findIndex(({ id }) => id === command.application);
        const own = applications[at];
        if (own) reports[at]?.push(withdrawn(own));
      }
      done = play.commands.length;
    }

    for (let turn = 0; turn < 200; turn += 1) {
      const ready = reports.flatMap((queue, at) => (queue.length > 0 ? [at] : []));
      const asked = play.waiting().filter(({ by }) => by === 'clerk');
      if (ready.length > 0 && (asked.length === 0 || next(3) > 0)) {
        const at = ready[next(ready.length)] ?? 0;
        const [input, own] = [reports[at]?.shift(), applications[at]];
        if (!input || !own) continue;
        if (input.kind === 'event' && input.event.facts['status'] === 'GRANTED') granted.add(own.id);
        tell(input, own);
      } else if (asked[0]) {
        const [task] = asked;
        tell(answer(task.step, task.city, insists && next(2) === 0 ? 'KEEP' : 'RELEASE'), null);
      } else break;
    }
    return { play, applications, granted };
  }

  test('there is one legal end, and without a clerk who insists at most one place, the best that was given', () => {
    fc.assert(
      fc.property(scenario, (one) => {
        const { play, granted } = run(one);
        const { wishes, outcome } = play.state;
        const places = wishes.filter(({ stage }) => stage === 'ACCEPTED' || stage === 'KEPT');
        const open = wishes.filter(({ stage }) => stage === 'OPEN');
        expect(
          wishes.filter(({ stage }) => stage === 'RELEASING'),
          'no release is left hanging',
        ).toEqual([]);
        expect(outcome, 'it ends where all have decided').toBe(
          open.length > 0 ? null : (['NO_PLACE', 'PLACE_ACCEPTED'][places.length] ?? 'DOUBLE_PLACE'),
        );
        const rankOf = ({ rank }: { rank: number | null }) => rank ?? 99;
        const best = Math.min(...places.map(rankOf));
        expect(
          open.filter((wish) => rankOf(wish) >= best),
          'a place leaves only better wishes open',
        ).toEqual([]);
        fc.pre(!one.insists);
        expect(places.map(rankOf), 'one place, the best that was given').toEqual(
          granted.size === 0 ? [] : [Math.min(...wishes.filter(({ application }) => granted.has(application)).map(rankOf))],
        );
        const released = new Set(play.commands.map(({ do: command }) => command.application));
        expect(
          places.filter(({ application }) => released.has(application)),
          'who has the place was never told to give it up',
        ).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  test('cities that decide at the same moment: the same place stays, in whatever order they are heard', () => {
    const wishes = fc
      .shuffledSubarray([1, 2, 3, 4, 5], { minLength: 2, maxLength: 4 })
      .map((ranks) => ranks.map((rank, at) => wish(`wish-${at}`, cities[at % cities.length] ?? cityA, rank)));
    const orders = wishes.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(orders, ([all, heard]) => {
        const play = joined(...all);
        for (const one of heard) play.tell(changed(one, 'GRANTED'), one);
        const asked = () => play.waiting().find(({ by }) => by === 'clerk');
        for (let task = asked(); task; task = asked()) {
          play.tell(answer(task.step, task.city, 'RELEASE'));
          const given = all.find(({ id }) => id === task?.application);
          if (given) play.tell(withdrawn(given), given);
        }
        expect(play.outcomes()).toEqual(['PLACE_ACCEPTED']);
        const best = all.toSorted((one, other) => Number(one.marks['wish-rank']) - Number(other.marks['wish-rank']))[0];
        expect(play.state.wishes.filter(({ stage }) => stage === 'ACCEPTED').map(({ application }) => application)).toEqual([best?.id]);
      }),
      { numRuns: 1000 },
    );
  });
});
