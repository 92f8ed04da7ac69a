import { setTimeout as sleep } from 'node:timers/promises';
import { HubError, inLanguage } from '#contract';
import { complaintText } from '../cities/load/complaint.ts';
import type { Log } from '../infra/log.ts';
import type { Federation } from './federation.ts';
import { readSubgraphFiles, type SubgraphFile } from './read-files.ts';

export interface PlugInOptions {
  readonly federation: Federation;
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Pause before one that could not be asked for its SDL is asked again, in milliseconds. @default 30_000 */
  readonly againMs?: number;
}

/**
 * Plugs in what the files name and takes out what no file names any more. Each is tried once before the hub listens; one that
 * cannot be reached is tried again in the background, and what was accepted of it before serves meanwhile.
 */
export async function plugInFiles({ federation, folder, env, log, againMs = 30_000 }: PlugInOptions): Promise<{ stop(): Promise<void> }> {
  const stopped = new AbortController();
  const { files, complaints } = await readSubgraphFiles(folder, env);
  for (const complaint of complaints) log.error({ file: complaint.file, line: complaint.line }, complaintText(complaint, 'EN'));

  /** True if there is nothing to be tried again. */
  async function plugIn({ file, entry, sdl }: SubgraphFile): Promise<boolean> {
    try {
      const made = await federation.register({ ...entry, ...(sdl && { sdl: sdl.text }) }, 'file');
      if (!made.accepted)
        for (const { line, column, problem, remedy } of made.objections)
          log.error(
            { subgraph: entry.name, file: sdl?.file ?? `${entry.url} _service`, line, column },
            `${inLanguage(problem, 'EN')} ${inLanguage(remedy, 'EN')}`,
          );
      return true;
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      log.warn({ subgraph: entry.name, file, err: error }, 'a subgraph is not plugged in yet; it is tried again');
      return false;
    }
  }

  // A file with a mistake keeps what is there: its name still stands in the folder.
  const named = new Set([
    ...files.map(({ entry }) => entry.name),
    ...complaints.map(({ file }) => file.replace(/^.*\//, '').replace(/\.ya?ml$/, '')),
  ]);
  for (const { name, origin } of federation.list()) if (origin === 'file' && !named.has(name)) await federation.remove(name);

  let waiting: readonly SubgraphFile[] = [];
  for (const file of files) if (!(await plugIn(file))) waiting = [...waiting, file];
  const again = async (): Promise<void> => {
    while (waiting.length > 0 && !stopped.signal.aborted) {
      await sleep(againMs, undefined, { signal: stopped.signal, ref: false }).catch(() => {});
      for (const file of waiting) if (!stopped.signal.aborted && (await plugIn(file))) waiting = waiting.filter((one) => one !== file);
    }
  };
  const trying = again();
  return {
    async stop() {
      stopped.abort();
      await trying;
    },
  };
}
