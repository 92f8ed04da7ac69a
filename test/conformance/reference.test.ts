import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checks } from '../../src/conformance/conformance.ts';
import { page, withTable } from './print-checks.ts';

test('the reference lists every check with level, promise and remedy (node test/conformance/print-checks.ts)', () => {
  const text = readFileSync(page, 'utf8');
  expect(text).toBe(withTable(text));
});

test('every check has an id of its own and says what it promises and what to do', () => {
  const ids = checks.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, title, remedy } of checks) {
    expect(id).toMatch(/^[a-z]+\.[a-z0-9-]+$/);
    expect(`${id}: ${title}`).toMatch(/^\S+: \S+ .*\.$/);
    expect(`${id}: ${remedy}`).toMatch(/: .*\w+ \w+/);
  }
});
