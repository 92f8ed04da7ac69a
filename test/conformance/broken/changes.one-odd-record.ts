import { AdapterError } from '#contract';
import { breakGood } from '../good.ts';

/** Reads a page as one: a record that cannot be read makes all of it unreadable. */
export default breakGood(({ changes }) => ({
  changes: {
    ...changes!,
    async *pull(from, call) {
      for await (const page of changes!.pull(from, call)) {
        if (page.malformed?.length) throw new AdapterError('malformed', 'none', 'a change of the office cannot be read');
        yield page;
      }
    },
  },
}));
