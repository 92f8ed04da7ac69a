import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adapters } from '../../adapters/index.ts';
import { runCheck, type CheckOptions } from '../../src/cli/check.ts';
import { startBackoffices, type Backoffices } from '../../sandbox/backoffices.ts';

let backoffices: Backoffices;
beforeAll(async () => {
  backoffices = await startBackoffices();
});
afterAll(() => backoffices.close());

const check = async (over: Partial<CheckOptions> = {}) => {
  const lines: string[] = [];
  const code = await runCheck(
    { folder: 'cities', referenceFolder: 'reference', adapters, env: backoffices.env, language: 'EN', ...over },
    (line) => lines.push(line),
  );
  return { code, text: lines.join('\n') };
};

test('all cities of the sandbox pass, each on a line', async () => {
  const { code, text } = await check();
  // Four back offices of cases, two portals that answer contract fields.
  expect(text.split('\n')).toHaveLength(6);
  expect(text).toMatch(/duesseldorf\/cases \(redmine\): fine, \d+ ms/);
  expect(code).toBe(0);
});

test('a back office with something against the hub makes it 1, and says where and what to do', async () => {
  const { code, text } = await check({ env: { ...backoffices.env, KOELN_KEY: 'not-the-key-of-koeln', NEUSS_URL: 'http://127.0.0.1:9' } });
  expect(code).toBe(1);
  expect(text).toMatch(/cities\/koeln\.yaml adapters\.cases: .*check key, paths and ids/);
  expect(text).toMatch(/cities\/neuss\.yaml adapters\.cases: .*cannot be reached/);
  expect(text).toContain('muenchen/cases (rest): fine');
  expect(text).not.toContain('not-the-key-of-koeln');
});

test('in German for those who ask for it', async () => {
  const { text } = await check({ env: { ...backoffices.env, NEUSS_URL: 'http://127.0.0.1:9' }, language: 'DE' });
  expect(text).toContain('neuss/cases (rest): Fehler');
  expect(text).toContain('Läuft es, und darf der Hub seine Adresse erreichen?');
});

test('a wrong file makes it 2, with file, line and remedy', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-check-'));
  writeFileSync(join(folder, 'x.yaml'), 'ars: "1"\n');
  const { code, text } = await check({ folder });
  expect(code).toBe(2);
  expect(text).toContain('x.yaml:1:6 ars: The value "1" does not fit.');
  rmSync(folder, { recursive: true });
});

test('as JSON for machines', async () => {
  const { code, text } = await check({ json: true, env: { ...backoffices.env, NEUSS_URL: 'http://127.0.0.1:9' } });
  const report = JSON.parse(text) as { ok: boolean; connections: { city: string; health: { ok: boolean } }[] };
  expect(report.ok).toBe(false);
  expect(report.connections.filter(({ health }) => !health.ok).map(({ city }) => city)).toEqual(['neuss']);
  expect(code).toBe(1);
});

test('offline it asks nobody', async () => {
  const { code, text } = await check({
    offline: true,
    env: Object.fromEntries(
      Object.entries(backoffices.env).map(([name, value]) => [name, name.endsWith('_URL') ? 'http://127.0.0.1:9' : value]),
    ),
  });
  expect(code).toBe(0);
  expect(text).toContain('neuss: file fine, not asked');
});
