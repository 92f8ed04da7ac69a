import { AdapterError } from '#contract';
import { breakGood } from '../good.ts';

/** Says that nothing happened where it does not know. */
export default breakGood(({ cases }) => ({
  cases: {
    ...cases!,
    async submit(application, call) {
      try {
        return await cases!.submit(application, call);
      } catch (error) {
        if (error instanceof AdapterError)
          throw new AdapterError(error.kind, 'none', error.message, error.fields ? { fields: error.fields } : {});
        throw error;
      }
    },
  },
}));
