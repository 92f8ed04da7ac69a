import { breakGood } from '../good.ts';

/** Takes the case for the change. */
export default breakGood(({ changes }) => ({
  changes: {
    ...changes!,
    async *pull(from, call) {
      for await (const page of changes!.pull(from, call))
        yield { ...page, items: page.items.map((change) => ({ ...change, id: change.ref.id })) };
    },
  },
}));
