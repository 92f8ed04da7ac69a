import { breakGood } from '../good.ts';

/** Remembers in memory what its cursors mean. */
export default breakGood(({ changes }) => {
  const places: string[] = [];
  return {
    changes: {
      ...changes!,
      async *pull(from, call) {
        for await (const page of changes!.pull(from === null ? null : (places[Number(from)] ?? '1000000'), call))
          yield { ...page, next: String(places.push(page.next) - 1) };
      },
    },
  };
});
