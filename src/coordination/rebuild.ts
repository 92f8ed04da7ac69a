import type { Store } from '../infra/store/store.ts';
import type { CaseKind } from './kind.ts';
import { project, type CaseRows } from './project.ts';
import { dropCases, readCaseEvents, saveCase } from './records.ts';

const BATCH = 1000;

/**
 * Drops all cases and makes them again from the log, to the same bytes, in one transaction. Cases of a kind that this version
 * does not know are left out. @returns how many there are
 */
export async function rebuildCases(
  store: Store,
  findKind: (id: string) => CaseKind | null,
  progress: (events: number) => void = () => {},
): Promise<number> {
  return store.transaction(async (tx) => {
    await dropCases(tx);
    const cases = new Map<string, CaseRows>();
    let read = 0;
    for (let last = 0; ;) {
      const events = await readCaseEvents(tx, last, BATCH);
      for (const event of events) {
        const before = cases.get(event.id) ?? null;
        const kind = findKind(before?.file.kind ?? String(event.facts['kind']));
        // The first event of a case says what it is; without it there is nothing to go on.
        if (kind && (before || event.type === 'case.opened')) cases.set(event.id, project(kind, event.id, before, event));
      }
      read += events.length;
      progress(read);
      last = events.at(-1)?.seq ?? last;
      if (events.length < BATCH) break;
    }
    for (const rows of cases.values()) await saveCase(tx, null, rows);
    return cases.size;
  });
}
