import type { CaseSnapshot } from '#contract';
import { breakGood } from '../good.ts';

const translated = <T extends CaseSnapshot>(one: T): T => ({
  ...one,
  nativeStatus: one.nativeStatus === 'GRANTED' ? 'granted' : one.nativeStatus,
});

/** Translates statuses itself, into words of its own. */
export default breakGood(({ cases, changes }) => ({
  cases: {
    ...cases!,
    loadCases: async (refs, call) =>
      (await cases!.loadCases(refs, call)).map((one) => (one === null || one instanceof Error ? one : translated(one))),
  },
  changes: {
    ...changes!,
    async *pull(from, call) {
      for await (const page of changes!.pull(from, call)) yield { ...page, items: page.items.map(translated) };
    },
  },
}));
