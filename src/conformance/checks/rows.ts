import { isDeepStrictEqual } from 'node:util';
import { AdapterError, type Batch, type Row, type RowQuery } from '#contract';
import { fail, pass, unverified, type Check, type Opened } from '../check.ts';
import { inWords } from './observe.ts';

/** An ARS of no municipality. */
const NOBODY = '999999999999';

const load = (opened: Opened, query: RowQuery): Promise<Batch<Row>> => opened.read((adapter, call) => adapter.rows!.load(query, call));

/** What is wrong with an answer, in a sentence; null if nothing is. */
function wrong(rows: readonly string[], answer: Batch<Row>): string | null {
  if (answer.length !== rows.length) return `${answer.length} elements for ${rows.length} rows`;
  const at = answer.findIndex((row, index) => row !== null && !(row instanceof AdapterError) && row.ars !== rows[index]);
  return at < 0 ? null : `place ${at} is about another municipality than was asked`;
}

const order: Check = {
  id: 'rows.order-and-ownership',
  level: 'MUST',
  title: 'Rows are answered in the order asked, each about its own municipality, null if there is none.',
  remedy: 'map the answer back onto query.rows and put null if the back office has no row; answer nothing about others',
  port: 'rows',
  async run(bench) {
    const queries = bench.samples.rows ?? [];
    if (queries.length === 0) return unverified('samples.rows is empty', 'give a field and the rows (ARS) that the back office answers');
    const opened = await bench.open();
    let answered = 0;
    for (const { field, rows, args = {}, selection = '' } of queries) {
      if (!opened.adapter.rows?.fields.includes(field))
        return fail(`${field} is one of rows.fields`, 'it is not', 'list every field it answers');
      const most = Math.max(1, opened.adapter.rows.traits.maxBatch);
      const asked = [...rows, NOBODY].slice(-most);
      const ask = (own: readonly string[]) => load(opened, { field, rows: own, args, selection });
      const forward = await ask(asked);
      const backward = await ask(asked.toReversed());
      const said = wrong(asked, forward) ?? wrong(asked.toReversed(), backward);
      if (said) return fail(`${field}: one element for every row, in order`, said, this.remedy);
      const turned = backward.toReversed();
      const unlike = forward.findIndex((row, index) => !sameRow(row, turned[index] ?? null));
      if (unlike >= 0) return fail(`${field}: the same answer in another order`, `place ${unlike} is another`, this.remedy);
      const nobody = forward.at(-1) ?? null;
      if (nobody !== null && !(nobody instanceof AdapterError))
        return fail(`${field}: null for a municipality that is not there`, 'a value', this.remedy);
      const broken = forward.find((row) => row instanceof AdapterError);
      if (broken && forward.indexOf(broken) < asked.length - 1)
        return fail(`${field}: a value or null for the city’s rows`, inWords(broken), this.remedy);
      answered += forward.filter((row) => row !== null).length;
    }
    return answered > 0 ? pass : unverified('no row of the samples has a value', 'give rows that the back office has');
  },
};

const sameRow = (a: Row | null | AdapterError, b: Row | null | AdapterError): boolean =>
  a instanceof AdapterError || b instanceof AdapterError ? a instanceof AdapterError && b instanceof AdapterError : isDeepStrictEqual(a, b);

/** Contract fields answered for the city's own rows. */
export const rowsChecks: readonly Check[] = [order];
