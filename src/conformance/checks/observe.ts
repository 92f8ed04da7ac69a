import { AdapterError, type Adapter, type CaseChange, type CaseRef, type Receipt, type Submission, type WriteCall } from '#contract';
import { collect, unverified, type Bench, type Finding, type Opened, type WriteOptions } from '../check.ts';

/** How a call ended, where it ended as the contract allows; anything else an adapter throws is thrown on. */
export type Outcome<T> = { readonly value: T; readonly error?: never } | { readonly value?: never; readonly error: AdapterError };

/** @throws what is no AdapterError: the runner makes a failure of it */
export async function settle<T>(work: Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work };
  } catch (error) {
    if (error instanceof AdapterError) return { error };
    throw error;
  }
}

/** An error in the words of a report: its kind and effect, never its message. */
export const inWords = (error: AdapterError): string => `AdapterError ${error.kind}, effect ${error.effect}`;

export const submitWith =
  (application: Submission) =>
  (adapter: Adapter, call: WriteCall): Promise<Receipt> => {
    if (!adapter.cases) throw new AdapterError('unsupported', 'none', 'the adapter has no cases');
    return adapter.cases.submit(application, call);
  };

export const submit = (opened: Opened, application: Submission, options: WriteOptions = {}): Promise<Receipt> =>
  opened.write(submitWith(application), options);

export const noValid: Finding = unverified(
  'samples.valid has no application',
  'give an application under valid that the back office takes',
);

/** How many cases a key made; null if nothing can tell. Asks through another adapter where the first one is stopped. */
export type Tally = (key: string, through?: Opened) => Promise<number | null>;

/** How long a case may take to be seen, in milliseconds. */
const VISIBLE_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 100;

/**
 * Begins to count: asks the back office where the samples say how. Otherwise it looks which cases turn up in the changes, or how
 * many more there are at all; there the cases of others count too, and are told apart as far as that goes. One tally counts one key.
 */
export async function beginTally(bench: Bench, opened: Opened): Promise<Tally> {
  if (bench.samples.count) return (key) => untilOne(async () => bench.count(key));
  const total = await bench.total();
  if (total !== null) return () => undisturbed(bench, async () => ((await bench.total()) ?? total) - total);
  if (!opened.adapter.changes) return async () => null;
  const { ids: before, next } = await pull(opened, null);
  return (_, through = opened) => undisturbed(bench, async () => (await pull(through, next)).ids.difference(before).size);
}

/** How long others are watched for, in milliseconds. */
const WATCHED_MS = 2_000;

/** True if what is seen of the back office changes although nobody here does anything: then others work in it. */
export async function changesByItself(look: () => Promise<unknown>): Promise<boolean> {
  const before = await look();
  await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
  return (await look()) !== before;
}

/**
 * A count in which cases of others may be. More than one is doubted: null where there come still more by themselves, and where not, the
 * check is run again, for one case that somebody else made meanwhile does not come each time.
 */
async function undisturbed(bench: Bench, look: () => Promise<number>): Promise<number | null> {
  const counted = await untilOne(look);
  if (counted === null || counted <= 1) return counted;
  bench.noteDoubt();
  return (await changesByItself(look)) ? null : counted;
}

/** Waits a while for the first case. */
async function untilOne(count: () => Promise<number | null>): Promise<number | null> {
  const until = performance.now() + VISIBLE_WITHIN_MS;
  for (;;) {
    const counted = await count();
    if (counted !== 0 || performance.now() > until) return counted;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function pull(opened: Opened, from: string | null): Promise<{ ids: Set<string>; next: string | null }> {
  return opened.read(async (adapter, call) => {
    const ids = new Set<string>();
    let next = from;
    for await (const page of adapter.changes!.pull(from, call)) {
      for (const { ref } of page.items) ids.add(ref.id);
      ({ next } = page);
    }
    return { ids, next };
  });
}

/** Every change from a cursor on, and where to go on. */
export async function pullChanges(opened: Opened, from: string | null) {
  return opened.read(async (adapter, call) => {
    let next = from;
    const pages = (async function* () {
      for await (const page of adapter.changes!.pull(from, call)) {
        ({ next } = page);
        yield page;
      }
    })();
    return { changes: await collect(pages), next };
  });
}

/** Pulls until a change that fits turns up, or for a while; null if none does. */
export async function awaitChange(
  opened: Opened,
  from: string | null,
  fits: (change: CaseChange) => boolean,
): Promise<{ readonly change: CaseChange | null; readonly changes: readonly CaseChange[] }> {
  const until = performance.now() + VISIBLE_WITHIN_MS;
  for (;;) {
    const { changes } = await pullChanges(opened, from);
    const change = changes.findLast(fits) ?? null;
    if (change || performance.now() > until) return { change, changes };
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** One case as the back office has it now; null if it has none. @throws AdapterError if it could not be read */
export async function loadOne(opened: Opened, ref: CaseRef) {
  const [found] = await opened.read((adapter, call) => adapter.cases!.loadCases([ref], call));
  if (found instanceof AdapterError) throw found;
  return found ?? null;
}

/** Where only the count is missing. */
export const uncounted: Finding = unverified(
  'nothing tells how many cases a key made, or others make cases meanwhile',
  'give samples.count: how to ask the back office for the number of cases with {key}',
);

/** The exchanges of a clean call that a fault can be aimed at: writes over HTTP, everything of another protocol. */
export function targets(opened: Opened): { readonly count: number; readonly writesOnly: boolean; readonly http: boolean } {
  const exchanges = opened.exchanges();
  const http = exchanges.some(({ method }) => method !== null);
  const hit = http ? exchanges.filter(({ method }) => method !== 'GET' && method !== 'HEAD') : exchanges;
  return { count: hit.length, writesOnly: http, http };
}
