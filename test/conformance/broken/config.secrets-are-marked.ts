import { z } from 'zod';
import { breakGood, goodConfig } from '../good.ts';

/** Its token is an ordinary text. */
export default breakGood(() => ({}), {
  config: z.strictObject({ ...goodConfig.shape, token: z.string().min(8).describe('What the office knows the hub by.') }),
});
