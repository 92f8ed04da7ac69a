import { breakGood } from '../good.ts';

/** Was written for a contract of the future. */
export default breakGood(() => ({}), { contract: ['9.0'] });
