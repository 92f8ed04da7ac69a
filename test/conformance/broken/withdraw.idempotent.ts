import { AdapterError } from '#contract';
import { breakGood } from '../good.ts';

/** Refuses what is withdrawn already. */
export default breakGood(({ cases }) => ({
  cases: {
    ...cases!,
    async withdraw(ref, reason, call) {
      const [found] = await cases!.loadCases([ref], call);
      if (found && !(found instanceof Error) && found.nativeStatus === 'WITHDRAWN')
        throw new AdapterError('rejected', 'none', 'the case is withdrawn already');
      await cases!.withdraw!(ref, reason, call);
    },
  },
}));
