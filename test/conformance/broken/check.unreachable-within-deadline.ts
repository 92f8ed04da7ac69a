import { AdapterError } from '#contract';
import { breakGood } from '../good.ts';

/** Takes silence for consent. */
export default breakGood((adapter) => ({
  check: (call) =>
    adapter.check(call).catch((error: unknown) => {
      if (error instanceof AdapterError && error.kind === 'unavailable') return { ok: true, probes: [{ name: 'reach', ok: true, ms: 1 }] };
      throw error;
    }),
}));
