import type { Json } from '#contract';

const names = (pointer: string): string[] =>
  pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));

/** The value a JSON pointer (RFC 6901) names, or undefined where there is none. */
export function at(document: Json | undefined, pointer: string): Json | undefined {
  let value = document;
  for (const name of names(pointer)) {
    if (value === null || typeof value !== 'object') return undefined;
    value = Object.hasOwn(value, name) ? (value as Record<string, Json>)[name] : undefined;
  }
  return value;
}

/** Puts values where their pointers say, making objects on the way. Names are own properties, whatever they are called. */
export function build(entries: readonly (readonly [pointer: string, value: Json])[]): Json {
  const root = Object.create(null) as Record<string, Json>;
  for (const [pointer, value] of entries) {
    const path = names(pointer);
    const last = path.pop();
    if (last === undefined) continue;
    let place = root;
    for (const name of path) {
      const next = place[name];
      place = place[name] =
        next !== null && typeof next === 'object' && !Array.isArray(next)
          ? (next as Record<string, Json>)
          : (Object.create(null) as Record<string, Json>);
    }
    place[last] = value;
  }
  return root;
}
