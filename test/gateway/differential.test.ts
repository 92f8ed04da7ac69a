import { afterAll, beforeAll, expect, test } from 'vitest';
import { compiling } from '../kit/compiled.ts';
import { askExecutor, askHub, differenceText, findDifferences, plainly, type Ask } from '../kit/differential.ts';
import { startSandboxHub, type SandboxHub } from '../kit/sandbox-hub.ts';

/*
 * Random documents, all personas, asked of a running hub over HTTP: data, order of keys, errors and status are those of
 * graphql-js on the same schema. DIFFERENTIAL_DOCUMENTS says how many; `npm run experiment:differential` asks a million.
 */

const count = Number(process.env['DIFFERENTIAL_DOCUMENTS'] ?? 1000);
const patience = 60_000 + count * 150;

let sandbox: SandboxHub;
let expected: Ask;
beforeAll(async () => {
  sandbox = await startSandboxHub();
  expected = await askExecutor(sandbox, plainly);
}, 180_000);
afterAll(() => sandbox.close());

test(
  `${count} documents are answered as graphql-js answers them, each time`,
  async () => {
    const subject = await askHub(sandbox);
    const { asked, limited, skipped, found } = await findDifferences({
      sandbox,
      expected,
      subject,
      seed: 1,
      count,
      enough: ({ length }) => length > 2,
    });
    expect(found.map(differenceText).join('\n\n')).toBe('');
    expect(asked).toBe(count);
    // Otherwise most of them would compare nothing.
    expect(limited).toBeLessThan(count / 10);
    expect(skipped).toBeLessThanOrEqual(count / 100);
  },
  patience,
);

test(
  'a compiler of operations in the place of graphql-js is found out',
  async () => {
    const subject = await askExecutor(sandbox, compiling());
    const { found } = await findDifferences({ sandbox, expected, subject, seed: 1, count: 2000, enough: ({ length }) => length > 0 });
    expect(found.length).toBeGreaterThan(0);
  },
  patience,
);
