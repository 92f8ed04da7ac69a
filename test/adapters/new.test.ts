import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
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

/** A Node.js of this machine that is older than the hub's, or null. */
function olderNode(): string | null {
  const found = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  const isOlder = (file: string) => Number.parseInt(execFileSync(file, ['--version'], { encoding: 'utf8' }).slice(1), 10) < 24;
  return found.find((file) => !file.includes('node_modules') && existsSync(file) && isOlder(file)) ?? null;
}

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
      'npm run simulator -- --port 8080',
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
    const { stdout } = await run('npm', ['test'], { cwd: own, env: { ...process.env, NODE_OPTIONS: '' } });
    expect(stdout).toMatch(/pass 7\n/);
  });

  // The machine's own, as who installs this package may have it; the right one comes with the packages.
  const old = olderNode();
  const onOlder = (file: string, ...args: string[]) =>
    run(file, args, {
      cwd: own,
      env: { HOME: top, PATH: [...(old === null ? [] : [dirname(old)]), process.env['PATH']].join(delimiter), LANG: 'en_GB' },
    });

  test.skipIf(old === null)('runs its tests where the machine’s own Node.js is older', { timeout: 120_000 }, async () => {
    const { devDependencies } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { devDependencies: { node: string } };
    expect(devDependencies.node).toMatch(/^24\./);
    mkdirSync(join(own, 'node_modules/.bin'), { recursive: true });
    symlinkSync(join(repository, 'node_modules/node'), join(own, 'node_modules/node'));
    symlinkSync('../node/bin/node', join(own, 'node_modules/.bin/node'));
    const { stdout } = await onOlder('npm', 'test');
    expect(stdout).toMatch(/pass 7\n/);
    // Without it no test passes for lack of tests.
    rmSync(join(own, 'node_modules/.bin/node'));
    await expect(onOlder('npm', 'test')).rejects.toMatchObject({ code: 1 });
  });

  test.skipIf(old === null)('is told by the command what Node.js it needs, in one sentence', async () => {
    const refused = onOlder(old ?? '', join(repository, 'src/cli.js'), 'check');
    await expect(refused).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^staedtebund needs Node\.js 24 or later; this is \d+\S+\. Install .*\n$/),
    });
    const german = onOlder(old ?? '', join(repository, 'src/cli.js'), '--language', 'DE', 'check');
    await expect(german).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('braucht Node.js ab Version 24') });
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
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringMatching(/^CONFIG_INVALID: „City“ kann kein Adapter heißen.*\n$/) });
  });
});
