import { AdapterError } from '#contract';
import { breakGood } from '../good.ts';

/** An office that answers is a healthy one, even if it answers “who are you?”. */
export default breakGood((adapter) => ({
  check: (call) =>
    adapter.check(call).catch((error: unknown) => {
      if (error instanceof AdapterError && error.kind === 'misconfigured')
        return { ok: true, probes: [{ name: 'reach', ok: true, ms: 1 }] };
      throw error;
    }),
}));
