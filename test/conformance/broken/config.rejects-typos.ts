import { z } from 'zod';
import { breakGood, goodConfig } from '../good.ts';

/** Drops names it does not know. */
export default breakGood(() => ({}), { config: z.object(goodConfig.shape) });
