import type { Language } from '#contract';
import type { EventLog } from '../infra/store/eventlog.ts';
import { rebuild, type Projection } from '../infra/store/projection.ts';
import type { Store } from '../infra/store/store.ts';

export interface RebuildOptions {
  /** Name of one; all if absent. */
  readonly projection?: string;
  /** Only compare. */
  readonly check?: boolean;
  readonly json?: boolean;
  readonly language: Language;
}

/** Events between two lines of progress. */
const TELL_EVERY = 10_000;

const texts = {
  DE: {
    unknown: (name: string, known: string) => `Eine Projektion „${name}“ gibt es nicht. Es gibt: ${known}.`,
    progress: (name: string, events: number) => `${name}: ${events} Ereignisse gelesen`,
    same: (name: string, events: number, rows: number) => `${name}: ${rows} Zeilen aus ${events} Ereignissen, keine weicht ab.`,
    differed: (name: string, events: number, rows: number, differing: number) =>
      `${name}: ${rows} Zeilen aus ${events} Ereignissen; ${differing} wichen ab und sind berichtigt.`,
    differs: (name: string, events: number, rows: number, differing: number) =>
      `${name}: ${rows} Zeilen aus ${events} Ereignissen; ${differing} weichen ab. Berichtigen: staedtebund rebuild ${name}`,
  },
  EN: {
    unknown: (name: string, known: string) => `There is no projection “${name}”. There are: ${known}.`,
    progress: (name: string, events: number) => `${name}: ${events} events read`,
    same: (name: string, events: number, rows: number) => `${name}: ${rows} rows from ${events} events, none differs.`,
    differed: (name: string, events: number, rows: number, differing: number) =>
      `${name}: ${rows} rows from ${events} events; ${differing} differed and are put right.`,
    differs: (name: string, events: number, rows: number, differing: number) =>
      `${name}: ${rows} rows from ${events} events; ${differing} differ. To put them right: staedtebund rebuild ${name}`,
  },
} as const;

/** Makes projections again from the event log. Resolves to the exit code: 0, 1 where `check` found a difference, 2 where there is no such projection. */
export async function runRebuild(
  { store, eventLog }: { readonly store: Store; readonly eventLog: EventLog },
  projections: readonly Projection[],
  { projection: name, check = false, json = false, language }: RebuildOptions,
  { out, note }: { readonly out: (line: string) => void; readonly note: (line: string) => void },
): Promise<number> {
  const say = texts[language];
  const chosen = name === undefined ? projections : projections.filter((one) => one.name === name);
  if (chosen.length === 0) {
    note(say.unknown(name ?? '', projections.map((one) => one.name).join(', ')));
    return 2;
  }
  let found = false;
  for (const projection of chosen) {
    let told = 0;
    const progress = (events: number) => {
      if (events - told < TELL_EVERY) return;
      told = events;
      note(say.progress(projection.name, events));
    };
    const { events, rows, differing } = await rebuild(store, eventLog, projection, { check, progress });
    found ||= differing > 0;
    if (json) out(JSON.stringify({ projection: projection.name, events, rows, differing, changed: !check }));
    else if (differing === 0) out(say.same(projection.name, events, rows));
    else out(say[check ? 'differs' : 'differed'](projection.name, events, rows, differing));
  }
  return check && found ? 1 : 0;
}
