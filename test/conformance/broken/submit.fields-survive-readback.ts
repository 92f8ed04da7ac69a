import type { Json } from '#contract';
import { breakGood } from '../good.ts';

/** Cuts what is longer than a column of its database. */
export default breakGood(({ cases }) => ({
  cases: {
    ...cases!,
    submit: (application, call) =>
      cases!.submit(
        {
          ...application,
          formData: JSON.parse(JSON.stringify(application.formData), (_, value: unknown) =>
            typeof value === 'string' ? value.slice(0, 255) : value,
          ) as Json,
        },
        call,
      ),
  },
}));
