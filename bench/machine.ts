import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

const git = (...args: string[]): string => {
  try {
    return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
};

/** Where and of what a measurement was taken, one line each. */
export function describeMachine(now: Date): readonly string[] {
  const [cpu] = cpus();
  const changed = git('status', '--porcelain', '--', '../src', '../adapters', '../cities', '../package-lock.json')
    ? ', with uncommitted changes'
    : '';
  return [
    `Date: ${now.toISOString().slice(0, 10)}`,
    `Commit: ${git('rev-parse', '--short=12', 'HEAD') || 'unknown'}${changed}`,
    `CPU: ${cpu?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
    `Memory: ${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    `Kernel: ${type()} ${release()}`,
    `Node: ${process.version}`,
    // A machine that was busy with other things before measured those too.
    `Load average before: ${loadavg()[0]?.toFixed(1)}`,
  ];
}
