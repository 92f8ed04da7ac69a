import { setTimeout as sleep } from 'node:timers/promises';
import { breakGood } from '../good.ts';

/** Takes its time to give up. */
export default breakGood(({ cases }) =>
  cases
    ? {
        cases: {
          ...cases,
          loadCases: (refs, call) =>
            cases.loadCases(refs, call).finally(async () => {
              if (call.signal.aborted) await sleep(700);
            }),
        },
      }
    : {},
);
