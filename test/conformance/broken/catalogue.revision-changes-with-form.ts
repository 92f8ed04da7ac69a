import { breakGood } from '../good.ts';

/** Every form is the first. */
export default breakGood(({ catalogue }) => ({
  catalogue: {
    async *listOffers(call) {
      for await (const page of catalogue!.listOffers(call))
        yield {
          ...page,
          items: page.items.map(({ form, ...offer }) => ({ ...offer, ...(form ? { form: { ...form, revision: '1' } } : {}) })),
        };
    },
  },
}));
