import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** A simulator as a process of its own; resolves with its address. */
async function run(script: string, args: readonly string[]) {
  const child = spawn(process.execPath, [join('adapters', script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [line] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(([code]) => [Buffer.from(`exit ${code} ${errors}`)]),
  ])) as [Buffer];
  const url = /^url (.*)$/m.exec(line.toString())?.[1];
  const end = async (signal: NodeJS.Signals) => {
    const ended = once(child, 'exit');
    child.kill(signal);
    return (await ended)[0] as number | null;
  };
  return { url, said: line.toString(), end };
}

test.each([
  [
    'redmine/simulator.ts',
    ['--api-key', 'own-key-of-the-test'],
    '/issues.json',
    { 'x-redmine-api-key': 'own-key-of-the-test' },
    { issue: { project_id: 'permits', subject: 'x', custom_fields: [{ id: 1, value: 'k' }] } },
  ],
  [
    'rest/simulator.ts',
    ['--dialect', 'cases', '--secret', 'own-secret'],
    '/v1/cases',
    { authorization: `Basic ${btoa('hub:own-secret')}`, 'x-request-token': 'k' },
    { submitter: { fullName: 'x' } },
  ],
])('%s runs by itself, keeps its cases over kill -9 and ends when told', async (script, args, path, headers, body) => {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'));
  const all = [...args, '--port', '0', '--file', join(folder, 'cases.jsonl')];
  const first = await run(script, all);
  expect(first.said).toMatch(/^url /);
  const made = await fetch(first.url + path, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(made.status).toBe(201);
  await first.end('SIGKILL');
  const second = await run(script, all);
  expect(await (await fetch(`${second.url}/_sim/keys`)).json()).toEqual({ k: 1 });
  expect(await second.end('SIGTERM')).toBe(0);
  rmSync(folder, { recursive: true });
});

test.each([
  [['--dialect', 'klingon'], 'antraege, vorgaenge, cases'],
  [['--dialekt', 'cases'], 'dialekt'],
  [['--port', 'many'], '--port takes a number'],
])('an option that makes no sense (%s) is named', async (args, words) => {
  const { url, said } = await run('rest/simulator.ts', args);
  expect(url).toBeUndefined();
  expect(said).toContain(words);
});
