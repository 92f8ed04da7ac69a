import { breakGood } from '../good.ts';

/** Answers the rows it has. */
export default breakGood(({ rows }) => ({
  rows: { ...rows!, load: async (query, call) => (await rows!.load(query, call)).filter((row) => row !== null) },
}));
