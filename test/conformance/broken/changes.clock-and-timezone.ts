import { breakGood } from '../good.ts';

/** Reads the moments of the back office as if they were its own. */
export default breakGood(({ changes }) => ({
  changes: {
    ...changes!,
    async *pull(from, call) {
      for await (const page of changes!.pull(from, call))
        yield { ...page, items: page.items.map((one) => ({ ...one, updatedAt: new Date(one.updatedAt.getTime() + 3_600_000) })) };
    },
  },
}));
