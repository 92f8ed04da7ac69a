import { breakGood } from '../good.ts';

export const office = { anonymous: true };

/** Believes an empty list, whoever asked for it. */
export default breakGood(() => ({}));
