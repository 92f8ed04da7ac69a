import type { Json } from '#contract';

/*
 * A form says itself where something stands that others must find in it: `x-hub` at a field, one mark or a list of them, for
 * example `departure` or `registered-in`.
 */

/** Marks and facts of a form: where each stands (JSON Pointer), the first that says something counts. */
export interface MarkPlaces {
  readonly marks: Readonly<Record<string, readonly string[]>>;
  readonly facts: readonly string[];
}

interface FormNode {
  readonly 'x-hub'?: string | readonly string[];
  readonly properties?: Readonly<Record<string, FormNode>>;
}

const escape = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Where a form says that its marks stand. Arrays are facts as a whole or not at all. */
export function placesIn(schema: Json): MarkPlaces {
  const marks: Record<string, string[]> = {};
  const facts: string[] = [];
  const walk = (node: FormNode, pointer: string): void => {
    for (const mark of [node['x-hub'] ?? []].flat()) {
      if (mark === 'fact') facts.push(pointer);
      else (marks[mark] ??= []).push(pointer);
    }
    for (const [name, below] of Object.entries(node.properties ?? {})) walk(below, `${pointer}/${escape(name)}`);
  };
  walk((schema ?? {}) as FormNode, '');
  return { marks, facts };
}

/** The value at a JSON Pointer (RFC 6901); undefined if there is none. */
export function valueAt(value: Json, pointer: string): Json | undefined {
  let at: Json | undefined = value;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, Json>>)[name];
  }
  return at;
}
