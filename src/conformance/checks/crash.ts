import { randomUUID } from 'node:crypto';
import type { Json, Submission } from '#contract';
import {
  createMemo,
  fail,
  notApplicable,
  pass,
  unverified,
  type Bench,
  type Check,
  type Finding,
  type Memo,
  type Opened,
} from '../check.ts';
import type { Fault } from '../faults.ts';
import { beginTally, inWords, noValid, settle, submit, targets, uncounted, type Tally } from './observe.ts';

/** Faults are aimed at no more exchanges of one submission than this. */
const MOST_TARGETS = 6;

/** The process dies: what ran in it does not go on. */
class Died extends Error {}

interface Attempt {
  readonly application: Submission;
  readonly key: string;
  readonly memo: Memo;
  readonly count: Tally;
}

async function newAttempt(bench: Bench, opened: Opened): Promise<Attempt | null> {
  const application = bench.submission();
  return application && { application, key: randomUUID(), memo: createMemo(), count: await beginTally(bench, opened) };
}

/** The hub's way to go on: look the key up where that is how it is done, then submit again with what was remembered. */
async function goOn(opened: Opened, { application, key, memo, count }: Attempt, when: string): Promise<Finding> {
  const { cases } = opened.adapter;
  const known = cases?.traits.idempotency === 'lookup' ? await findKey(opened, key) : null;
  const { value, error } = await settle(submit(opened, application, { key, memo, attempt: 2 }));
  if (error) return fail(`the same submission succeeds ${when}`, inWords(error), 'a retry under the same key and memo must come to an end');
  if (known !== null && known !== value.ref.id)
    return fail(`findByKey and submit name the same case ${when}`, 'two cases', 'look the key up before creating');
  if ((value.undone ?? []).length > 0)
    return fail(
      `every document arrives ${when}`,
      `${value.undone?.length} undone`,
      'go on with the documents that are not recorded as arrived',
    );
  const made = await count(key, opened);
  if (made === null) return uncounted;
  return made === 1
    ? pass
    : fail(`one case ${when}`, `${made} cases`, 'look the key up or send it along, and put each request of its own into call.step');
}

async function findKey(opened: Opened, key: string): Promise<string | null> {
  const [found] = await opened.read(async (adapter, call) => (await adapter.cases?.findByKey?.([key], call)) ?? [null]);
  return found && !(found instanceof Error) ? found.id : null;
}

/** Submits once where all is well, to learn at what a fault can be aimed and which steps there are. */
async function rehearse(bench: Bench, opened: Opened) {
  const application = bench.submission();
  if (!application) return null;
  await opened.fault(null);
  const memo = createMemo();
  await submit(opened, application, { memo });
  return { ...targets(opened), steps: memo.steps.size };
}

const lostReply: Check = {
  id: 'submit.lost-reply-then-retry',
  level: 'MUST',
  title: 'After a lost reply the error says honestly whether a case may be there, and the retry makes no second one.',
  remedy: 'effect unknown where a reply to a write is missing; look the key up or send it along in the retry',
  port: 'cases',
  async run(bench) {
    const opened = await bench.open();
    const rehearsed = await rehearse(bench, opened);
    if (!rehearsed) return noValid;
    for (let from = 1; from <= Math.min(rehearsed.count, MOST_TARGETS); from++) {
      const attempt = await newAttempt(bench, opened);
      if (!attempt) return noValid;
      await opened.fault({ name: 'lost-reply', from, times: 1, writesOnly: rehearsed.writesOnly });
      const { application, key, memo, count } = attempt;
      const { error } = await settle(submit(opened, application, { key, memo }));
      await opened.fault(null);
      const when = `after the reply to request ${from} was lost`;
      if (error?.effect === 'none') {
        const made = await count(key);
        if (made !== null && made > 0) return fail(`effect unknown ${when}`, `${inWords(error)}, and the case is there`, this.remedy);
      }
      // Where nobody can tell, the hub parks it: there is no retry.
      if (opened.adapter.cases?.traits.idempotency === 'none' && error?.effect !== 'none') continue;
      const found = await goOn(opened, attempt, when);
      if (found.status !== 'pass') return found;
    }
    return pass;
  },
};

const crash: Check = {
  id: 'submit.crash-between-steps',
  level: 'MUST',
  title: 'A process that dies after any step or request of a submission leaves one case behind once another has gone on.',
  remedy: 'keep nothing in memory that a retry needs: each request that is not repeatable is a call.step',
  port: 'cases',
  async run(bench) {
    const first = await bench.open();
    if (first.adapter.cases?.traits.idempotency === 'none')
      return notApplicable('idempotency is none: what may have landed is parked for a person');
    const rehearsed = await rehearse(bench, first);
    await first.stop();
    if (!rehearsed) return noValid;
    const deaths: Death[] = [
      ...upTo(rehearsed.steps).map((step) => ({ step, when: `after a crash behind step ${step}` })),
      ...upTo(rehearsed.count).flatMap((from) =>
        (['reset', 'lost-reply'] as const).map((name) => ({
          fault: { name, from, times: 1, writesOnly: rehearsed.writesOnly },
          when: `after a crash ${name === 'reset' ? 'before' : 'behind'} request ${from}`,
        })),
      ),
    ];
    for (const death of deaths) {
      const found = await dieAndGoOn(bench, death);
      if (found.status !== 'pass') return found;
    }
    return pass;
  },
};

interface Death {
  readonly step?: number;
  readonly fault?: Fault;
  readonly when: string;
}

const upTo = (count: number): number[] => Array.from({ length: Math.min(count, MOST_TARGETS) }, (_, index) => index + 1);

/** One process submits and dies, another one has only what was recorded. */
async function dieAndGoOn(bench: Bench, { step, fault, when }: Death): Promise<Finding> {
  const dying = await bench.open();
  const attempt = await newAttempt(bench, dying);
  if (!attempt) return noValid;
  const { application, key, memo } = attempt;
  let recorded = 0;
  memo.onStep = () => {
    if (++recorded === step) throw new Died();
  };
  await dying.fault(fault ?? null);
  // What died remembers nothing but its recorded steps, whatever it made of the end.
  await submit(dying, application, { key, memo }).catch(() => {});
  await dying.stop();
  const kept = { steps: new Map<string, Json>(memo.steps) };
  const next = await bench.open();
  const found = await goOn(next, { ...attempt, memo: kept }, when);
  await next.stop();
  return found;
}

const partial: Check = {
  id: 'submit.partial-documents-reported',
  level: 'MUST',
  title: 'A document that did not arrive is named in the receipt, or fails the submission so that a retry brings it.',
  remedy: 'name it in Receipt.undone, or throw with effect unknown and put each upload into a call.step',
  port: 'cases',
  async run(bench) {
    const opened = await bench.open();
    if (!opened.adapter.cases?.traits.attachments) return notApplicable('it takes no attachments');
    const index = bench.samples.valid.findIndex(({ attachments }) => (attachments ?? []).length > 0);
    if (index < 0)
      return unverified('no application of samples.valid has attachments', 'give one application attachments that the back office takes');
    await opened.fault(null);
    const clean = await submit(opened, bench.submission(index)!);
    if ((clean.undone ?? []).length > 0)
      return fail('every document arrives where nothing goes wrong', `${clean.undone?.length} undone`, this.remedy);
    const { count, writesOnly } = targets(opened);
    if (count < 2) return notApplicable('documents travel in the same request as the application');
    for (let from = 2; from <= Math.min(count, MOST_TARGETS); from++) {
      const [application, key, memo] = [bench.submission(index)!, randomUUID(), createMemo()];
      await opened.fault({ name: 'reset', from, times: 1, writesOnly });
      const { value, error } = await settle(submit(opened, application, { key, memo }));
      const retried = wasRetried(opened);
      await opened.fault(null);
      const when = `where request ${from} did not get through`;
      if (value && (value.undone ?? []).length === 0 && !retried)
        return fail(`an undone document or an error ${when}`, 'a receipt as if all had arrived', this.remedy);
      if (!error) continue;
      const again = await settle(submit(opened, application, { key, memo, attempt: 2 }));
      if (again.error) return fail(`the retry succeeds ${when}`, inWords(again.error), this.remedy);
      if ((again.value.undone ?? []).length > 0) return fail(`the retry brings every document ${when}`, 'some undone', this.remedy);
    }
    return pass;
  },
};

/** Whether the adapter itself sent again what a fault had hit, and it arrived. */
function wasRetried(opened: Opened): boolean {
  const exchanges = opened.exchanges();
  const hit = exchanges.findIndex(({ fault }) => fault !== null);
  const lost = exchanges[hit];
  if (!lost) return true;
  return exchanges.slice(hit + 1).some(({ method, path, reached }) => reached && method === lost.method && path === lost.path);
}

/** Submitting where something goes wrong on the way. */
export const crashChecks: readonly Check[] = [lostReply, crash, partial];
