import { breakGood } from '../good.ts';

/** Takes every answer for that of a new case. */
export default breakGood(({ cases }) => ({
  cases: {
    ...cases!,
    submit: async (application, call) => ({ ...(await cases!.submit(application, call)), replayed: false }),
  },
}));
