import { breakGood } from '../good.ts';

/** Ends the listing where a page fails. */
export default breakGood(({ catalogue }) => ({
  catalogue: {
    async *listOffers(call) {
      try {
        yield* catalogue!.listOffers(call);
      } catch {
        // Better some offers than none.
      }
    },
  },
}));
