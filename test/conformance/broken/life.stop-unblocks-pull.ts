import { once } from 'node:events';
import { breakGood } from '../good.ts';

/** Waits for news until its deadline, whatever becomes of the connection. */
export default breakGood(({ changes }, { ask }) => ({
  changes: {
    ...changes,
    traits: { ordering: 'per-case', overlapMs: 0, everyMs: 1000 },
    async *pull(from, call) {
      await ask('GET', '/changes?after=0', call).catch(() => {});
      if (!call.signal.aborted) await once(call.signal, 'abort');
      yield { items: [], next: from ?? '' };
    },
  },
}));
