import { randomUUID } from 'node:crypto';
import { AdapterError, type Batch, type CaseRef, type CaseSnapshot } from '#contract';
import { fail, notApplicable, pass, unverified, type Check, type Finding, type Opened } from '../check.ts';
import { inWords, loadOne, noValid, settle, submit } from './observe.ts';

const loadCases = (opened: Opened, refs: readonly CaseRef[]): Promise<Batch<CaseSnapshot>> =>
  opened.read((adapter, call) => adapter.cases!.loadCases(refs, call));

/** What an element of a batch is, in a word. */
const shown = (element: CaseSnapshot | CaseRef | null | AdapterError | undefined): string => {
  if (element === undefined) return 'nothing';
  if (element === null) return 'null';
  if (element instanceof AdapterError) return inWords(element);
  return 'a case';
};

const withdrawTwice: Check = {
  id: 'withdraw.idempotent',
  level: 'MUST',
  title: 'A withdrawal shows in the case; withdrawing again changes nothing and does not fail.',
  remedy: 'look at the case before, or take “already withdrawn” for success',
  port: 'cases',
  async run(bench) {
    const application = bench.submission();
    if (!application) return noValid;
    const opened = await bench.open();
    if (!opened.adapter.cases?.withdraw) return notApplicable('it cannot withdraw');
    const { ref, taken } = await submit(opened, application);
    const untouched = await loadOne(opened, ref);
    const withdraw = (own: CaseRef, key = randomUUID()) =>
      settle(opened.write((adapter, call) => adapter.cases!.withdraw!(own, 'Umzug', call), { key }));
    const key = randomUUID();
    const first = await withdraw(ref, key);
    if (first.error) return fail('the case is withdrawn', inWords(first.error), this.remedy);
    const before = await loadOne(opened, ref);
    // What is queued shows when the back office comes to it.
    const isLater = taken === 'queued' || opened.adapter.cases.traits.withdrawals === 'queued';
    const unconfirmed = isLater ? null : untold(untouched, before, bench.withdrawnStatuses);
    if (unconfirmed) return unconfirmed;
    for (const again of [key, randomUUID()]) {
      const { error } = await withdraw(ref, again);
      if (error) return fail('withdrawing again succeeds', inWords(error), this.remedy);
    }
    const after = await loadOne(opened, ref);
    if (before?.nativeStatus !== after?.nativeStatus || before?.version !== after?.version) {
      bench.noteDoubt();
      return fail('the second withdrawal changes nothing', 'the case has another status or version', this.remedy);
    }
    if (bench.samples.unknownCase === undefined) return pass;
    const { error } = await withdraw({ id: bench.samples.unknownCase });
    return error?.kind === 'rejected' && error.effect === 'none'
      ? pass
      : fail(
          'AdapterError rejected, effect none, for an unknown case',
          error ? inWords(error) : 'success',
          'reject what the back office does not have',
        );
  },
};

/** A withdrawal that the back office took without saying so in the case: some answer 200 for a status they do not know. */
function untold(before: CaseSnapshot | null, after: CaseSnapshot | null, withdrawn: ReadonlySet<string>): Finding | null {
  // A case that is deleted is withdrawn as well.
  if (!after) return null;
  const remedy = 'read the case back after withdrawing, and throw misconfigured with effect done if its status is not the one you set';
  if (withdrawn.size > 0 && !withdrawn.has(after.nativeStatus))
    return fail(
      `a status that statusMap translates to withdrawn: ${[...withdrawn].join(', ')}`,
      `success, and the status “${after.nativeStatus}”`,
      remedy,
    );
  return before?.nativeStatus === after.nativeStatus && before.version === after.version
    ? fail('a case that is another one after the withdrawal', 'success, and the same status and version as before', remedy)
    : null;
}

const order: Check = {
  id: 'cases.batch-order-and-nulls',
  level: 'MUST',
  title: 'A batch has the length and order of what was asked, null if there is none.',
  remedy: 'map the answer back onto the ids that were asked for; what is missing is null',
  port: 'cases',
  async run(bench) {
    const [first, second] = [bench.submission(), bench.submission()];
    if (!first || !second) return noValid;
    const { unknownCase } = bench.samples;
    if (unknownCase === undefined)
      return unverified('samples.unknownCase is missing', 'give the id of a case that the back office does not have');
    const opened = await bench.open();
    const keys = [randomUUID(), randomUUID()] as const;
    const { ref: a } = await submit(opened, first, { key: keys[0] });
    const { ref: b } = await submit(opened, second, { key: keys[1] });
    const wanted = [b, { id: unknownCase }, a, b].slice(0, Math.max(1, opened.adapter.cases?.traits.maxBatch ?? 1));
    const loaded = await loadCases(opened, wanted);
    const said = misplaced(wanted, loaded, unknownCase);
    if (said) return fail(`${wanted.length} elements in the order asked, null for the unknown case`, said, this.remedy);
    if (opened.adapter.cases?.traits.idempotency !== 'lookup') return pass;
    if (!opened.adapter.cases.findByKey)
      return fail('findByKey, where idempotency is lookup', 'none', 'implement findByKey or declare another idempotency');
    const found = await opened.read((adapter, call) => adapter.cases!.findByKey!([keys[1], randomUUID(), keys[0]], call));
    const ids = found.map((element) => (element instanceof Error || element === null ? null : element.id));
    return found.length === 3 && ids[0] === b.id && found[1] === null && ids[2] === a.id
      ? pass
      : fail('findByKey: the cases in the order of the keys, null for an unknown key', found.map(shown).join(', '), this.remedy);
  },
};

function misplaced(wanted: readonly CaseRef[], loaded: Batch<CaseSnapshot>, unknown: string): string | null {
  if (loaded.length !== wanted.length) return `${loaded.length} elements`;
  const wrong = wanted.findIndex(({ id }, index) => {
    const element = loaded[index];
    if (id === unknown) return element !== null;
    return element === null || element instanceof AdapterError || element?.ref.id !== id;
  });
  return wrong < 0
    ? null
    : `${shown(loaded[wrong])} at place ${wrong}, which asked for ${wanted[wrong]?.id === unknown ? 'the unknown case' : 'another one'}`;
}

/** Ids that no back office gives, each with something that a path, a query, a statement or a filter could trip over. */
const oddIds = ['../cases', 'a/b?c=d&e#f', '%', "';--", '*', '0', 'ä ö', 'x'.repeat(2_000), ''];

const isolated: Check = {
  id: 'cases.partial-batch-isolated',
  level: 'MUST',
  title: 'One id that cannot be read does not take the other cases of its batch with it.',
  remedy: 'null or an AdapterError in its place; escape ids, and leave out what cannot be an id before asking',
  port: 'cases',
  async run(bench) {
    const application = bench.submission();
    if (!application) return noValid;
    const opened = await bench.open();
    const { ref } = await submit(opened, application);
    const alone = (opened.adapter.cases?.traits.maxBatch ?? 1) < 2;
    for (const id of oddIds) {
      const { value, error } = await settle(loadCases(opened, alone ? [{ id }] : [{ id }, ref]));
      const name = id.length > 20 ? `${id.length} letters` : `“${id}”`;
      if (error && !alone) return fail(`the case beside the id ${name} is loaded`, `the whole batch fails: ${inWords(error)}`, this.remedy);
      if (!value) continue;
      const [odd, beside] = value;
      if (!alone && (beside === null || beside === undefined || beside instanceof AdapterError || beside.ref.id !== ref.id))
        return fail(`the case beside the id ${name} is loaded`, shown(beside), this.remedy);
      if (odd !== null && !(odd instanceof AdapterError))
        return fail(`null or an AdapterError for the id ${name}`, shown(odd), this.remedy);
    }
    return pass;
  },
};

/** A larger batch than this says nothing more. */
const MOST = 1_000;

const maxBatch: Check = {
  id: 'cases.max-batch-respected',
  level: 'MUST',
  title: 'A batch as large as traits.maxBatch says is answered in full.',
  remedy: 'set maxBatch to what one question to the back office can hold, or split inside the adapter',
  port: 'cases',
  async run(bench) {
    const [first, second] = [bench.submission(), bench.submission()];
    if (!first || !second) return noValid;
    const opened = await bench.open();
    const most = opened.adapter.cases?.traits.maxBatch ?? 0;
    if (!Number.isInteger(most) || most < 1) return fail('a whole number of at least 1', `traits.maxBatch: ${most}`, this.remedy);
    const [a, b] = [(await submit(opened, first)).ref, (await submit(opened, second)).ref];
    const { unknownCase } = bench.samples;
    if (unknownCase === undefined)
      return unverified('samples.unknownCase is missing', 'give the id of a case that the back office does not have');
    const fill = Array.from({ length: Math.min(most, MOST) - 2 }, (_, index) => ({ id: variant(unknownCase, index) }));
    const wanted = most === 1 ? [a] : [a, ...fill, b];
    const { value, error } = await settle(loadCases(opened, wanted));
    if (error) return fail(`a batch of ${wanted.length}`, inWords(error), this.remedy);
    const ends = [value[0], value.at(-1)].map((element) =>
      element && !(element instanceof AdapterError) ? element.ref.id : shown(element),
    );
    const right = value.length === wanted.length && ends[0] === a.id && ends[1] === (most === 1 ? a.id : b.id);
    return right
      ? pass
      : fail(
          `${wanted.length} elements, the first and the last as asked`,
          `${value.length} elements, ${value.length > 0 ? 'others' : 'none'} there`,
          this.remedy,
        );
  },
};

/** Another id of the same shape: its last digits or letters changed, its length kept. */
function variant(id: string, index: number): string {
  const number = String(index);
  return number.length >= id.length ? id : id.slice(0, id.length - number.length) + number;
}

/** Cases as they are read, and withdrawn. */
export const casesChecks: readonly Check[] = [withdrawTwice, order, isolated, maxBatch];
