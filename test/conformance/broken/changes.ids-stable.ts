import { breakGood } from '../good.ts';

/** Its ids are good for as long as it runs. */
export default breakGood(({ changes }) => {
  const mine = crypto.randomUUID();
  return {
    changes: {
      ...changes!,
      async *pull(from, call) {
        for await (const page of changes!.pull(from, call))
          yield { ...page, items: page.items.map((change) => ({ ...change, id: `${mine} ${change.id}` })) };
      },
    },
  };
});
