import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Json } from '#contract';
import { say, type Saying } from './complaint.ts';
import type { Path } from './source.ts';

const MOST_BYTES = 64 * 1024;

/** True for `{ $env: NAME }` and `{ $file: path }`, even if they are incomplete. */
export const isReference = (value: Json): boolean =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && ('$env' in value || '$file' in value);

/** What a config becomes when its references are followed. */
export interface Resolved {
  readonly value: Json;
  /** What was read from files; such values count as secrets. */
  readonly fromFiles: readonly string[];
  readonly complaints: readonly { readonly path: Path; readonly saying: Saying }[];
}

/** Follows `$env` in the given environment and `$file` from the folder of the city's file. */
export function resolveReferences(config: Json, env: Readonly<Record<string, string | undefined>>, cityFile: string): Resolved {
  const complaints: { path: Path; saying: Saying }[] = [];
  const fromFiles: string[] = [];

  const follow = (value: Json, path: Path): Json => {
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map((item: Json, index) => follow(item, [...path, index]));
    if (!isReference(value)) return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, follow(item, [...path, name])]));
    const [[kind, name] = [], ...others] = Object.entries(value);
    if (others.length > 0 || typeof name !== 'string' || name === '') return fail(path, say.badReference());
    if (kind === '$env') return env[name] || fail(path, say.envMissing(name));
    try {
      const file = resolve(dirname(cityFile), name);
      if (statSync(file).size > MOST_BYTES) return fail(path, say.tooLarge(statSync(file).size, MOST_BYTES));
      const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
      fromFiles.push(text);
      return text;
    } catch {
      return fail(path, say.fileMissing(name));
    }
  };

  const fail = (path: Path, saying: Saying): Json => {
    complaints.push({ path, saying });
    return null;
  };

  return { value: follow(config, []), fromFiles, complaints };
}
