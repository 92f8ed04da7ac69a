import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { ars, duesseldorf, startTestHub, type TestHub } from '../kit/hub.ts';
import { describeOnEachStore } from '../kit/services.ts';

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-restored-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const patience = { timeout: 30_000, interval: 100 };

/** `staedtebund`, as an operator runs it beside the hub. */
const cli = async (hub: TestHub, ...args: string[]): Promise<string> => {
  const env = { ...process.env, STORE_URL: hub.env['STORE_URL'] };
  const { stdout } = await promisify(execFile)(process.execPath, [resolve('src/cli.js'), '--language', 'EN', ...args], {
    env,
    cwd: folder,
  });
  return stdout;
};

describeOnEachStore('a store restored from a backup', (kit, dialect) => {
  test('files nothing twice, neither what was open nor what clients repeat', async () => {
    const backoffice = await startRedmineSimulator({});
    const cities = { duesseldorf: duesseldorf({ baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey }) };
    const hub = await startTestHub({ cities, env: { STORE_URL: await kit.freshUrl() } });
    const backup = join(folder, `backup-${dialect}`);

    const before = await Promise.all(['b1', 'b2'].map((key) => hub.submit(ars.duesseldorf, key)));
    await expect.poll(() => backoffice.cases.list().length, patience).toBe(2);
    // The next one is open in the backup and delivered afterwards.
    backoffice.setFaults({ unavailable: 1 });
    const open = await hub.submit(ars.duesseldorf, 'open');
    expect(await cli(hub, 'backup', backup)).toMatch(/backed up/);
    expect(await cli(hub, 'backup', backup), 'a second time').toMatch(/backed up/);
    backoffice.setFaults({ unavailable: 0 });
    const after = await Promise.all(['a1', 'a2', 'a3'].map((key) => hub.submit(ars.duesseldorf, key)));
    await expect.poll(() => backoffice.cases.list().length, patience).toBe(6);
    const keys = new Set(backoffice.cases.list().map(({ key }) => key));
    expect(keys).toEqual(new Set([...before, open, ...after].map(({ key }) => key)));

    await hub.hub.close();
    const changed = join(folder, `changed-${dialect}`);
    const bytes = readFileSync(backup);
    bytes[bytes.length >> 1] = bytes[bytes.length >> 1]! ^ 1;
    writeFileSync(changed, bytes);
    writeFileSync(`${changed}.sha256`, readFileSync(`${backup}.sha256`));
    await expect(cli(hub, 'restore', changed, '--verify'), 'one bit is another').rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is damaged/) as string,
    });
    if (dialect === 'sqlite') {
      // As a crash would leave it: a log of writes that belongs to no file any more.
      const path = hub.env['STORE_URL']!.slice('sqlite:'.length);
      writeFileSync(`${path}-wal`, Buffer.alloc(4096, 7));
      expect(await cli(hub, 'restore', backup, '--verify')).toMatch(/in order\. 3 applications/);
      expect(await cli(hub, 'restore', backup)).toMatch(/Restored: 3 applications.*\nThe store before lies in .*hub\.db\.before-/);
      expect(readdirSync(join(path, '..')).filter((name) => name.endsWith('-wal'))).toEqual([]);
    } else {
      expect(await cli(hub, 'restore', backup, '--verify')).toMatch(/can be read to its end/);
      expect(await cli(hub, 'restore', backup)).toMatch(
        /The store before lies in the schema staedtebund_before_.*\nRestored: 3 applications/,
      );
    }

    const again = await startTestHub({ cities, like: hub });
    const repeated = await Promise.all(['b1', 'open', 'a1', 'a2', 'a3'].map((key) => again.submit(ars.duesseldorf, key)));
    expect(repeated.map(({ replayed }) => replayed)).toEqual([true, true, false, false, false]);
    for (const { id } of repeated) await expect.poll(async () => (await again.find(id))?.status, patience).toBe('RECEIVED');
    expect(backoffice.cases.list().map(({ key }) => key)).toHaveLength(6);
    expect(repeated.slice(2).map(({ key }) => key)).toEqual(after.map(({ key }) => key));
    await again.close();
    await hub.close();
    await backoffice.close();
  }, 300_000);
});
