import { Complaints, refuseImport } from '../complaints.ts';
import type { SourceText } from '../source.ts';

/** Bounds of a JSON document from outside. */
export interface JsonLimits {
  /** Nesting of objects and lists. */
  readonly depth: number;
  /** Objects, lists and values in all. */
  readonly values: number;
  /** Longest text, in UTF-16 units. */
  readonly text: number;
}

/** Names that reach into JavaScript's objects when such a document is copied carelessly. */
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Parses a JSON document and holds it to its limits.
 * @throws HubError IMPORT_REFUSED with line and column where it is not JSON, with the path if it breaks a limit
 */
export function parseJson({ name, text }: SourceText, limits: JsonLimits): unknown {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw refuseImport(
      `${name}:${whereBroken(text, error)}`,
      'is not complete JSON; export the file again, it may have been cut off',
      error,
    );
  }
  const complaints = new Complaints();
  walk(document, limits, (path, what) => complaints.add(`${name}: ${path}`, what));
  complaints.refuseIfAny();
  return document;
}

/** V8 names the position, or shows what stands ten characters before and behind it. */
function positionOf(text: string, message: string): number {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return Number(position);
  const [, cut, shown = ''] = /, (\.\.\.)?"([^]*?)"(?:\.\.\.)? is not valid JSON$/.exec(message) ?? [];
  const at = shown === '' ? -1 : text.indexOf(shown);
  return at < 0 ? text.length : at + (cut === undefined ? Math.max(0, shown.length - 10) : 10);
}

/** Line and column, each from 1, where a text stops being JSON, by what the parser says. */
export function whereBroken(text: string, error: unknown): string {
  const before = text.slice(0, positionOf(text, error instanceof Error ? error.message : '')).split('\n');
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`;
}

function walk(document: unknown, limits: JsonLimits, complain: (path: string, what: string) => void): void {
  // A list of what is still to see instead of recursion: depth must not cost stack.
  const open: { readonly value: unknown; readonly path: string; readonly depth: number }[] = [{ value: document, path: '$', depth: 0 }];
  let seen = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, path, depth } = next;
    seen += 1;
    if (seen > limits.values) return complain(path, `is beyond the ${limits.values} values a document may have`);
    if (typeof value === 'string' && value.length > limits.text)
      complain(path, `is a text of ${value.length} characters; at most ${limits.text} are read`);
    if (value === null || typeof value !== 'object') continue;
    if (depth >= limits.depth) return complain(path, `is nested deeper than ${limits.depth} levels`);
    if (Array.isArray(value))
      for (const [index, item] of value.entries()) open.push({ value: item, path: `${path}[${index}]`, depth: depth + 1 });
    else
      for (const key of Object.keys(value)) {
        const inner = `${path}.${key.slice(0, 60)}`;
        if (forbidden.has(key)) complain(inner, 'is a name that no catalogue needs and that can harm programs; remove it');
        open.push({ value: (value as Record<string, unknown>)[key], path: inner, depth: depth + 1 });
      }
  }
}
