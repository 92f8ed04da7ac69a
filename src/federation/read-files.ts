import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Json } from '#contract';
import { say, type Complaint } from '../cities/load/complaint.ts';
import { readSource } from '../cities/load/source.ts';
import { readEntry, type SubgraphEntry } from './entry.ts';

/** A subgraph as its file names it. */
export interface SubgraphFile {
  readonly file: string;
  readonly entry: SubgraphEntry;
  /** Its SDL and where that stands; null: it is asked for it. */
  readonly sdl: { readonly file: string; readonly text: string } | null;
}

/** What the files of a folder say. */
export interface SubgraphFiles {
  readonly files: readonly SubgraphFile[];
  readonly complaints: readonly Complaint[];
}

/** A value, or what `$env` names. */
function valueOf(given: Json | undefined, env: Readonly<Record<string, string | undefined>>): unknown {
  if (typeof given !== 'object' || given === null) return given;
  const name = (given as { readonly $env?: Json }).$env;
  return typeof name === 'string' ? env[name] : given;
}

/**
 * Reads `subgraphs/*.yaml`: one subgraph each, named like its file. A folder that is not there has none.
 */
export async function readSubgraphFiles(folder: string, env: Readonly<Record<string, string | undefined>>): Promise<SubgraphFiles> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).toSorted();
  const files: SubgraphFile[] = [];
  const complaints: Complaint[] = [];
  for (const name of names) {
    const read = await readOne(join(folder, name), name.replace(/\.ya?ml$/, ''), env);
    if ('entry' in read) files.push(read);
    else complaints.push(...read);
  }
  return { files, complaints };
}

async function readOne(
  file: string,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<SubgraphFile | readonly Complaint[]> {
  const source = await readSource(file);
  if (!('complain' in source)) return source;
  const given = typeof source.value === 'object' && source.value !== null && !Array.isArray(source.value) ? source.value : {};
  const { sdl: sdlFile, url, ...rest } = given as Record<string, Json>;
  const entry = readEntry({ name, ...rest, url: valueOf(url, env) });
  if (!('name' in entry)) return entry.map(({ path, expected }) => source.complain(path, say.invalid(path.join('.'), expected)));
  if (sdlFile === undefined) return { file, entry, sdl: null };
  if (typeof sdlFile !== 'string')
    return [source.complain(['sdl'], say.invalid('sdl', { de: 'der Pfad einer Datei', en: 'the path of a file' }))];
  const path = resolve(dirname(file), sdlFile);
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null ? [source.complain(['sdl'], say.fileMissing(sdlFile))] : { file, entry, sdl: { file: path, text } };
}
