import { breakGood } from '../good.ts';

/** Does not take a second stop. */
export default breakGood(() => {
  let stopped = false;
  return {
    stop: async () => {
      if (stopped) throw new Error('not running');
      stopped = true;
    },
  };
});
