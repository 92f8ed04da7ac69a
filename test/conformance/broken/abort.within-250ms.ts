import { setTimeout as sleep } from 'node:timers/promises';
import { breakGood } from '../good.ts';

/** Takes its time to give up. */
export default breakGood(({ cases }) => {
  if (!cases) return {};
  return {
    cases: {
      ...cases,
      async loadCases(refs, call) {
        try {
          return await cases.loadCases(refs, call);
        } finally {
          if (call.signal.aborted) await sleep(700);
        }
      },
    },
  };
});
