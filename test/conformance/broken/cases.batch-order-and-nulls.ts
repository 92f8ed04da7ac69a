import { AdapterError } from '#contract';
import { breakGood } from '../good.ts';

/** Takes a case that is not there for a failure. */
export default breakGood(({ cases }) => ({
  cases: {
    ...cases!,
    loadCases: async (refs, call) =>
      (await cases!.loadCases(refs, call)).map((one) => one ?? new AdapterError('rejected', 'none', 'there is no such case')),
  },
}));
