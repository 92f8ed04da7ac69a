import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { kitBackOffices } from '../../adapters/conformance.ts';
import { adapters } from '../../adapters/index.ts';
import { admission, readReport, reportPath, shippedModule } from '../../src/cities/admission.ts';
import { conformance, readSubject, type Report } from '../../src/conformance/conformance.ts';

const folderOf = (product: string): string => join(import.meta.dirname, '../../adapters', product, 'conformance');

describe.each(Object.keys(kitBackOffices))('the adapter that ships for %s', (product) => {
  const module = shippedModule(product);
  const definition = adapters.find(({ id }) => id === product);
  const office = kitBackOffices[product]?.();
  afterAll(async () => (await office)?.close());

  test('has a report that is about it as it is, and admits it', () => {
    const state = definition ? admission(readReport(reportPath(module)), module, definition) : 'missing';
    expect(state, `renew it: node src/cli.ts conformance --shipped ${product}`).toBe('current');
  });

  test('has a report that says what its checks say', () => {
    const { results, admitted } = JSON.parse(readFileSync(reportPath(module), 'utf8')) as Report;
    const red = results.filter(
      ({ level, finding }) => level === 'MUST' && finding.status !== 'pass' && finding.status !== 'not-applicable',
    );
    expect({ admitted, red }).toEqual({ admitted: true, red: [] });
  });

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
