import { breakGood } from '../good.ts';

/** Forgets the timer it began. */
export default breakGood(() => ({
  start: async () => {
    setTimeout(() => {}, 5_000);
  },
}));
