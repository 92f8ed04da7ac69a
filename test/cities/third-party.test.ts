import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import * as contract from '#contract';
import { adapters } from '../../adapters/index.ts';
import { hashAdapter } from '../../src/cities/admission.ts';
import { loadCities, type LoadOptions } from '../../src/cities/load.ts';
import { complaintText } from '../../src/cities/load/complaint.ts';
import { commonContract } from '../../src/cities/load/definition.ts';
import { runNewAdapter } from '../../src/cli/new.ts';

const run = promisify(execFile);
const repository = resolve('.');
const top = mkdtempSync(join(tmpdir(), 'staedtebund-third-'));
afterAll(() => rmSync(top, { recursive: true }));

const env = { CITY_DESK_URL: 'http://127.0.0.1:9', CITY_DESK_TOKEN: 'city-desk-simulator-token' };

const cityFile = (product: string) => `ars: '051110000000'
name: Düsseldorf
since: 2026-11-01
adapters:
  cases:
    product: ${product}
    services: ['*']
    config: { baseUrl: { $env: CITY_DESK_URL }, token: { $env: CITY_DESK_TOKEN }, queue: applications }
    statusMap: { open: received }
`;

/** A folder with a city's file and, beside it, an adapter that was made like one of a third party. */
let count = 0;
function place(product: string, more: Readonly<Record<string, string>> = {}): string {
  const folder = join(top, String(count++));
  const files = { 'cities/muster.yaml': cityFile(product), ...more };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  // As `npm install` would leave it.
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

const load = async (folder: string, over: Partial<LoadOptions> = {}) => {
  const loaded = await loadCities({ folder: join(folder, 'cities'), adapters, env, ...over });
  return { ...loaded, told: loaded.complaints.map((complaint) => complaintText(complaint, 'EN')) };
};

const cityDesk = (folder: string) => runNewAdapter({ name: 'city-desk', dir: join(folder, 'city-desk'), cwd: folder }, () => {});

describe('a city’s file names an adapter that does not ship with the hub', () => {
  test.each([
    ['a module', '../city-desk/index.ts'],
    ['its folder', '../city-desk'],
  ])('by the path of %s', async (_, product) => {
    const folder = place(product);
    cityDesk(folder);
    const { cities, told } = await load(folder);
    expect(told).toEqual([]);
    expect(cities[0]?.city.adapters[0]?.product, 'it is known by its own id').toBe('city-desk');
    expect(cities[0]?.adapters[0]).toMatchObject({ contract: '1.1', endpoints: [env.CITY_DESK_URL], secrets: [env.CITY_DESK_TOKEN] });
  });

  test('by an absolute path', async () => {
    const other = place('redmine');
    cityDesk(other);
    expect((await load(place(join(other, 'city-desk/index.ts')))).told).toEqual([]);
  });

  test('by the name of a package that is installed beside it', async () => {
    const folder = place('city-desk-adapter', {
      'cities/node_modules/city-desk-adapter/package.json': JSON.stringify({
        name: 'city-desk-adapter',
        type: 'module',
        exports: './index.js',
      }),
      'cities/node_modules/city-desk-adapter/index.js':
        "import { z } from 'zod';\nexport default { id: 'packed', version: '1.0.0', contract: ['1.0'], config: z.looseObject({}), create: () => ({ cases: {} }) };\n",
    });
    const { cities, told } = await load(folder);
    expect(told).toEqual([]);
    expect(cities[0]?.adapters[0]?.definition.id).toBe('packed');
  });

  const whole = "id: 'x', version: '1.0.0', contract: ['1.0'], config: z.strictObject({}), create: () => ({ cases: {} })";
  test.each<[what: string, product: string, module: string, words: string[]]>([
    ['that is not there', './nowhere.ts', '', ['There is no adapter at ./nowhere.ts', 'paths start at this file’s folder']],
    ['in an empty folder', '../empty', '', ['There is no adapter at ../empty', 'for example ./tickets/index.ts']],
    ['that exports nothing', '../a/index.ts', 'export {};', ['defines no adapter', 'a default export that is an AdapterDefinition']],
    ['that exports a function', '../a/index.ts', 'export default () => {};', ['defines no adapter', 'docs/reference/contract.md']],
    [
      'that lacks parts',
      '../a/index.ts',
      "export default { id: 'Tickets', version: '1', contract: '1.0' };",
      ['id (a text of lower-case', 'version (a text such as 1.0.0)', 'contract (a list', 'config (a zod 4 schema', 'create (a function)'],
    ],
    [
      'whose config is no schema with a JSON Schema',
      '../a/index.ts',
      "export default { id: 'x', version: '1.0.0', contract: ['1.0'], config: { '~standard': { validate() {} } }, create() {} };",
      ['lacks config["~standard"].jsonSchema'],
    ],
    ['that throws', '../a/index.ts', "throw new Error('kaputt');", ['The adapter ../a/index.ts cannot be loaded: Error: kaputt']],
    ['that throws no Error', '../a/index.ts', "throw 'kaputt';", ['it throws something that is no Error']],
    ['that is no TypeScript', '../a/index.ts', 'export default {{{', ['cannot be loaded: ', 'Put it right there']],
    [
      'that imports what is not installed',
      '../a/index.ts',
      "import 'not-there-at-all';",
      ['cannot be loaded: ', 'not-there-at-all', 'npm install'],
    ],
    [
      'that speaks another contract',
      '../a/index.ts',
      `import { z } from 'zod';\nexport default { ${whole.replace("'1.0']", "'2.0', '3.1']")} };`,
      ['The adapter speaks contract 2.0, 3.1, the hub 1.1, 1.0.', 'a version of the adapter that fits'],
    ],
  ])('a module %s is named with its place and a remedy', async (_, product, module, words) => {
    const folder = place(product, module ? { 'a/index.ts': module } : { 'empty/README.md': '' });
    const { cities, told, complaints } = await load(folder);
    expect(cities).toEqual([]);
    expect(complaints[0]).toMatchObject({ line: 6, column: 14, path: 'adapters.cases.product' });
    for (const word of words) expect(told.join('\n')).toContain(word);
  });

  test('the only export that could be a definition will do', async () => {
    const folder = place('../a/index.ts', {
      'a/index.ts': `import { z } from 'zod';\nexport const other = 1;\nexport const x = { ${whole.replace('strictObject', 'looseObject')} };`,
    });
    expect((await load(folder)).told).toEqual([]);
  });

  test('its config is checked against its own schema', async () => {
    const folder = place('../city-desk');
    cityDesk(folder);
    writeFileSync(join(folder, 'cities/muster.yaml'), cityFile('../city-desk').replace('queue:', 'quue:'));
    const { told } = await load(folder);
    expect(told.join('\n')).toContain('“quue” is not known here. Did you mean “queue”?');
  });
});

describe('admission', () => {
  const withReport = async (over: object = {}) => {
    const folder = place('../city-desk');
    cityDesk(folder);
    const { cities } = await load(folder);
    const definition = cities[0]?.adapters[0]?.definition;
    if (!definition) return expect.unreachable('the adapter loads');
    const hash = hashAdapter(pathToFileURL(join(folder, 'city-desk/index.ts')).href, definition);
    const report = { contract: '1.0', product: 'city-desk', version: '1.0.0', hash, admitted: true, ...over };
    writeFileSync(join(folder, 'city-desk/conformance/report.json'), JSON.stringify(report));
    return folder;
  };

  test('without a report the city stays out, with the command that makes one', async () => {
    const folder = place('../city-desk');
    cityDesk(folder);
    const { cities, told, complaints } = await load(folder, { admission: 'required' });
    expect(cities).toEqual([]);
    expect(complaints[0]).toMatchObject({ line: 6, path: 'adapters.cases.product' });
    expect(told[0]).toMatch(
      /city-desk has no report.*npx staedtebund conformance \S+index\.ts --config \S+muster\.yaml --adapter cases --samples \S+ /,
    );
  });

  test('in development it is noted', async () => {
    const folder = place('../city-desk');
    cityDesk(folder);
    const { cities, complaints, notes } = await load(folder, { admission: 'noted' });
    expect(cities).toHaveLength(1);
    expect(complaints).toEqual([]);
    expect(notes.map(({ problem }) => problem.en)).toEqual(['The adapter city-desk has no report of the conformance kit.']);
  });

  test('with a report about exactly this adapter it is connected', async () => {
    expect((await load(await withReport(), { admission: 'required' })).told).toEqual([]);
  });

  test.each([
    ['about other files', { hash: { code: 'x', config: 'x' } }, 'about another state of it'],
    ['that says no', { admitted: false }, 'has not passed'],
    ['whose waiver has run out', { waivers: [{ check: 'a.b', expires: '2020-01-01' }] }, 'a waiver has run out'],
  ])('a report %s keeps it out', async (_, over, words) => {
    const { cities, told } = await load(await withReport(over), { admission: 'required' });
    expect(cities).toEqual([]);
    expect(told[0]).toContain(words);
  });
});

test('of the contract versions that both speak, the newest is used', () => {
  expect(commonContract(['1.0', '2.0'], ['2.1', '2.0', '1.0'])).toBe('2.0');
  expect(commonContract(['0.9'], ['1.0'])).toBeNull();
});

describe('the hub as a package', () => {
  /** `npm pack` in a copy, so that this checkout is not touched, unpacked as npm would install it. */
  async function install(): Promise<string> {
    const copy = join(top, 'copy');
    mkdirSync(copy);
    for (const name of [
      'package.json',
      'tsconfig.json',
      'tsconfig.contract.json',
      'src',
      'adapters',
      'schema',
      'reference',
      'README.md',
      'LICENSE',
    ])
      cpSync(join(repository, name), join(copy, name), { recursive: true });
    symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));
    const { stdout } = await run('npm', ['pack', '--offline', '--json'], { cwd: copy, maxBuffer: 2 ** 26 });
    const [{ filename = '' } = {}] = JSON.parse(stdout) as { filename?: string }[];
    const app = join(top, 'app');
    mkdirSync(join(app, 'node_modules/staedtebund'), { recursive: true });
    for (const name of readdirSync(join(repository, 'node_modules')))
      if (!name.startsWith('.')) symlinkSync(join(repository, 'node_modules', name), join(app, 'node_modules', name));
    await run('tar', ['xzf', join(copy, filename), '-C', join(app, 'node_modules/staedtebund'), '--strip-components=1']);
    return app;
  }

  test('serves a third party: types, classes and commands, with one contract for hub and adapter', { timeout: 120_000 }, async () => {
    const app = await install();
    const node = (...args: string[]) => run(process.execPath, args, { cwd: app, env: { ...process.env, ...env, CITIES_DIR: './cities' } });
    await node('node_modules/staedtebund/src/cli.js', 'new', 'adapter', 'city-desk');
    await run(join(repository, 'node_modules/.bin/tsc'), [], { cwd: join(app, 'city-desk') });
    await run(process.execPath, ['--test'], { cwd: join(app, 'city-desk'), env: { ...process.env, NODE_OPTIONS: '' } });

    // An error of the adapter's own class is understood: `check` shows its hint instead of “failed by itself”.
    mkdirSync(join(app, 'cities'));
    writeFileSync(join(app, 'cities/muster.yaml'), cityFile('../city-desk/index.ts'));
    writeFileSync(
      join(app, 'city-desk/client.ts'),
      `import { AdapterError, type Adapter, type CasePort, type Host } from 'staedtebund/contract';
       import type { CityDeskConfig } from './config.ts';
       export const createCityDesk = (_: CityDeskConfig, host: Host): Adapter => ({
         start: async () => {},
         stop: async () => {},
         cases: {} as CasePort,
         check: () => host.fetch('http://127.0.0.2/').then(
           () => { throw new Error('unreachable'); },
           (error: unknown) => { throw new AdapterError('misconfigured', 'none', 'one contract: ' + (error instanceof AdapterError)); },
         ),
       });`,
    );
    const checked = await run(process.execPath, ['node_modules/staedtebund/src/cli.js', '--language', 'EN', 'check'], {
      cwd: app,
      env: { ...process.env, ...env, CITIES_DIR: './cities', NODE_ENV: 'development' },
    }).catch((error: { stdout: string; stderr: string }) => error);
    expect(checked.stdout + checked.stderr).toContain('one contract: true');
  });

  test('exports everything that the contract has at run time', async () => {
    const exported = (await import(pathToFileURL(join(repository, 'src/contract/package.js')).href)) as object;
    expect(Object.keys(exported).toSorted()).toEqual(Object.keys(contract).toSorted());
  });
});

test('an AdapterError of another copy of the contract is known by its shape', () => {
  const foreign = Object.assign(new Error('x'), { name: 'AdapterError', kind: 'rejected', effect: 'none' });
  expect(contract.isAdapterError(foreign)).toBe(true);
  expect(contract.isAdapterError(new contract.AdapterError('malformed', 'unknown', 'x'))).toBe(true);
  expect(contract.isAdapterError(Object.assign(new Error('x'), { name: 'AdapterError', kind: 'other', effect: 'none' }))).toBe(false);
  expect(contract.isAdapterError({ name: 'AdapterError', kind: 'rejected', effect: 'none' })).toBe(false);
});
