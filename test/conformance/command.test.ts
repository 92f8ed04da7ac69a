import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { adapters } from '../../adapters/index.ts';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { runConformanceVerb, type ConformanceOptions } from '../../src/cli/conformance.ts';
import type { Report } from '../../src/conformance/conformance.ts';

const root = join(import.meta.dirname, '../..');
const redmine = join(root, 'adapters/redmine/conformance');
const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
const simulator = await startRedmineSimulator();
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await simulator.close();
});

const env = { REDMINE_URL: simulator.url, REDMINE_KEY: redmineSimulated.apiKey };
const files = { config: join(redmine, 'city.yaml'), samples: join(redmine, 'samples.yaml') };

async function ask(options: Partial<ConformanceOptions>): Promise<{ code: number; out: string; notes: readonly string[] }> {
  const out: string[] = [];
  const notes: string[] = [];
  const code = await runConformanceVerb(
    { adapters, env, language: 'EN', ...options },
    { out: (text) => out.push(text), note: (line) => notes.push(line) },
  );
  return { code, out: out.join('\n'), notes };
}

describe('staedtebund conformance', () => {
  test.each<[how: string, adapter: string]>([
    ['a product', 'redmine'],
    ['the path of a module', join(root, 'adapters/redmine/index.ts')],
  ])('takes %s, tells how far it is, and reports', async (_, adapter) => {
    const { code, out, notes } = await ask({ adapter, ...files, only: ['check.healthy', 'submit.once'] });
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('2 pass  0 fail  0 unverified  0 n/a') as string });
    expect(notes.map((line) => line.replace(/ \(\d+ ms\)/, ''))).toEqual(['pass           check.healthy', 'pass           submit.once']);
  });

  test('writes the report it is asked for', async () => {
    const file = join(folder, 'new', 'report.json');
    await ask({ adapter: 'redmine', ...files, only: ['def.*'], report: 'json', out: file });
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    expect(report).toMatchObject({ product: 'redmine', tier: 'kit', system: 'Redmine', admitted: false, only: ['def.*'] });
    expect(report.results.map(({ id, finding }) => [id, finding.status])).toEqual([
      ['def.loads', 'pass'],
      ['def.create-is-pure', 'pass'],
      ['def.contract-negotiates', 'pass'],
    ]);
  });

  test('is not satisfied where nobody can see what happened', async () => {
    const { code, out } = await ask({ adapter: 'redmine', config: files.config, only: ['submit.once'] });
    expect(code).toBe(1);
    expect(out).toContain('UNVERIFIED  submit.once');
  });

  test('says no where the back office says no', async () => {
    const { code, out } = await ask({ adapter: 'redmine', ...files, env: { ...env, REDMINE_KEY: 'another-key' }, only: ['check.healthy'] });
    expect(code).toBe(1);
    expect(out).toContain('got AdapterError misconfigured, effect none: the API key is not accepted');
    expect(out).not.toContain('another-key');
  });

  test.each<[what: string, options: Partial<ConformanceOptions>, said: RegExp]>([
    ['no adapter', {}, /which adapter/],
    ['no city', { adapter: 'redmine' }, /--config/],
    ['a city that is not there', { adapter: 'redmine', config: 'nowhere.yaml' }, /^nowhere\.yaml:1:1 .*ENOENT/],
    ['no secret', { adapter: 'redmine', ...files, env: {} }, /city\.yaml:\d+:\d+ adapters\.cases\.config\.baseUrl: .*REDMINE_URL/],
    ['samples that are none', { adapter: 'redmine', ...files, samples: files.config }, /city\.yaml:\d+:1 ars: .*not known here/],
    ['waivers that are none', { adapter: 'redmine', ...files, waivers: files.config }, /city\.yaml:\d+:\d+ .*a list of waivers/],
    ['another adapter of the file', { adapter: 'redmine', ...files, name: 'fines' }, /adapters\.fines: .*Possible: cases/],
    ['a shipped product that is none', { adapter: 'nix', shipped: true }, /nix: no such product/],
  ])('refuses wrong use: %s', async (_, options, said) => {
    const { code, notes } = await ask(options);
    expect({ code, notes: notes.join('\n') }).toEqual({ code: 2, notes: expect.stringMatching(said) as string });
  });

  test('names products that there are where one is not', async () => {
    await expect(ask({ adapter: 'redmin', ...files })).rejects.toThrow(/Did you mean “redmine”/);
    await expect(ask({ adapter: 'rest', ...files })).rejects.toThrow(/has no adapter of the product rest; it has cases/);
  });
});
