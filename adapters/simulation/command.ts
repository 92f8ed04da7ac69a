import { parseArgs } from 'node:util';
import type { Simulator, SimulatorOptions } from './server.ts';

/**
 * Runs a simulator as a process of its own until it gets SIGINT or SIGTERM, and says where it listens: `url <address>`.
 * Understands `--port`, `--file`, `--process-after-ms`, `--drop-replies`, `--unavailable` and `--delay-ms`; other options
 * go to `start` as they are.
 */
export async function runSimulator(
  start: (options: SimulatorOptions, others: Readonly<Record<string, string>>) => Promise<Simulator>,
): Promise<void> {
  const { values } = parseArgs({ strict: false, args: process.argv.slice(2) });
  const text = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
  const number = (name: string): number | undefined => (text[name] === undefined ? undefined : Number(text[name]));
  const processAfterMs = number('process-after-ms');
  const simulator = await start(
    {
      port: number('port') ?? 0,
      ...(text['file'] === undefined ? {} : { file: text['file'] }),
      ...(processAfterMs === undefined ? {} : { processAfterMs }),
      faults: { dropReplies: number('drop-replies') ?? 0, unavailable: number('unavailable') ?? 0, delayMs: number('delay-ms') ?? 0 },
    },
    text,
  );
  process.stdout.write(`url ${simulator.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.close());
}
