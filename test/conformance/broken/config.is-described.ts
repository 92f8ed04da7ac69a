import { z } from 'zod';
import { breakGood, goodConfig } from '../good.ts';

/** Does not say what its token is. */
export default breakGood(() => ({}), {
  config: z.strictObject({ ...goodConfig.shape, token: z.string().min(8).meta({ 'x-hub': 'secret' }) }),
});
