import { breakGood, createGood } from '../good.ts';

export const office = { forgetful: true };

/** Looks before it creates and calls that native. */
export default breakGood(({ cases }, { config, host, ask }) => ({
  cases: { ...createGood({ ...config, idempotency: 'lookup' }, host, ask).cases!, traits: cases!.traits },
}));
