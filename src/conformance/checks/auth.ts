import { AdapterError, type Batch } from '#contract';
import { collect, fail, notApplicable, pass, unverified, type Check, type Opened } from '../check.ts';
import { inWords, settle, submit } from './observe.ts';

/** A question that has an answer for whoever may ask, and whether an answer says that there is nothing. */
interface Question {
  readonly name: string;
  readonly ask: (opened: Opened) => Promise<readonly unknown[]>;
}

const found = <T>(batch: Batch<T>): readonly unknown[] =>
  batch.filter((element) => {
    if (element instanceof AdapterError) throw element;
    return element !== null;
  });

const notEmpty: Check = {
  id: 'auth.not-empty-list',
  level: 'MUST',
  title: 'With wrong credentials nothing is said to be gone or empty: every question fails as misconfigured.',
  remedy: 'where the back office answers strangers with an empty list, prove the identity before an empty answer is believed',
  async run(bench) {
    if (bench.secrets.length === 0) return notApplicable('the config has no secrets');
    const right = await bench.open();
    const questions: Question[] = [];
    const { cases, changes, catalogue } = right.adapter;
    const application = cases ? bench.submission() : null;
    if (application) {
      const key = crypto.randomUUID();
      const { ref } = await submit(right, application, { key });
      const read = (name: string, ask: Question['ask']) => questions.push({ name, ask });
      read('loadCases', async (opened) => found(await opened.read((adapter, call) => adapter.cases!.loadCases([ref], call))));
      if (cases?.findByKey)
        read('findByKey', async (opened) => found(await opened.read((adapter, call) => adapter.cases!.findByKey!([key], call))));
    }
    if (changes)
      questions.push({ name: 'pull', ask: (opened) => opened.read((adapter, call) => collect(adapter.changes!.pull(null, call))) });
    if (catalogue)
      questions.push({ name: 'listOffers', ask: (opened) => opened.read((adapter, call) => collect(adapter.catalogue!.listOffers(call))) });
    let asked = 0;
    const wrong = await bench.open({ wrongSecrets: true, start: false });
    await wrong.read((adapter, call) => adapter.start(call)).catch(() => {});
    for (const { name, ask } of questions) {
      const known = await settle(ask(right));
      if (known.error || known.value.length === 0) continue;
      asked++;
      const { value, error } = await settle(ask(wrong));
      if (error && error.kind !== 'misconfigured') return fail(`${name}: AdapterError misconfigured`, inWords(error), this.remedy);
      if (value && value.length < known.value.length)
        return fail(`${name}: AdapterError misconfigured`, value.length === 0 ? 'nothing, as if there were none' : 'a part', this.remedy);
    }
    if (asked > 0 || questions.length === 0) return asked > 0 ? pass : notApplicable('it has nothing to ask');
    return unverified(
      'there is nothing that right credentials would show',
      'give an application under samples.valid that the back office takes',
    );
  },
};

/** Who asks. */
export const authChecks: readonly Check[] = [notEmpty];
