import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { kitBackOffices } from '../../adapters/conformance.ts';
import { adapters } from '../../adapters/index.ts';
import { admission, readReport, reportPath, shippedModule } from '../../src/cities/admission.ts';
import type { Report } from '../../src/conformance/conformance.ts';

/* The kit itself on each of them: shipped.slow.test.ts. */
describe.each(Object.keys(kitBackOffices))('the adapter that ships for %s', (product) => {
  const module = shippedModule(product);
  const definition = adapters.find(({ id }) => id === product);

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
});
