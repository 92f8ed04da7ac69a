import { breakGood } from '../good.ts';

/** Logs what it signs in with. */
export default breakGood((adapter, { config, host }) => ({
  async check(call) {
    host.log('debug', `asking with ${config.token}`);
    return adapter.check(call);
  },
}));
