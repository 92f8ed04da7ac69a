import { breakGood } from '../good.ts';

/** Begins a timer while it is made. */
export default breakGood(() => {
  clearTimeout(setTimeout(() => {}, 1_000));
  return {};
});
