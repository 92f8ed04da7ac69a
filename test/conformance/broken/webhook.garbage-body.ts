import { breakGood } from '../good.ts';

/** Looks into what it has not verified yet. */
export default breakGood(({ webhook }) => ({
  webhook: {
    ...webhook!,
    async receive(request, call) {
      const [first] = new TextDecoder().decode(request.raw).trim();
      if (first!.charCodeAt(0) === 0x5b) throw new TypeError('a list');
      return webhook!.receive(request, call);
    },
  },
}));
