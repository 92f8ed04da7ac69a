import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { duesseldorfPortal } from '../../sandbox/portals/duesseldorf.ts';
import { portalToken, startPortal, type Portal } from '../../sandbox/portals/portal.ts';
import { cityOf } from '../federation/rows-kit.ts';
import { startTestHub, type TestHub } from '../kit/hub.ts';
import { repository } from './sandbox.ts';

/* The recipe as a portal developer follows it: types from a hub, a compiler over both, a question. */

const run = promisify(execFile);
const tsc = (folder: string) =>
  run(join(repository, 'node_modules/.bin/tsc'), ['--project', join(folder, 'tsconfig.json')]).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );

let folder: string;
let portal: Portal;
let hub: TestHub;

beforeAll(async () => {
  // Within the repository, so that a link to its packages is all that has to be installed.
  mkdirSync(join(repository, 'tmp'), { recursive: true });
  folder = mkdtempSync(join(repository, 'tmp/typed-client-'));
  cpSync(join(repository, 'docs/examples/typed-client'), folder, { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'esnext',
    module: 'nodenext',
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ['node'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  portal = await startPortal(duesseldorfPortal);
  hub = await startTestHub({
    cities: { duesseldorf: cityOf('duesseldorf') },
    env: { DUESSELDORF_PORTAL_URL: portal.url, DUESSELDORF_PORTAL_TOKEN: portalToken },
  });
  await run(process.execPath, ['types.ts', hub.url], { cwd: folder });
});
afterAll(async () => {
  await hub.close();
  await portal.close();
  rmSync(folder, { recursive: true, force: true });
});

test('compiles, and answers what the city says', async () => {
  expect(await tsc(folder)).toBe('');
  const client = (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'client.ts')).href)) as {
    countFreePlaces(hub: string, variables: { postalCode: string; places: number }): Promise<unknown>;
  };
  expect(await client.countFreePlaces(hub.url, { postalCode: '40213', places: 1 })).toEqual([{ town: 'Düsseldorf', free: 9 }]);
});

test.each([
  ['a field that is not there', 'freePlaces\n', 'freeSpots\n'],
  ['a variable of another type', '{ postalCode: string; places: number }', ''],
  ['an answer read wrongly', '(freePlaces ?? 0)', 'freePlaces'],
])('refuses %s', async (_, from, to) => {
  const original = readFileSync(join(folder, 'client.ts'), 'utf8');
  const broken = to === '' ? `${original}\nawait countFreePlaces('', { postalCode: 40213, places: 1 });\n` : original.replace(from, to);
  expect(broken).not.toBe(original);
  writeFileSync(join(folder, 'client.ts'), broken);
  try {
    expect(await tsc(folder)).toContain('client.ts');
  } finally {
    writeFileSync(join(folder, 'client.ts'), original);
  }
});
