import type { Json } from '#contract';
import type { Path } from './source.ts';

/** A JSON Schema as far as it is walked here. */
export interface SchemaNode {
  readonly 'x-hub'?: string;
  readonly description?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, SchemaNode>>;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly allOf?: readonly SchemaNode[];
}

/** One place of a config: its value and what the adapter's schema says about it. */
export interface Place {
  readonly path: Path;
  readonly value: Json;
  readonly node: SchemaNode;
}

/** Every place of a config that its schema describes. Of alternatives, the one that shares most names with the value counts. */
export function* places(root: SchemaNode, value: Json, node: SchemaNode = root, path: Path = []): Generator<Place> {
  const real = choose(root, node, value);
  yield { path, value, node: real };
  if (value === null || typeof value !== 'object') return;
  for (const [name, item] of Object.entries(value)) {
    const below = Array.isArray(value) ? real.items : childOf(real, name);
    if (below) yield* places(root, item, below, [...path, Array.isArray(value) ? Number(name) : name]);
  }
}

/** The description of the place at a path, as far as the schema has one. */
export function describedAt(root: SchemaNode, value: Json, path: Path): string | null {
  let node = choose(root, root, value);
  let at: Json | undefined = value;
  let text = node.description ?? null;
  for (const name of path) {
    const below: SchemaNode | undefined = Array.isArray(at) ? node.items : childOf(node, String(name));
    if (!below) return text;
    at = at !== null && typeof at === 'object' ? (at as Record<string, Json>)[String(name)] : undefined;
    node = choose(root, below, at ?? null);
    text = below.description ?? node.description ?? null;
  }
  return text;
}

const childOf = (node: SchemaNode, name: string): SchemaNode | undefined =>
  node.properties && Object.hasOwn(node.properties, name)
    ? node.properties[name]
    : typeof node.additionalProperties === 'object'
      ? node.additionalProperties
      : undefined;

/** Follows references, joins `allOf` and picks among alternatives. */
function choose(root: SchemaNode, node: SchemaNode, value: Json): SchemaNode {
  const target = node.$ref?.startsWith('#/$defs/') ? root.$defs?.[node.$ref.slice('#/$defs/'.length)] : undefined;
  const real = target ? { ...target, ...(node['x-hub'] ? { 'x-hub': node['x-hub'] } : {}) } : node;
  const joined = real.allOf
    ? real.allOf
        .map((part) => choose(root, part, value))
        .reduce((one, other) => ({ ...one, ...other, properties: { ...one.properties, ...other.properties } }), { ...real })
    : real;
  const alternatives = joined.anyOf ?? joined.oneOf;
  if (!alternatives) return joined;
  const names = value !== null && typeof value === 'object' ? Object.keys(value) : [];
  const shares = (option: SchemaNode) => names.filter((name) => option.properties && Object.hasOwn(option.properties, name)).length;
  const [best] = alternatives.map((option) => choose(root, option, value)).toSorted((a, b) => shares(b) - shares(a));
  return best ? { ...(joined.description === undefined ? {} : { description: joined.description }), ...best } : joined;
}
