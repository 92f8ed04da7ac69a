import { readFile, stat } from 'node:fs/promises';
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit, type Alias, type Document } from 'yaml';
import type { Json } from '#contract';
import { say, type Complaint, type Saying } from './complaint.ts';
import { aliasSaying, syntaxSaying } from './syntax.ts';

/** Names and indexes from the top of a file. */
export type Path = readonly (string | number)[];

const MOST_BYTES = 256 * 1024;

/** A city's file, read, with the place of everything in it. */
export interface Source {
  readonly file: string;
  readonly value: Json;
  /** A complaint about the value at the path or, with `key`, about its name; about what surrounds it where it is absent. */
  complain(path: Path, saying: Saying, key?: 'key'): Complaint;
  /** Every number, as it is written: `25.00` and `25` are one value and not one meaning. */
  numbers(): readonly WrittenNumber[];
}

/** A number of a file, as it is written there. */
export interface WrittenNumber {
  readonly path: Path;
  readonly written: string;
}

/** Reads one file; complaints instead where it is no YAML or too large. */
export async function readSource(file: string, mostBytes = MOST_BYTES): Promise<Source | readonly Complaint[]> {
  const whole = (saying: Saying): readonly Complaint[] => [{ file, line: 1, column: 1, path: '', ...saying }];
  try {
    const { size } = await stat(file);
    if (size > mostBytes) return whole(say.tooLarge(size, mostBytes));
    return parseSource(file, await readFile(file, 'utf8'));
  } catch (error) {
    return whole(say.unreadable(error instanceof Error && 'code' in error ? String(error.code) : 'error'));
  }
}

/** @internal Parses the text of a file; every mistake in it is a complaint. */
export function parseSource(file: string, text: string): Source | readonly Complaint[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2', schema: 'core' });
  const placeOf = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  // The first mistake only: what follows it is mostly its echo.
  const [mistake] = document.errors.length > 0 ? document.errors : document.warnings;
  if (mistake) return [{ file, ...placeOf(mistake.pos[0]), path: '', ...syntaxSaying(mistake) }];
  let value: Json;
  try {
    value = document.toJS({ maxAliasCount: 100 }) as Json;
  } catch {
    const { offset, why } = wrongAlias(document);
    return [{ file, ...placeOf(offset), path: '', ...aliasSaying(why) }];
  }
  return {
    file,
    value: value ?? {},
    complain: (path, saying, key) => ({ file, ...placeOf(offsetOf(document, path, key === 'key')), path: path.join('.'), ...saying }),
    numbers: () => numbersIn(document.contents, []),
  };
}

function numbersIn(node: unknown, path: Path): readonly WrittenNumber[] {
  if (isScalar(node)) return typeof node.value === 'number' ? [{ path, written: node.source ?? String(node.value) }] : [];
  if (isMap(node)) return node.items.flatMap(({ key, value }) => numbersIn(value, [...path, isScalar(key) ? String(key.value) : '']));
  return isSeq(node) ? node.items.flatMap((item, index) => numbersIn(item, [...path, index])) : [];
}

/** The first alias that refers to nothing, else the first one at all: only aliases keep parsed YAML from becoming a value. */
function wrongAlias(document: Document): { readonly offset: number; readonly why: 'unknown' | 'too many' } {
  const aliases: Alias[] = [];
  visit(document, { Alias: (_, alias) => void aliases.push(alias) });
  const unknown = aliases.find((alias) => alias.resolve(document) === undefined);
  return { offset: rangeOf(unknown ?? aliases[0]) ?? 0, why: unknown ? 'unknown' : 'too many' };
}

/** Where a path stands in the text: the deepest part of it that is there. */
function offsetOf(document: Document, path: Path, wantsKey: boolean): number {
  let node: unknown = document.contents;
  let offset = rangeOf(node) ?? 0;
  for (const [depth, name] of path.entries()) {
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && (isScalar(item.key) ? String(item.key.value) : '') === String(name));
      if (!pair) return offset;
      const at = rangeOf(last && wantsKey ? pair.key : pair.value) ?? rangeOf(pair.key);
      offset = at ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(name)];
      offset = rangeOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

const rangeOf = (node: unknown): number | null => {
  const range = node && typeof node === 'object' && 'range' in node ? (node.range as readonly number[] | null | undefined) : null;
  return range?.[0] ?? null;
};
