import { breakGood } from '../good.ts';

export const office = { forgetful: true };
export const config = { idempotency: 'lookup' };

/** Two cases are two everywhere. */
export const also = ['submit.replay-same-key', 'submit.parallel-same-key', 'submit.lost-reply-then-retry', 'submit.crash-between-steps'];

/** Sends every new case twice, as a client with a hasty time limit does. */
export default breakGood(({ cases }, { ask }) => ({
  cases: {
    ...cases!,
    async submit(application, call) {
      const receipt = await cases!.submit(application, call);
      if (!receipt.replayed) await ask('PUT', `/keys/${call.key}`, call, { applicant: { name: application.applicant.name } });
      return receipt;
    },
  },
}));
