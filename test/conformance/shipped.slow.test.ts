import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { kitBackOffices } from '../../adapters/conformance.ts';
import { adapters } from '../../adapters/index.ts';
import { conformance, readSubject } from '../../src/conformance/conformance.ts';

const folderOf = (product: string): string => join(import.meta.dirname, '../../adapters', product, 'conformance');

describe.each(Object.keys(kitBackOffices))('the adapter that ships for %s', (product) => {
  const office = kitBackOffices[product]?.();
  afterAll(async () => (await office)?.close());

  conformance({
    // oxlint-disable-next-line vitest/valid-title, vitest/expect-expect -- the kit names the test, and throws where it is red
    test: (name, run) => test(name, { timeout: 200_000 }, run),
    async subject() {
      const files = { config: join(folderOf(product), 'city.yaml'), samples: join(folderOf(product), 'samples.yaml') };
      const subject = await readSubject({ adapter: product, ...files, shipped: adapters, env: (await office)?.env ?? {} });
      if ('complaints' in subject) throw new Error(JSON.stringify(subject.complaints));
      return subject;
    },
  });
});
