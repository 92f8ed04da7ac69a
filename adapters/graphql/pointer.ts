import type { Json } from '#contract';

const names = (pointer: string): string[] =>
  pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));

/** The value a JSON pointer (RFC 6901) names, or undefined. */
export function at(document: Json | undefined, pointer: string): Json | undefined {
  let value = document;
  for (const name of names(pointer)) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, Json>)[name];
  }
  return value;
}

/** Puts values where their pointers say, making objects on the way. */
export function build(entries: readonly (readonly [pointer: string, value: Json])[]): Json {
  const root = Object.create(null) as Record<string, Json>;
  for (const [pointer, value] of entries) {
    const path = names(pointer);
    const last = path.pop();
    if (last === undefined) continue;
    let place = root;
    for (const name of path) {
      const next = place[name];
      const known = next !== null && typeof next === 'object' && !Array.isArray(next);
      place = place[name] = known ? (next as Record<string, Json>) : (Object.create(null) as Record<string, Json>);
    }
    place[last] = value;
  }
  return root;
}

/** A text of one value: text, number, true or false; null where it is anything else, or empty. */
export const scalar = (value: Json | undefined): string | null =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
