import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AdapterDefinition } from '#contract';
import { admission, hashAdapter, readReport, reportPath, shippedModule, type AdmissionReport } from '../../src/cities/admission.ts';
import { adapters } from '../../adapters/index.ts';

const top = mkdtempSync(join(tmpdir(), 'staedtebund-admission-'));
afterAll(() => rmSync(top, { recursive: true }));

let folder: string;
let module: string;
let count = 0;
beforeEach(() => {
  folder = join(top, String(count++));
  module = pathToFileURL(join(folder, 'index.ts')).href;
  put('index.ts', 'export default 1;\n');
  put('mapping.ts', 'export const map = 2;\n');
});
const put = (name: string, text: string): void => {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};

const define = (over: Partial<AdapterDefinition> = {}): AdapterDefinition => ({
  id: 'tickets',
  version: '1.2.0',
  contract: ['1.0'],
  config: z.strictObject({ baseUrl: z.url() }),
  create: () => expect.unreachable('nothing is made to decide about admission'),
  ...over,
});
const reportOf = (over: Partial<AdmissionReport> = {}): AdmissionReport => ({
  contract: '1.0',
  product: 'tickets',
  version: '1.2.0',
  hash: hashAdapter(module, define()),
  admitted: true,
  ...over,
});

describe('the hash of an adapter', () => {
  test.each([
    ['a file that changed', 'mapping.ts', 'export const map = 3;\n'],
    ['a file more', 'deep/more.ts', 'export {};\n'],
    ['a table it reads', 'codes.json', '{}'],
  ])('sees %s', (_, name, text) => {
    const before = hashAdapter(module, define()).code;
    put(name, text);
    expect(hashAdapter(module, define()).code).not.toBe(before);
  });

  test.each(['README.md', 'index.test.ts', 'test/kit.ts', 'conformance/samples.yaml', 'node_modules/zod/index.js', '.env'])(
    'leaves out %s',
    (name) => {
      const before = hashAdapter(module, define()).code;
      put(name, 'anything');
      expect(hashAdapter(module, define()).code).toBe(before);
    },
  );

  test('is the same on a checkout with other line ends', () => {
    const before = hashAdapter(module, define()).code;
    put('mapping.ts', 'export const map = 2;\r\n');
    expect(hashAdapter(module, define()).code).toBe(before);
  });

  test('cannot be taken where a file is a link: what it leads to would change unnoticed', () => {
    const report = reportOf();
    put('../elsewhere.ts', 'export {};\n');
    symlinkSync(join(top, 'elsewhere.ts'), join(folder, 'linked.ts'));
    expect(() => hashAdapter(module, define())).toThrow(/linked\.ts is a symlink/);
    expect(admission(report, module, define())).toBe('stale');
  });

  test('leaves out a link to node_modules', () => {
    const before = hashAdapter(module, define()).code;
    symlinkSync(top, join(folder, 'node_modules'));
    expect(hashAdapter(module, define()).code).toBe(before);
  });

  test('sees what moves from one file into the next', () => {
    put('a.ts', 'xy');
    put('b.ts', 'z');
    const before = hashAdapter(module, define()).code;
    put('a.ts', 'x');
    put('b.ts', 'yz');
    expect(hashAdapter(module, define()).code).not.toBe(before);
  });

  test('sees a config that changed', () => {
    const hash = (config: AdapterDefinition['config']) => hashAdapter(module, define({ config })).config;
    const one = hash(z.strictObject({ a: z.string(), b: z.int() }));
    expect(hash(z.strictObject({ a: z.string().meta({ 'x-hub': 'secret' }), b: z.int() }))).not.toBe(one);
    expect(hash(z.strictObject({ a: z.string(), b: z.int() }))).toBe(one);
  });

  test.each(adapters.map(({ id }) => id))('can be taken of %s: its folder is called like it', (id) => {
    const definition = adapters.find((adapter) => adapter.id === id) as AdapterDefinition;
    expect(hashAdapter(shippedModule(id), definition).code).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a report', () => {
  test('that fits admits', () => {
    expect(admission(reportOf(), module, define())).toBe('current');
  });

  test('that is not there, or is no report, does not', () => {
    expect(readReport(join(folder, 'nowhere.json'))).toBeNull();
    put('conformance/report.json', '{"admitted":true}');
    expect(readReport(reportPath(module))).toBeNull();
    put('conformance/report.json', '{');
    expect(admission(readReport(reportPath(module)), module, define())).toBe('missing');
    put('conformance/report.json', JSON.stringify(reportOf()));
    expect(admission(readReport(reportPath(module)), module, define())).toBe('current');
  });

  test.each<[string, Partial<AdmissionReport>, Partial<AdapterDefinition>]>([
    ['another product', { product: 'others' }, {}],
    ['another version', {}, { version: '1.2.1' }],
    ['a contract it does not speak any more', { contract: '0.9' }, {}],
    ['another config', {}, { config: z.strictObject({ baseUrl: z.url(), more: z.string() }) }],
  ])('of %s is stale', (_, report, definition) => {
    expect(admission(reportOf(report), module, define(definition))).toBe('stale');
  });

  test('of other files is stale', () => {
    const report = reportOf();
    put('mapping.ts', 'export const map = 3;\n');
    expect(admission(report, module, define())).toBe('stale');
  });

  test('that says no, or whose waiver has run out, has failed', () => {
    expect(admission(reportOf({ admitted: false }), module, define())).toBe('failed');
    const waived = reportOf({ waivers: [{ check: 'submit.once', expires: '2026-12-31' }] });
    expect(admission(waived, module, define(), new Date('2026-12-31T23:00:00Z'))).toBe('current');
    expect(admission(waived, module, define(), new Date('2027-01-01T00:00:00Z'))).toBe('failed');
  });
});
