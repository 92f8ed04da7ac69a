import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { missingLines, type CommandBlock } from './commands.ts';

/** A reader's folder with a running sandbox in it. */
export interface ReadersFolder {
  /** Runs a block in the reader's terminal: variables that earlier blocks set are still there. */
  run(block: CommandBlock): Promise<{ readonly code: number | null; readonly output: string }>;
  /** What the sandbox said when it last started. */
  printed(): string;
  /** Stops the sandbox and starts it again in the same folder, with this PORT or, for null, none. */
  restart(port: string | null): Promise<void>;
  close(): Promise<void>;
}

const root = dirname(dirname(import.meta.dirname));
const patienceMs = 60_000;

/** What nobody changes; of the rest a reader has copies, to write in. */
const shared = new Set(['node_modules', 'reference']);
const leftOut = new Set(['data', '.git', '.env']);

/** Starts the sandbox, on a free port or as PORT says (null: not set), in a folder that looks like a fresh checkout after `npm ci`. */
export async function openReadersFolder(firstPort: string | null = '0'): Promise<ReadersFolder> {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-reader-'));
  for (const name of readdirSync(root)) {
    if (leftOut.has(name)) continue;
    if (shared.has(name)) symlinkSync(join(root, name), join(folder, name));
    else cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  // A reader's terminal does not have this project's programs on its path, and nothing may come from a registry.
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules'));
  const env: NodeJS.ProcessEnv = {
    // The reader's Node is the one that runs the tests.
    PATH: [dirname(process.execPath), ...path].join(delimiter),
    HOME: folder,
    LANG: 'C.UTF-8',
    npm_config_cache: join(folder, '.npm'),
    npm_config_offline: 'true',
  };
  const spawnSandbox = (port: string | null) =>
    spawn(process.execPath, ['sandbox/start.ts'], { cwd: folder, env: { ...env, ...(port === null ? {} : { PORT: port }) } });
  let sandbox = spawnSandbox(firstPort);
  const terminal = join(folder, '.terminal');
  writeFileSync(terminal, '');
  const stop = async () => {
    await ended(sandbox, 'SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    let printed = '';
    let local = (script: string) => script;
    const waitForIt = async () => {
      ({ output: printed } = await answered(sandbox, ['Stop with Ctrl-C.']));
      const hub = /GraphQL +(http:\/\/\S+)\/graphql/.exec(printed)?.[1];
      const issuer = /(http:\/\/\S+)\/token/.exec(printed)?.[1];
      if (!hub || !issuer) throw new Error(`the sandbox did not print its addresses:\n${printed}`);
      local = (script) => script.replaceAll('http://127.0.0.1:4000', hub).replaceAll('http://127.0.0.1:4001', issuer);
    };
    await waitForIt();
    return {
      async run(block) {
        const script = `set -a; source '${terminal}'; trap "export -p > '${terminal}'" EXIT; set -eo pipefail\n${local(block.script)}`;
        // In a process group of its own, so that what it started ends with it.
        const shell = spawn('bash', ['-c', script], { cwd: folder, env, detached: true });
        if (!block.follow) return answered(shell, null);
        const { output: soFar } = await answered(shell, block.answer);
        await ended(shell, 'SIGINT');
        return { code: 0, output: soFar };
      },
      printed: () => printed,
      async restart(port) {
        await ended(sandbox, 'SIGTERM');
        sandbox = spawnSandbox(port);
        await waitForIt();
      },
      close: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves when the process has ended or, given lines, when they have appeared. */
function answered(child: ChildProcess, lines: readonly string[] | null): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    let output = '';
    const late = setTimeout(() => {
      void ended(child, 'SIGKILL');
      reject(new Error(`no answer within ${patienceMs} ms; so far:\n${output}`));
    }, patienceMs);
    const settle = (code: number | null) => {
      clearTimeout(late);
      resolve({ code, output });
    };
    const take = (text: string) => {
      output += text;
      if (lines && missingLines(lines, output).length === 0) settle(null);
    };
    child.stdout?.setEncoding('utf8').on('data', take);
    child.stderr?.setEncoding('utf8').on('data', take);
    child.once('close', settle).once('error', reject);
  });
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  // Only shells lead a group of their own.
  const group = child.spawnargs[0] === 'bash';
  process.kill(group ? -child.pid : child.pid, signal);
  await gone;
}

/** A document of the repository. */
export const readDocument = (name: string): string => readFileSync(join(root, name), 'utf8');

/** The repository's root. */
export const repository = root;
