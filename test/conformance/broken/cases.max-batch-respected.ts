import { breakGood } from '../good.ts';

/** Promises larger batches than the back office answers. */
export default breakGood(({ cases }) => ({ cases: { ...cases!, traits: { ...cases!.traits, maxBatch: 50 } } }));
