import { z } from 'zod';
import { breakGood, goodConfig } from '../good.ts';

export const config = { idempotency: 'native' };

/** Asks for a setting that configs of 1.0.0 do not have. */
export default breakGood(() => ({}), {
  config: z.strictObject({ ...goodConfig.shape, idempotency: z.enum(['native', 'lookup']).describe('What the office does with a key.') }),
});
