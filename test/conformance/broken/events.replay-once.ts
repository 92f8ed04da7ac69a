import { breakGood } from '../good.ts';

/** Adds every event to the back office's list. */
export default breakGood((_, { ask }) => ({
  events: {
    types: ['move.registered'],
    async receive({ type, facts }, call) {
      await ask('POST', `/events/${call.key}`, call, { type, facts });
    },
  },
}));
