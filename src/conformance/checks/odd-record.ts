import { fail, notApplicable, pass, type Check, type Finding, type Opened } from '../check.ts';
import { flaws, type RecordField } from '../proxy/spoil.ts';
import { awaitChange, inWords, loadOne, noValid, pullChanges, settle, submit } from './observe.ts';

/** How long flaws are tried, in milliseconds; a system that answers slowly gets fewer of them, the most telling first. */
const BUDGET_MS = 40_000;
/** Fields of a record that are spoiled, moments and status first. */
const MOST_FIELDS = 12;
const MS_A_DAY = 86_400_000;

/** True for what tells when the record changed: a moment of these days. */
function isMoment({ text }: RecordField): boolean {
  const number = Number(text);
  const moment = /^\d{10}$/.test(text)
    ? number * 1000
    : /^\d{13}$/.test(text)
      ? number
      : /\d{2}:\d{2}/.test(text)
        ? Date.parse(text)
        : Number.NaN;
  return Math.abs(moment - Date.now()) < MS_A_DAY;
}

/** Everything a pull told, and where it would go on. */
const pullAll = (opened: Opened, from: string | null) =>
  settle(
    opened.read(async (adapter, call) => {
      const told: string[] = [];
      const odd: string[] = [];
      let next = from;
      let future = false;
      for await (const page of adapter.changes!.pull(from, call)) {
        for (const { ref, updatedAt } of page.items) {
          told.push(ref.id);
          future ||= Number(updatedAt) > Date.now() + MS_A_DAY;
        }
        for (const { id } of page.malformed ?? []) odd.push(id ?? '');
        ({ next } = page);
      }
      return { told, odd, next, future };
    }),
  );

export const oddRecord: Check = {
  id: 'changes.one-odd-record',
  level: 'MUST',
  title: 'One record of a page that is odd stops none of the others, is named, and hides nothing that changes later.',
  remedy:
    'read records one by one (readChanges), tell those that cannot be read under malformed, and let no moment in the future move a cursor',
  port: 'changes',
  async run(bench) {
    const opened = await bench.open();
    const { next: from } = await pullChanges(opened, null);
    const refs: string[] = [];
    for (let made = 0; made < 3; made++) {
      const application = bench.submission();
      if (!application) return noValid;
      refs.push((await submit(opened, application)).ref.id);
    }
    const [odd = '', ...others] = refs;
    await awaitChange(opened, from, ({ ref }) => ref.id === others.at(-1));
    const status = (await loadOne(opened, { id: odd }))?.nativeStatus;

    await opened.fault({ name: 'odd-record', spoiling: { caseId: odd } });
    await pullAll(opened, from);
    const fields = opened.exchanges().find((exchange) => (exchange.fields?.length ?? 0) > 0)?.fields ?? [];
    if (fields.length === 0)
      return notApplicable('its changes do not come as records in JSON or XML over HTTP, so none can be spoiled on its way');
    const telling = (field: RecordField): number => (isMoment(field) ? 0 : field.text === status ? 1 : 2);
    const chosen = fields.toSorted((a, b) => telling(a) - telling(b)).slice(0, MOST_FIELDS);

    const places = new Map<string, string>();
    const until = performance.now() + BUDGET_MS;
    for (const flaw of flaws)
      for (const field of chosen) {
        if (performance.now() > until) break;
        const what = `${flaw} at ${field.path} of one record`;
        await opened.fault({ name: 'odd-record', spoiling: { caseId: odd, field: field.path, flaw } });
        const { value, error } = await pullAll(opened, from);
        if (error) return fail(`the other records are told, with ${what}`, inWords(error), this.remedy);
        const found = judge(value, others, { odd, what, mustShow: telling(field) < 2 }, this.remedy);
        if (found) return found;
        // The hub stores no cursor of such a pull, unless the adapter promises that it is safe.
        const isStored = opened.adapter.changes?.traits.cursors === 'safe' || !value.future;
        if (isStored && value.next !== null && value.next !== from && !places.has(value.next)) places.set(value.next, what);
      }
    await opened.fault(null);

    const fresh = bench.submission();
    if (!fresh) return noValid;
    const { ref } = await submit(opened, fresh);
    for (const [place, what] of places) {
      const { change } = await awaitChange(opened, place, (one) => one.ref.id === ref.id);
      if (!change)
        return fail(`what changes later is told after a pull with ${what}`, 'it is skipped: the cursor stands behind it', this.remedy);
    }
    return pass;
  },
};

function judge(
  { told, odd: named }: { readonly told: readonly string[]; readonly odd: readonly string[] },
  others: readonly string[],
  { odd, what, mustShow }: { odd: string; what: string; mustShow: boolean },
  remedy: string,
): Finding | null {
  const lost = others.filter((id) => !told.includes(id)).length;
  if (lost > 0) return fail(`the other records are told, with ${what}`, `${lost} of ${others.length} are missing`, remedy);
  // Written otherwise a moment may be read all the same; what is gone or no text at all cannot.
  const isShown = told.includes(odd) || named.includes(odd);
  return mustShow && !isShown ? fail(`the record itself is told, or named under malformed, with ${what}`, 'neither', remedy) : null;
}
