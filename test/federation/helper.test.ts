import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { createHelper, type Helper } from '../../src/federation/helper.ts';
import { inProcess, inThread } from '../../src/federation/hosts.ts';
import type { HelperQuestion } from './kit/helper.ts';

const file = new URL('./kit/helper.ts', import.meta.url);
const hosts = { 'a thread': inThread(file), 'a process': inProcess(file) };
let helpers = 0;
let helper: Helper<HelperQuestion, number>;
const start = (host: keyof typeof hosts, beginMs: number) => {
  helpers = 0;
  helper = createHelper('test', hosts[host], (ask) => {
    helpers += 1;
    ask('begin', beginMs).catch(() => {});
  });
};
const outcomes = async (asked: readonly Promise<number>[]) =>
  (await Promise.allSettled(asked)).map((one) => (one.status === 'fulfilled' ? one.value : one.reason.kind));
afterEach(() => helper?.close());

describe.each(['a thread', 'a process'] as const)('%s', { timeout: 120_000 }, (host) => {
  test('has begun before it is asked anything, and the time of a question begins with its turn', async () => {
    start(host, 60_000);
    expect(await Promise.all(Array.from({ length: 5 }, () => helper.ask(400, 5000)))).toEqual([1, 1, 1, 1, 1]);
    expect(helpers).toBe(1);
  });

  test('that is held up is replaced, and only what held it up fails', async () => {
    start(host, 60_000);
    const asked = [helper.ask(0, 30_000), helper.ask(120_000, 500), helper.ask(0, 30_000), helper.ask(1, 30_000)];
    expect(await outcomes(asked)).toEqual([1, 'late', 1, 1]);
    expect(helpers).toBe(2);
    expect(helper.waiting()).toBe(0);
  });

  test('that cannot begin in time fails what waits for it, and the next question tries again', async () => {
    start(host, 1);
    await expect(helper.ask(0, 5000)).rejects.toMatchObject({ kind: 'late' });
    await expect(helper.ask(0, 5000)).rejects.toMatchObject({ kind: 'late' });
    expect(helpers).toBe(2);
  });
});

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a process', { timeout: 120_000 }, () => {
  test('that dies of a question is replaced; the question says so, and the others are answered', async () => {
    start('a process', 60_000);
    const asked = [
      helper.ask(1, 30_000),
      helper.ask('crash', 30_000),
      helper.ask(1, 30_000),
      helper.ask('crash', 30_000),
      helper.ask(0, 30_000),
    ];
    expect(await outcomes(asked)).toEqual([1, 'crashed', 1, 'crashed', 1]);
    expect(helpers).toBe(3);
  });

  test('that somebody else ends has not died of its question', async () => {
    start('a process', 60_000);
    const pid = await helper.ask('pid', 30_000);
    const asked = [helper.ask(120_000, 120_000), helper.ask(0, 30_000)];
    process.kill(pid, 'SIGKILL');
    expect(await outcomes(asked)).toEqual(['ended', 1]);
  });

  test('goes on when the terminal interrupts all of its processes, and ends when it is closed', async () => {
    start('a process', 60_000);
    const pid = await helper.ask('pid', 30_000);
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGTERM');
    expect(await helper.ask('pid', 30_000)).toBe(pid);
    await helper.close();
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 30_000);
  });

  let parent: ChildProcess | undefined;
  afterEach(() => parent?.kill('SIGKILL'));
  test.each([
    ['is idle', 0],
    ['computes', 100_000],
  ])('that %s ends with the one that started it, when that is killed', async (_, busyMs) => {
    start('a process', 60_000);
    parent = fork(new URL('./kit/parent.ts', import.meta.url), [String(busyMs)], { execArgv: [], silent: true });
    const [printed] = (await once(parent.stdout!, 'data')) as [Buffer];
    const pid = Number(printed.toString());
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 30_000);
  });
});

describe('where the hub is installed as a package, whose types Node does not strip', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-package-'));
  const installed = join(folder, 'node_modules', 'hub');
  const root = join(import.meta.dirname, '..', '..');
  const files = ['src/strip-types.js', 'src/federation/helper.ts', 'src/federation/hosts.ts', 'test/federation/kit', 'package.json'];
  for (const name of files) {
    mkdirSync(dirname(join(installed, name)), { recursive: true });
    cpSync(join(root, name), join(installed, name), { recursive: true });
  }
  let parent: ChildProcess | undefined;
  afterEach(() => parent?.kill('SIGKILL'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(['process', 'thread'])('a %s is started too', async (host) => {
    parent = fork(join(installed, 'test/federation/kit/parent.ts'), ['0', host], {
      execArgv: ['--import', pathToFileURL(join(installed, 'src/strip-types.js')).href],
      silent: true,
    });
    const [printed] = (await once(parent.stdout!, 'data')) as [Buffer];
    expect(Number(printed.toString()) === parent.pid).toBe(host === 'thread');
  });
});
