import { AdapterError } from '#contract';
import { breakGood } from '../good.ts';

/** One connection for all adapters of the process. */
let connected = false;

/** Stopping one of them stops the others. */
export default breakGood((adapter) => ({
  start: async () => {
    connected = true;
  },
  stop: async () => {
    connected = false;
  },
  check: async (call) => {
    if (!connected) throw new AdapterError('unavailable', 'none', 'not connected');
    return adapter.check(call);
  },
}));
