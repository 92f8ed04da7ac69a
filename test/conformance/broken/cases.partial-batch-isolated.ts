import { AdapterError } from '#contract';
import { breakGood } from '../good.ts';

/** Takes a batch with one odd id for nonsense altogether. */
export default breakGood(({ cases }) => ({
  cases: {
    ...cases!,
    async loadCases(refs, call) {
      if (refs.some(({ id }) => !/^\d+$/.test(id))) throw new AdapterError('malformed', 'none', 'an id is not a number');
      return cases!.loadCases(refs, call);
    },
  },
}));
