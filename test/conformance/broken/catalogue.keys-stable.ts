import { breakGood } from '../good.ts';

/** Makes up keys that are good for as long as it runs. */
export default breakGood(({ catalogue }) => {
  const mine = crypto.randomUUID();
  return {
    catalogue: {
      async *listOffers(call) {
        for await (const page of catalogue!.listOffers(call))
          yield { ...page, items: page.items.map((offer) => ({ ...offer, localKey: `${mine} ${offer.localKey}` })) };
      },
    },
  };
});
