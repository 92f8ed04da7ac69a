import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kitBackOffices } from '../../adapters/conformance.ts';
import { adapters } from '../../adapters/index.ts';
import { readSubject, runConformance } from '../../src/conformance/conformance.ts';

/*
 * Every product whose changes come as records over HTTP, over its simulator: one record of a page is spoiled, field by field, with every
 * flaw of the kit (src/conformance/proxy/spoil.ts: no moment, the year 1, 1900 and 9999, a byte of another charset, a NUL, another type).
 */
describe.each(['open311', 'rest', 'redmine', 'graphql', 'soap'])('a record that is odd, from %s', (product) => {
  test('stops none of the others, is named, and hides nothing that changes later', { timeout: 200_000 }, async () => {
    const office = await kitBackOffices[product]!();
    try {
      const folder = join(import.meta.dirname, '../../adapters', product, 'conformance');
      const files = { config: join(folder, 'city.yaml'), samples: join(folder, 'samples.yaml') };
      const subject = await readSubject({ adapter: product, ...files, shipped: adapters, env: office.env });
      if ('complaints' in subject) throw new Error(JSON.stringify(subject.complaints));
      const { results } = await runConformance(subject, { only: ['changes.one-odd-record'] });
      expect(results.map(({ finding }) => finding)).toEqual([{ status: 'pass' }]);
    } finally {
      await office.close();
    }
  });
});
