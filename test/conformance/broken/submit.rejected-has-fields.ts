import { AdapterError } from '#contract';
import { breakGood } from '../good.ts';

/** Knows that it was refused, and keeps to itself why. */
export default breakGood(({ cases }) => ({
  cases: {
    ...cases!,
    async submit(application, call) {
      try {
        return await cases!.submit(application, call);
      } catch (error) {
        if (error instanceof AdapterError && error.kind === 'rejected') throw new AdapterError('rejected', 'none', error.message);
        throw error;
      }
    },
  },
}));
