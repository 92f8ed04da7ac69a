import { randomUUID } from 'node:crypto';
import { breakGood } from '../good.ts';

/** Tries whether it may submit by submitting. */
export default breakGood((adapter, { ask }) => ({
  async check(call) {
    await ask('PUT', `/keys/${randomUUID()}`, call, { applicant: { name: 'Test' } });
    return adapter.check(call);
  },
}));
