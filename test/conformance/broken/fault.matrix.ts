import { AdapterError } from '#contract';
import { breakGood } from '../good.ts';

/** Swears that nothing happened, whatever happened. */
export default breakGood(({ cases }) =>
  cases
    ? {
        cases: {
          ...cases,
          submit: (application, call) =>
            cases.submit(application, call).catch((error: unknown) => {
              if (!(error instanceof AdapterError)) throw error;
              const { kind, message, retryAfterMs } = error;
              throw new AdapterError(kind, 'none', message, retryAfterMs === undefined ? {} : { retryAfterMs });
            }),
        },
      }
    : {},
);
