import { connect } from 'node:net';
import { breakGood } from '../good.ts';

/** Tells its maker that it is in use. */
export default breakGood((adapter) => ({
  async check(call) {
    connect(9, '127.0.0.1').on('error', () => {});
    return adapter.check(call);
  },
}));
