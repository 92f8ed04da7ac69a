import { expect, test } from 'vitest';
import { cutDifferenceText, findCutDifferences } from './kit/cut-differences.ts';

/*
 * Random documents over schemas cut into subgraphs at random: data, order of keys and reasons for nulls are those of graphql-js on
 * the whole schema. FEDERATED_CUTS says how many; `npm run experiment:differential -- --federated` goes on from there.
 */

const cuts = Number(process.env['FEDERATED_CUTS'] ?? 20);
const documents = 15;

test(
  `${cuts} graphs in parts answer as they do whole, or say that they cannot`,
  async () => {
    const { found, ...told } = await findCutDifferences({ seed: 1, count: cuts, documents });
    expect(found.slice(0, 3).map(cutDifferenceText).join('\n\n')).toBe('');
    expect(told.asked).toBe((cuts - told.uncomposed) * documents);
    // Otherwise most of them would compare nothing.
    expect(told.uncomposed).toBeLessThan(cuts / 5);
    expect(told.failing).toBeGreaterThan(told.asked / 20);
    expect(told.planless).toBeLessThan(told.asked / 30);
  },
  60_000 + cuts * 5000,
);

test.each([1647, 2194])(
  'what is required of an object stays, where what a caller asks of it fails (cut %i)',
  async (seed) => {
    const { found } = await findCutDifferences({ seed, count: 1, documents: 20 });
    expect(found.map(cutDifferenceText).join('\n\n')).toBe('');
  },
  120_000,
);

test('values planned as they stand in @requires are found out', async () => {
  const { found } = await findCutDifferences({ seed: 1, count: 60, documents: 10, enough: 1 }, { areValuesSeparated: false });
  expect(found.length).toBeGreaterThan(0);
}, 240_000);
