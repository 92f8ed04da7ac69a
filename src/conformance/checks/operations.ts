import { randomUUID } from 'node:crypto';
import type { CaseRef } from '#contract';
import { createMemo, type Bench, type Opened, type ReadOptions } from '../check.ts';

/** One call to an adapter that can be made under a fault, and whether it took effect. */
export interface Trial {
  run(how?: ReadOptions): Promise<unknown>;
  /** For a write: whether the back office has it, asked without a fault; null if nobody can tell. */
  landed(): Promise<boolean | null>;
}

/** One method of an adapter. */
export interface Operation {
  /** For example `cases.submit`. */
  readonly name: string;
  readonly writes: boolean;
  /** Its answer carries nothing that the adapter needs: an answer without content may be a success. */
  readonly answerless: boolean;
  /** Prepares a call of its own, without a fault. */
  arrange(): Promise<Trial>;
}

/** Reads a listing to its end. */
export async function drain<T>(pages: AsyncIterable<{ readonly items: readonly T[] }> | undefined): Promise<readonly T[]> {
  const all: T[] = [];
  if (pages) for await (const { items } of pages) all.push(...items);
  return all;
}

const nothing = async () => null;

/** Every method of the adapter that reaches its back office, as far as the samples let it be called. */
export async function arrangements(bench: Bench, opened: Opened): Promise<readonly Operation[]> {
  const { catalogue, cases, changes, events, rows } = opened.adapter;
  const read = (name: string, run: Trial['run'], answerless = false): Operation => ({
    name,
    writes: false,
    answerless,
    arrange: async () => ({ run, landed: nothing }),
  });

  const operations: Operation[] = [read('check', (how) => opened.read((adapter, call) => adapter.check(call), how), true)];
  if (catalogue) operations.push(read('catalogue.listOffers', (how) => opened.read((_, call) => drain(catalogue.listOffers(call)), how)));
  if (changes) operations.push(read('changes.pull', (how) => opened.read((_, call) => drain(changes.pull(null, call)), how)));
  const [row] = bench.samples.rows ?? [];
  if (rows && row) {
    const query = { field: row.field, rows: row.rows, args: row.args ?? {}, selection: row.selection ?? '' };
    operations.push(read('rows.load', (how) => opened.read((_, call) => rows.load(query, call), how)));
  }
  if (events && bench.event()) operations.push(eventOperation(bench, opened, events.receive.bind(events)));
  if (!cases || !bench.submission()) return operations;

  const known = randomUUID();
  const { ref } = await submit(bench, opened, known);
  operations.push(read('cases.loadCases', (how) => opened.read((_, call) => cases.loadCases([ref], call), how)));
  if (cases.findByKey)
    operations.push(
      read('cases.findByKey', (how) => opened.read((_, call) => cases.findByKey?.([known], call) ?? Promise.resolve([]), how)),
    );
  operations.push({
    name: 'cases.submit',
    writes: true,
    answerless: false,
    async arrange() {
      const key = randomUUID();
      const memo = createMemo();
      const application = bench.submission();
      return {
        run: (how) =>
          opened.write((_, call) => (application ? cases.submit(application, call) : Promise.reject(new Error('no sample'))), {
            ...how,
            key,
            memo,
          }),
        landed: () => hasCase(bench, opened, key),
      };
    },
  });
  if (cases.withdraw)
    operations.push({
      name: 'cases.withdraw',
      writes: true,
      answerless: true,
      async arrange() {
        const own = await submit(bench, opened, randomUUID());
        const key = randomUUID();
        const memo = createMemo();
        const before = await statusOf(opened, own.ref);
        return {
          run: (how) =>
            opened.write((_, call) => cases.withdraw?.(own.ref, 'Nicht mehr nötig', call) ?? Promise.resolve(), { ...how, key, memo }),
          landed: async () => {
            const after = await statusOf(opened, own.ref);
            return before === null || after === null ? null : before !== after;
          },
        };
      },
    });
  return operations;
}

const eventOperation = (bench: Bench, opened: Opened, receive: NonNullable<Opened['adapter']['events']>['receive']): Operation => ({
  name: 'events.receive',
  writes: true,
  answerless: true,
  async arrange() {
    const event = bench.event();
    const memo = createMemo();
    if (!event) throw new Error('the samples have no event');
    return {
      run: (how) => opened.write((_, call) => receive(event, call), { ...how, key: event.id, memo }),
      landed: async () => {
        const times = await bench.countEvents(event.id);
        return times === null ? null : times > 0;
      },
    };
  },
});

async function submit(bench: Bench, opened: Opened, key: string): Promise<{ readonly ref: CaseRef }> {
  const application = bench.submission();
  if (!application) throw new Error('the samples have no application');
  return opened.write(
    async ({ cases }, call) => {
      if (!cases) throw new Error('no cases');
      return cases.submit(application, call);
    },
    { key },
  );
}

/** As the samples count, or as the adapter finds it; null if neither can tell. */
async function hasCase(bench: Bench, opened: Opened, key: string): Promise<boolean | null> {
  const times = await bench.count(key);
  if (times !== null) return times > 0;
  return opened.read(async ({ cases }, call) => {
    if (!cases?.findByKey) return null;
    const [found] = await cases.findByKey([key], call);
    return found instanceof Error || found === undefined ? null : found !== null;
  });
}

async function statusOf(opened: Opened, ref: CaseRef): Promise<string | null> {
  const [found] = await opened.read(async ({ cases }, call) => cases?.loadCases([ref], call) ?? []);
  return found && !(found instanceof Error) ? found.nativeStatus : null;
}
