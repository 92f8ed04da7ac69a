import { randomUUID } from 'node:crypto';
import { createKeyLock } from '../../cities/key-lock.ts';
import type { Receipt } from '#contract';
import { createMemo, fail, notApplicable, pass, unverified, type Bench, type Check, type Finding, type Opened } from '../check.ts';
import { beginTally, inWords, loadOne, noValid, settle, submit, uncounted } from './observe.ts';
import { readback } from './readback.ts';

const once: Check = {
  id: 'submit.once',
  level: 'MUST',
  title: 'A submission makes one case, and its receipt names it.',
  remedy: 'send one creating request per submission and take the case’s id from its answer',
  port: 'cases',
  async run(bench) {
    const application = bench.submission();
    if (!application) return noValid;
    const opened = await bench.open();
    const count = await beginTally(bench, opened);
    const key = randomUUID();
    const receipt = await submit(opened, application, { key });
    const wrong = wrongReceipt(receipt);
    if (wrong)
      return fail('a receipt with ref.id, taken and replayed: false', wrong, 'build the receipt from the answer of the back office');
    if (receipt.taken === 'now') {
      const loaded = await loadOne(opened, receipt.ref);
      if (loaded?.ref.id !== receipt.ref.id)
        return fail(
          'loadCases finds the case of the receipt',
          loaded ? 'a case with another id' : 'null',
          'give the receipt the id that loadCases asks for',
        );
    }
    const made = await count(key);
    if (made === null) return uncounted;
    return made === 1 ? pass : fail('one case', `${made} cases`, 'create exactly once per submission');
  },
};

function wrongReceipt({ ref, taken, replayed }: Receipt): string | null {
  if (typeof ref?.id !== 'string' || ref.id === '') return 'no ref.id';
  if (taken !== 'now' && taken !== 'queued') return `taken: ${String(taken)}`;
  if (replayed) return 'replayed: true for a new key';
  return null;
}

/** With `steps` a key is known by what the hub remembers; the others must do without. */
const rememberedSteps = ({ adapter }: Opened) => (adapter.cases?.traits.idempotency === 'steps' ? { memo: createMemo() } : {});

const replay: Check = {
  id: 'submit.replay-same-key',
  level: 'MUST',
  title: 'The same key again makes no second case and gets the first one’s receipt, replayed.',
  remedy: 'honour call.key: pass it to the back office, or look it up before creating',
  port: 'cases',
  async run(bench) {
    const application = bench.submission();
    if (!application) return noValid;
    const opened = await bench.open();
    if (opened.adapter.cases?.traits.idempotency === 'none')
      return notApplicable('idempotency is none: the hub never sends a key again that may have landed');
    const count = await beginTally(bench, opened);
    const key = randomUUID();
    const same = { key, ...rememberedSteps(opened) };
    const first = await submit(opened, application, same);
    const second = await submit(opened, application, same);
    if (second.ref.id !== first.ref.id)
      return fail('the same case for the same key', 'a receipt for another case', 'look the key up before creating, or send it along');
    if (!second.replayed) return fail('replayed: true the second time', 'replayed: false', 'say replayed where the key was known');
    const made = await count(key);
    if (made === null) return uncounted;
    return made === 1 ? pass : fail('one case of two submissions under one key', `${made} cases`, this.remedy);
  },
};

const AT_ONCE = 5;

const parallel: Check = {
  id: 'submit.parallel-same-key',
  level: 'MUST',
  title:
    'Submissions of one key at the same time make one case (with lookup and steps: one after the other, as the hub’s key lock sends them).',
  remedy: 'declare idempotency native only where the back office itself makes one case of one key; otherwise lookup',
  port: 'cases',
  async run(bench) {
    const application = bench.submission();
    if (!application) return noValid;
    const opened = await bench.open();
    const idempotency = opened.adapter.cases?.traits.idempotency;
    if (idempotency === 'none') return notApplicable('idempotency is none: the hub never sends a key again that may have landed');
    const count = await beginTally(bench, opened);
    const key = randomUUID();
    const same = { key, ...rememberedSteps(opened) };
    const lock = createKeyLock();
    const one = async () => {
      const release = idempotency === 'lookup' || idempotency === 'steps' ? await lock.acquire(key, AbortSignal.timeout(60_000)) : () => {};
      try {
        return await settle(submit(opened, application, same));
      } finally {
        release();
      }
    };
    const outcomes = await Promise.all(Array.from({ length: AT_ONCE }, one));
    const refused = outcomes.find(({ error }) => error && (error.kind === 'rejected' || error.kind === 'misconfigured'))?.error;
    if (refused)
      return fail('a receipt, or a retryable error', inWords(refused), 'a key that is being worked on is retryable with effect unknown');
    const ids = new Set(outcomes.flatMap(({ value }) => value?.ref.id ?? []));
    if (ids.size > 1) return fail('one case', `receipts for ${ids.size} cases`, this.remedy);
    const last = await submit(opened, application, same);
    if (ids.size === 1 && !ids.has(last.ref.id)) return fail('the same case afterwards', 'a receipt for another one', this.remedy);
    const made = await count(key);
    if (made === null) return uncounted;
    return made === 1 ? pass : fail(`one case of ${AT_ONCE} submissions at once`, `${made} cases`, this.remedy);
  },
};

const pointer = /^(\/([^~/]|~[01])*)*$/;

const rejected: Check = {
  id: 'submit.rejected-has-fields',
  level: 'MUST',
  title: 'What the back office refuses is rejected without effect, with the fields to correct.',
  remedy: 'map the refusal of the back office to AdapterError rejected with fields: JSON pointer into the application → text',
  port: 'cases',
  async run(bench) {
    if (bench.samples.refusesNothing === true) return takesEverything(bench);
    const application = bench.invalidSubmission();
    if (!application)
      return unverified(
        'samples.invalid has no application',
        'give an application under invalid that the back office really refuses, or say refusesNothing: true if there is none',
      );
    const opened = await bench.open();
    const key = randomUUID();
    const { value, error } = await settle(submit(opened, application, { key }));
    if (value)
      return fail(
        'AdapterError rejected',
        'a receipt: the back office accepted samples.invalid[0]',
        'give a sample that the back office really refuses, or validate in the adapter',
      );
    if (error.kind !== 'rejected' || error.effect !== 'none')
      return fail('AdapterError rejected, effect none', inWords(error), this.remedy);
    const names = Object.keys(error.fields ?? {});
    if (names.length === 0) return fail('fields that say what to correct', 'none', this.remedy);
    const odd = names.find((name) => !pointer.test(name));
    if (odd !== undefined)
      return fail('JSON pointers as names of fields', 'a name that is none', 'name fields as in the application: /formData/…');
    const empty = Object.values(error.fields ?? {}).some((text) => text.trim() === '');
    if (empty) return fail('a text a citizen can read for every field', 'an empty text', this.remedy);
    const made = await bench.count(key);
    return made === null || made === 0 ? pass : fail('no case', `${made} cases of a refused application`, this.remedy);
  },
};

/** Of a back office that is said to refuse nothing: what has not a single answer is taken, as any other application. */
async function takesEverything(bench: Bench): Promise<Finding> {
  const empty = bench.invalidSubmission() ?? bench.submission(0, { formData: {} });
  if (!empty) return noValid;
  const { error } = await settle(submit(await bench.open(), empty));
  return error
    ? fail(
        'a receipt: samples.refusesNothing says that everything is taken',
        inWords(error),
        'give the application that was refused under invalid, and take refusesNothing away',
      )
    : pass;
}

/** Submitting where nothing goes wrong on the way. */
export const submitChecks: readonly Check[] = [once, replay, parallel, rejected, readback];
