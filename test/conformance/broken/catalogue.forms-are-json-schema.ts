import type { OfferRecord } from '#contract';
import { breakGood } from '../good.ts';

/** Hands on the form in the words of the back office. */
export default breakGood(({ catalogue }) => ({
  catalogue: {
    async *listOffers(call) {
      for await (const page of catalogue!.listOffers(call)) {
        const words = JSON.stringify(page.items).replaceAll('"type":"string"', '"type":"textarea"');
        yield { ...page, items: JSON.parse(words) as OfferRecord[] };
      }
    },
  },
}));
