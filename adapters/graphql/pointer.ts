import type { Json } from '#contract';

const known = new Map<string, readonly string[]>();

/** The names in a pointer. Pointers come from configs, so there are few: each is taken apart once. */
function names(pointer: string): readonly string[] {
  const before = known.get(pointer);
  if (before) return before;
  const parts = pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (known.size < 10_000) known.set(pointer, parts);
  return parts;
}

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
    const last = path.at(-1);
    if (last === undefined) continue;
    let place = root;
    for (const name of path.slice(0, -1)) {
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
