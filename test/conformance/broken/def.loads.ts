import { breakGood } from '../good.ts';

/** Its version is no version. */
export default breakGood(() => ({}), { version: 'latest' });
