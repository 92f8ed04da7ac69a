import { breakGood } from '../good.ts';

/** Says that all is well, and not what it looked at. */
export default breakGood((adapter) => ({
  async check(call) {
    const health = await adapter.check(call);
    return health.ok ? { ...health, probes: [] } : health;
  },
}));
