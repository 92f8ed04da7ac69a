import { breakGood, createGood } from '../good.ts';

export const office = { forgetful: true };
export const config = { idempotency: 'lookup' };

/** Looks only for keys that it remembers in memory. */
export default breakGood(({ cases }, { config, host, ask }) => {
  const blind = createGood({ ...config, idempotency: 'native' }, host, ask).cases!;
  const begun = new Set<string>();
  return {
    cases: {
      ...cases!,
      submit(application, call) {
        const known = begun.has(call.key);
        begun.add(call.key);
        return (known ? cases! : blind).submit(application, call);
      },
    },
  };
});
