import type { CaseChange, CaseRef } from '#contract';
import { fail, pass, unverified, type Bench, type Check, type Finding, type Opened } from '../check.ts';
import { clock } from './clock.ts';
import { oddRecord } from './odd-record.ts';
import { awaitChange, loadOne, noValid, pullChanges, submit } from './observe.ts';

const CURSOR_LIMIT = 4096;

const noAdvance: Finding = unverified(
  'nothing moves a case on',
  'give samples.advance: how a case gets its next status in the back office, with the statuses it goes through',
);

/** Makes cases, and moves them where the samples say how. */
async function makeChanges(bench: Bench, opened: Opened, cases: number): Promise<readonly CaseRef[] | null> {
  const refs: CaseRef[] = [];
  for (let made = 0; made < cases; made++) {
    const application = bench.submission();
    if (!application) return null;
    const { ref } = await submit(opened, application);
    await bench.advance(ref);
    refs.push(ref);
  }
  return refs;
}

const restart: Check = {
  id: 'changes.restart-from-cursor',
  level: 'MUST',
  title: 'A pull that ended after any page goes on from that page’s cursor without a gap, in another process too.',
  remedy: 'put all that the next pull needs into the cursor, and never move it past what the page holds',
  port: 'changes',
  async run(bench) {
    const opened = await bench.open();
    const refs = await makeChanges(bench, opened, 4);
    if (!refs) return noValid;
    const last = refs.at(-1);
    if (last) await awaitChange(opened, null, ({ ref }) => ref.id === last.id);
    const whole = await pullChanges(opened, null);
    const lost = refs.find(({ id }) => !whole.changes.some(({ ref }) => ref.id === id));
    if (lost) return fail('a pull from the beginning tells of every case', 'one is missing', this.remedy);
    for (let stopAfter = 1; ; stopAfter++) {
      const { changes, cursor, ended } = await pullSome(opened, stopAfter);
      if (typeof cursor !== 'string' || Buffer.byteLength(cursor) > CURSOR_LIMIT)
        return fail(
          `a cursor of at most ${CURSOR_LIMIT} bytes with every page`,
          typeof cursor === 'string' ? 'a longer one' : 'none',
          this.remedy,
        );
      const next = await bench.open();
      const rest = await pullChanges(next, cursor);
      await next.stop();
      const seen = new Set([...changes, ...rest.changes].map(stateOf));
      let missing = whole.changes.filter((change) => !seen.has(stateOf(change))).length;
      if (missing > 0) {
        // What others have changed meanwhile is told as it is now: only what was there before and after must have been told.
        const still = new Set((await pullChanges(opened, null)).changes.map(stateOf));
        missing = whole.changes.filter((change) => still.has(stateOf(change)) && !seen.has(stateOf(change))).length;
      }
      if (missing > 0)
        return fail(
          `no gap after ${stopAfter} page${stopAfter > 1 ? 's' : ''}`,
          `${missing} of ${whole.changes.length} changes are missing`,
          this.remedy,
        );
      if (ended || stopAfter >= 5) break;
    }
    const fresh = bench.submission();
    if (!fresh) return noValid;
    const { ref } = await submit(opened, fresh);
    const { change } = await awaitChange(opened, whole.next, (one) => one.ref.id === ref.id);
    return change ? pass : fail('what changes after a pull is told by the next one', 'nothing', this.remedy);
  },
};

/** The first pages of a pull, as far as a process came. */
async function pullSome(opened: Opened, pages: number) {
  return opened.read(async (adapter, call) => {
    const changes: CaseChange[] = [];
    let cursor: string | null = null;
    let read = 0;
    for await (const page of adapter.changes!.pull(null, call)) {
      changes.push(...page.items);
      cursor = page.next;
      if (++read === pages) return { changes, cursor, ended: false };
    }
    return { changes, cursor, ended: true };
  });
}

const stateOf = ({ ref, version, nativeStatus }: CaseChange): string => JSON.stringify([ref.id, version, nativeStatus]);

const stable: Check = {
  id: 'changes.ids-stable',
  level: 'MUST',
  title: 'The same change has the same id whenever and by whichever process it is pulled.',
  remedy: 'make the id of the case and its version, never of the time or a random number',
  port: 'changes',
  async run(bench) {
    const opened = await bench.open();
    const refs = await makeChanges(bench, opened, 2);
    if (!refs) return noValid;
    await awaitChange(opened, null, ({ ref }) => ref.id === refs[1]?.id);
    const first = await pullChanges(opened, null);
    const other = await bench.open();
    const second = await pullChanges(other, null);
    const known = new Map(first.changes.map((change) => [stateOf(change), change.id]));
    const again = second.changes.filter((change) => known.has(stateOf(change)));
    if (again.length === 0)
      return fail('a second pull tells the same changes', 'other versions, or none', 'take version from the back office');
    const moved = again.filter((change) => known.get(stateOf(change)) !== change.id).length;
    return moved === 0 ? pass : fail('the same ids in a second pull', `${moved} of ${again.length} have another id`, this.remedy);
  },
};

const ordered: Check = {
  id: 'changes.duplicate-and-out-of-order',
  level: 'MUST',
  title: 'Every state of a case is a change of its own, told so that the newest can be known by its moment and version.',
  remedy: 'an id and a version that differ with every state; updatedAt never earlier than before; per-case order where it is declared',
  port: 'changes',
  async run(bench) {
    const application = bench.submission();
    if (!application) return noValid;
    const opened = await bench.open();
    const { next: from } = await pullChanges(opened, null);
    const { ref } = await submit(opened, application);
    const seen = new Map<string, CaseChange>();
    let before = (await awaitChange(opened, from, (one) => one.ref.id === ref.id)).changes;
    for (let step = 0; step < 2; step++) {
      const known = (await loadOne(opened, ref))?.nativeStatus;
      if (!(await bench.advance(ref))) return noAdvance;
      const loaded = await loadOne(opened, ref);
      if (loaded?.nativeStatus === known)
        return unverified('advance left the status as it was', 'let samples.advance move a case to another status');
      const { change, changes } = await awaitChange(
        opened,
        from,
        (one) => one.ref.id === ref.id && one.nativeStatus === loaded?.nativeStatus,
      );
      if (!change) return fail('the new status is told', 'no change with it', this.remedy);
      for (const one of [...before, ...changes].filter((each) => each.ref.id === ref.id)) {
        const twin = seen.get(one.id);
        if (twin && twin.nativeStatus !== one.nativeStatus)
          return fail('another id for another state', 'the same id with two statuses: the second would be dropped as known', this.remedy);
        seen.set(one.id, one);
      }
      before = changes;
      const found = inOrder(
        changes.filter((one) => one.ref.id === ref.id),
        opened.adapter.changes?.traits.ordering === 'per-case',
      );
      if (found) return found;
      const older = [...seen.values()].find((one) => one.updatedAt > change.updatedAt);
      if (older) return fail('a later change has no earlier moment', 'its updatedAt is before that of a former state', this.remedy);
      const same = [...seen.values()].find((one) => one.id !== change.id && one.version === change.version);
      if (same) return fail('another version for another state', 'the same version as before', this.remedy);
    }
    return pass;
  },
};

function inOrder(changes: readonly CaseChange[], declared: boolean): Finding | null {
  if (!declared) return null;
  const wrong = changes.some((change, index) => change.updatedAt < (changes[index - 1]?.updatedAt ?? change.updatedAt));
  return wrong
    ? fail('changes of one case in their order', 'an older one after a newer one', 'sort by moment, or declare ordering: none')
    : null;
}

const mapped: Check = {
  id: 'changes.all-statuses-mapped',
  level: 'MUST',
  title: 'Every status that a case goes through is translated by the city’s statusMap.',
  remedy: 'add the status to statusMap in the city’s file',
  port: 'changes',
  async run(bench) {
    const application = bench.submission();
    if (!application) return noValid;
    const opened = await bench.open();
    const { next: from } = await pullChanges(opened, null);
    const { ref } = await submit(opened, application);
    const statuses = bench.samples.advance?.statuses ?? [];
    for (const status of [null, ...statuses]) {
      if (status !== null) await bench.advance(ref, status);
      const loaded = await loadOne(opened, ref);
      const { changes } = await awaitChange(opened, from, (one) => one.ref.id === ref.id && one.nativeStatus === loaded?.nativeStatus);
      const told = changes.filter((one) => one.ref.id === ref.id).map(({ nativeStatus }) => nativeStatus);
      const unknown = [loaded?.nativeStatus, ...told].find((one) => one !== undefined && !bench.mappedStatuses.has(one));
      if (unknown !== undefined) return fail('a status of the city’s statusMap', `“${unknown}”, which it does not translate`, this.remedy);
    }
    return statuses.length > 0 ? pass : noAdvance;
  },
};

/** What the back office tells by itself. */
export const changesChecks: readonly Check[] = [restart, stable, ordered, mapped, clock, oddRecord];
