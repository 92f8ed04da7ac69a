import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBlocks, type CommandBlock } from '../docs/commands.ts';
import { openReadersFolder, readDocument, type ReadersFolder } from '../docs/sandbox.ts';

/* The sandbox where somebody else has its ports: it says so, and what it prints works as it is printed. */

const block = (script: string): CommandBlock => ({ line: 0, script, exit: 0, follow: false, answer: [] });

let servers: readonly (Server | null)[];
let reader: ReadersFolder;
beforeAll(async () => {
  // Where another program has them already, they are as taken as they need to be.
  servers = await Promise.all([4000, 4001].map(occupy));
  reader = await openReadersFolder(null);
}, 120_000);
afterAll(async () => {
  await reader?.close();
  for (const server of servers ?? []) server?.close();
}, 60_000);

const occupy = (port: number): Promise<Server | null> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(null)).listen(port, '127.0.0.1', () => resolve(server));
  });

test('npm start with ports 4000 and 4001 taken says so, and where it listens instead', () => {
  const printed = reader.printed();
  expect(printed).toContain('Port 4000 is taken. Port 4001 is taken.');
  const [, hub, issuer] = /^(http:\S+) and (http:\S+) there\./m.exec(printed) ?? [];
  expect(printed).toContain(`GraphQL     ${hub}/graphql`);
  expect(printed).toContain(`${issuer}/token`);
  // The documents' own addresses stand there once, to say that they are others.
  expect(printed.match(/127\.0\.0\.1:400[01]\b/g)).toHaveLength(2);
});

test('every command it prints works as it is printed', { timeout: 120_000 }, async () => {
  const commands = reader
    .printed()
    .split('\n')
    .flatMap((line) => /^(?: *Tokens +)?(curl .*|npx node .*)$/.exec(line.trim())?.[1] ?? [])
    .filter((command) => !command.includes('<'));
  expect(commands.length).toBeGreaterThanOrEqual(5);
  for (const command of commands.filter((one) => one.startsWith('curl'))) {
    const { code, output } = await reader.run(block(command));
    expect(code, command).toBe(0);
    expect(output, command).toMatch(/^\{"(data":\{|access_token":)/);
    expect(output, command).not.toContain('"errors"');
  }
});

test('addresses in data/sandbox/.env are those that answer', { timeout: 60_000 }, async () => {
  const { code, output } = await reader.run(
    block('source data/sandbox/.env; curl -sf "$HUB_URL/health/live" "$ISSUER_URL/.well-known/openid-configuration"'),
  );
  expect(code).toBe(0);
  expect(output).toContain('jwks_uri');
});

test('what a persona applied for is still theirs after a restart on other ports', { timeout: 120_000 }, async () => {
  const [apply, ask] = ['submit.json', 'mine.json'].map((name) => {
    const found = readBlocks(readDocument('README.md')).find(({ script }) => script.includes(`docs/examples/${name}`));
    if (!found) throw new Error(`README.md has no command with docs/examples/${name}`);
    return found;
  });
  const { output } = await reader.run(apply!);
  const id = /"id":"([^"]+)"/.exec(output)?.[1] ?? 'none';
  expect(id, output).not.toBe('none');
  const before = reader.printed();
  await reader.restart('0');
  expect(/GraphQL +\S+/.exec(reader.printed())).not.toEqual(/GraphQL +\S+/.exec(before));
  const token = block(
    apply!.script
      .split('\n')
      .filter((line) => line.startsWith('TOKEN='))
      .join('\n'),
  );
  await reader.run(token);
  const { output: mine } = await reader.run(ask!);
  expect(mine).toContain(id);
});
