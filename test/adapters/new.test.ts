import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Json } from '#contract';
import { simulatedToken, startSimulator } from '../../adapters/_template/simulator.ts';
import { loadCities } from '../../src/cities/load.ts';
import { runNewAdapter } from '../../src/cli/new.ts';
import { readSamples } from '../../src/conformance/read-samples.ts';
import { runConformance } from '../../src/conformance/run.ts';

const run = promisify(execFile);
const repository = resolve('.');
const bin = (name: string) => join(repository, 'node_modules/.bin', name);
const top = mkdtempSync(join(tmpdir(), 'staedtebund-new-'));
afterAll(() => rmSync(top, { recursive: true }));

let count = 0;
const emptyFolder = (): string => {
  const folder = join(top, String(count++));
  mkdirSync(folder);
  return folder;
};
const make = (name: string, cwd: string, more: { dir?: string; language?: 'DE' | 'EN' } = {}): string => {
  const lines: string[] = [];
  expect(runNewAdapter({ name, cwd, ...more }, (line) => lines.push(line))).toBe(0);
  return lines.join('\n');
};

describe('an adapter of its own', () => {
  const folder = emptyFolder();
  const said = make('city-desk', folder, { language: 'EN' });
  const own = join(folder, 'city-desk');
  // As `npm install` would leave it: what it names, and the hub linked.
  mkdirSync(join(own, 'node_modules/@types'), { recursive: true });
  for (const name of ['zod', '@types/node', 'undici-types', 'typescript'])
    symlinkSync(join(repository, 'node_modules', name), join(own, 'node_modules', name));
  symlinkSync(repository, join(own, 'node_modules/staedtebund'));

  test('says what to do next, in order', () => {
    const steps = [
      'cd city-desk',
      'npm install',
      'npx tsc',
      'npm test',
      'node simulator.ts --port 8080',
      'export CITY_DESK_URL=',
      'npx staedtebund conformance index.ts',
    ];
    const places = steps.map((step) => said.indexOf(step));
    expect(places).not.toContain(-1);
    expect(places.toSorted((a, b) => a - b)).toEqual(places);
  });

  test('has every name changed, in each of its forms', () => {
    const files = readdirSync(own, { recursive: true, encoding: 'utf8' }).filter(
      (file) => !file.startsWith('node_modules') && /\.\w+$/.test(file),
    );
    expect(files).toContain('city-desk.test.ts');
    expect(files).toContain('conformance/samples.yaml');
    const left = files.filter((file) => /ticketing|#contract|vitest/i.test(readFileSync(join(own, file), 'utf8')));
    expect(left).toEqual([]);
  });

  test('compiles and passes its test', { timeout: 120_000 }, async () => {
    await run(bin('tsc'), [], { cwd: own });
    const { stdout } = await run(process.execPath, ['--test'], { cwd: own, env: { ...process.env, NODE_OPTIONS: '' } });
    expect(stdout).toMatch(/pass 7\n/);
  });

  test('passes the conformance kit against its simulator', { timeout: 180_000 }, async () => {
    const simulator = await startSimulator();
    const env = { CITY_DESK_URL: simulator.url, CITY_DESK_TOKEN: 'city-desk-simulator-token' };
    try {
      // Another token: the simulator of the template stands in for the one of the copy.
      const known = { ...env, CITY_DESK_TOKEN: simulatedToken };
      const conformance = join(own, 'conformance');
      const cities = emptyFolder();
      const file = readFileSync(join(conformance, 'city.yaml'), 'utf8').replace('../index.ts', join(own, 'index.ts'));
      writeFileSync(join(cities, 'stadt.yaml'), file);
      const { cities: loaded, complaints } = await loadCities({ folder: cities, adapters: [], env: known });
      expect(complaints).toEqual([]);
      const [connected] = loaded;
      const adapter = connected?.adapters[0];
      const samples = await readSamples(join(conformance, 'samples.yaml'));
      if (!connected || !adapter || !('valid' in samples)) throw new Error('the city or its samples cannot be read');
      const { city } = connected;
      const { config } = (parse(file) as { adapters: { cases: { config: Record<string, Json> } } }).adapters.cases;
      const report = await runConformance({
        definition: adapter.definition,
        module: pathToFileURL(join(own, 'index.ts')).href,
        city: city.id,
        ars: city.ars,
        config: { ...config, baseUrl: simulator.url, token: simulatedToken },
        mappedStatuses: new Set(city.adapters[0]?.statusMap.keys()),
        limits: { concurrency: 4, timeoutMs: 4000 },
        samples,
        surroundings: { folder: conformance, env: known },
      });
      const odd = report.results.filter(({ finding }) => finding.status !== 'pass' && finding.status !== 'not-applicable');
      expect(odd).toEqual([]);
      expect(report.admitted).toBe(true);
      expect(report.results.filter(({ finding }) => finding.status === 'pass').length).toBeGreaterThan(25);
    } finally {
      await simulator.close();
    }
  });
});

test('in a checkout it becomes one of the hub’s adapters: it compiles, is clean and passes its test', { timeout: 180_000 }, async () => {
  const checkout = emptyFolder();
  for (const name of [
    'package.json',
    'tsconfig.json',
    'vitest.config.ts',
    '.oxlintrc.json',
    '.oxfmtrc.json',
    'src',
    'adapters/_template',
    'adapters/index.ts',
    'test/adapters',
    'test/kit/plain-reporter.ts',
  ])
    cpSync(join(repository, name), join(checkout, name), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(checkout, 'node_modules'));
  // The command of that checkout, not of this one.
  writeFileSync(
    join(checkout, 'make.ts'),
    "import { runNewAdapter } from './src/cli/new.ts';\nrunNewAdapter({ name: 'city-desk', cwd: process.cwd(), language: 'EN' }, console.log);\n",
  );
  const { stdout } = await run(process.execPath, ['make.ts'], { cwd: checkout });
  expect(stdout).toContain('npx vitest run test/adapters/city-desk.test.ts');
  expect(existsSync(join(checkout, 'adapters/city-desk/package.json'))).toBe(false);
  const paths = ['adapters/city-desk', 'test/adapters/city-desk.test.ts'];
  writeFileSync(join(checkout, 'tsconfig.new.json'), JSON.stringify({ extends: './tsconfig.json', include: paths }));
  await run(bin('tsc'), ['--project', 'tsconfig.new.json'], { cwd: checkout });
  await run(bin('oxlint'), ['--deny-warnings', ...paths], { cwd: checkout });
  const tested = await run(bin('vitest'), ['run', 'test/adapters/city-desk.test.ts'], { cwd: checkout });
  expect(tested.stdout).toContain('7 passed, 0 failed');
});

describe('is refused, with what to do instead,', () => {
  test.each([
    ['City Desk', 'cannot name an adapter: use lower-case letters'],
    ['-x', 'cannot name an adapter'],
    ['a--b', 'cannot name an adapter'],
    ['x'.repeat(41), 'cannot name an adapter'],
    ['delete', 'is taken by the language or the hub'],
    ['simulation', 'is taken by the language or the hub'],
  ])('under the name %s', (name, words) => {
    const folder = emptyFolder();
    expect(() => make(name, folder)).toThrow(words);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('where something is already', () => {
    const folder = emptyFolder();
    make('desk', folder);
    expect(() => make('desk', folder)).toThrow('is not empty: name another folder with --dir');
    make('desk', folder, { dir: 'other' });
    expect(existsSync(join(folder, 'other/index.ts'))).toBe(true);
  });

  test('as a command too: one sentence and exit code 2', async () => {
    const failed = await run(process.execPath, [join(repository, 'src/cli.js'), 'new', 'adapter', 'City'], { cwd: emptyFolder() }).catch(
      (error: { code: number; stderr: string }) => error,
    );
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringMatching(/^CONFIG_INVALID: “City” cannot name an adapter.*\n$/) });
  });
});
