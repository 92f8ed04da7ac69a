import type { Seen } from './load.ts';

/** Something whose rate is measured. */
export interface Contender {
  readonly name: string;
  /** One round. */
  run(seconds: number): Promise<Seen>;
  /** CPU time its process has used so far, in microseconds. */
  cpu(): Promise<number>;
  /** Waits until it has finished what its round left behind, so that the next one has the machine. */
  settle?(): Promise<void>;
}

/** Medians over the rounds of one contender. */
export interface Measured {
  readonly name: string;
  readonly perSecond: number;
  /** Slowest and fastest round. */
  readonly range: readonly [number, number];
  readonly p50: number;
  readonly p99: number;
  /** CPU time of the contender's process for each request. */
  readonly cpuMicros: number;
  /** Rate and CPU time as multiples of the first contender's in the same round. */
  readonly ratio: number;
  readonly cpuRatio: number;
}

interface Round {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMicros: number;
}

/** How long and how often. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** All contenders at once instead of in turns, so that whatever else the machine does in a round is taken from all of them. @default false */
  readonly sideBySide?: boolean;
}

/** Median of some numbers; the mean of the two in the middle where they are even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2;
}

/**
 * Measures contenders in turns (A B C, A B C, …), after a warm-up of each: what else the machine does falls on all of them
 * alike, so their ratio is steadier than their rates.
 */
export async function measure(contenders: readonly Contender[], plan: Plan, say: (text: string) => void): Promise<readonly Measured[]> {
  const rounds = new Map<Contender, Round[]>();
  const turns = plan.sideBySide ? [contenders] : contenders.map((one) => [one]);
  const each = async (turn: readonly Contender[], work: (one: Contender) => Promise<void>) => {
    await Promise.all(turn.map(work));
    await Promise.all(turn.map(async (one) => one.settle?.()));
  };
  for (const turn of turns)
    await each(turn, async (contender) => {
      rounds.set(contender, []);
      await contender.run(plan.warmUpSeconds);
    });
  for (let round = 1; round <= plan.rounds; round += 1)
    for (const turn of turns)
      await each(turn, async (contender) => {
        const before = await contender.cpu();
        const { count, seconds, p50, p99 } = await contender.run(plan.seconds);
        const cpuMicros = ((await contender.cpu()) - before) / count;
        rounds.get(contender)?.push({ perSecond: count / seconds, p50, p99, cpuMicros });
        say(`  ${round}/${plan.rounds} ${contender.name}: ${Math.round(count / seconds)}/s, ${Math.round(cpuMicros)} µs CPU each`);
      });
  const base = rounds.get(contenders[0] as Contender) ?? [];
  return contenders.map((contender) => summary(contender.name, rounds.get(contender) ?? [], base));
}

function summary(name: string, rounds: readonly Round[], base: readonly Round[]): Measured {
  const of = (pick: (round: Round) => number) => median(rounds.map(pick));
  // Round by round: what slowed one round down slowed its neighbours down too.
  const beside = (pick: (round: Round) => number) => median(rounds.map((round, index) => pick(round) / pick(base[index] as Round)));
  const rates = rounds.map(({ perSecond }) => perSecond);
  return {
    name,
    perSecond: median(rates),
    range: [Math.min(...rates), Math.max(...rates)],
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    cpuMicros: of(({ cpuMicros }) => cpuMicros),
    ratio: beside(({ perSecond }) => perSecond),
    cpuRatio: beside(({ cpuMicros }) => cpuMicros),
  };
}
