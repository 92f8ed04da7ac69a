import { breakGood } from '../good.ts';

export const also = ['life.stop-twice', 'life.no-leaks', 'life.restart', 'life.stop-unblocks-pull'];

/** Cannot be stopped. */
export default breakGood(() => ({
  stop: async () => {
    throw new Error('still busy');
  },
}));
