import { parseArgs } from 'node:util';
import type { Simulator, SimulatorOptions } from './server.ts';

const ownOptions = ['port', 'file', 'process-after-ms', 'drop-replies', 'unavailable', 'delay-ms'] as const;

/**
 * Runs a simulator as a process of its own until it gets SIGINT or SIGTERM, and says where it listens: `url <address>`.
 * Understands `--port`, `--file`, `--process-after-ms`, `--drop-replies`, `--unavailable`, `--delay-ms` and the further
 * options that are named; an option it does not know ends it.
 */
export async function runSimulator<Name extends string>(
  furtherOptions: readonly Name[],
  start: (options: SimulatorOptions, further: Readonly<Partial<Record<Name, string>>>) => Promise<Simulator>,
): Promise<void> {
  const options = Object.fromEntries([...ownOptions, ...furtherOptions].map((name) => [name, { type: 'string' as const }]));
  const values = parseArgs({ options }).values as Partial<Record<Name | (typeof ownOptions)[number], string>>;
  const number = (name: (typeof ownOptions)[number]): number => {
    const value = Number(values[name] ?? 0);
    if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} takes a number, not ${values[name]}`);
    return value;
  };
  const simulator = await start(
    {
      port: number('port'),
      ...(values.file === undefined ? {} : { file: values.file }),
      ...(values['process-after-ms'] === undefined ? {} : { processAfterMs: number('process-after-ms') }),
      faults: { dropReplies: number('drop-replies'), unavailable: number('unavailable'), delayMs: number('delay-ms') },
    },
    values,
  );
  process.stdout.write(`url ${simulator.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.close());
}
