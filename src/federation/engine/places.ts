import { isAbstractType, isInterfaceType, type GraphQLSchema } from 'graphql';
import type { FlattenNodePathSegment } from '@graphql-hive/router-query-planner';
import type { Tree } from './engine.ts';

/** Where a value stands in the caller's answer, innermost key first; shared beginnings are stored once. */
export interface Place {
  readonly above: Place | null;
  readonly key: string | number;
}

/** A place as GraphQL writes it. */
export function pathOf(place: Place | null): (string | number)[] {
  const path: (string | number)[] = [];
  for (let at = place; at; at = at.above) path.push(at.key);
  return path.toReversed();
}

/** An object of the answer and where it stands. */
export interface Found {
  readonly object: Tree;
  readonly place: Place | null;
}

/** Whether an object of the first type is one of the second, which may be abstract. */
export type IsA = (typename: string, condition: string) => boolean;

/** Answers `isA` from the schema, each pair once. */
export function createIsA(schema: GraphQLSchema): IsA {
  const subtypes = new Map<string, ReadonlySet<string>>();
  return (typename, condition) => {
    if (typename === condition) return true;
    let members = subtypes.get(condition);
    if (!members) {
      const type = schema.getType(condition);
      const below = isInterfaceType(type) ? schema.getImplementations(type).interfaces : [];
      members = new Set([...(isAbstractType(type) ? schema.getPossibleTypes(type) : []), ...below].map(({ name }) => name));
      subtypes.set(condition, members);
    }
    return members.has(typename);
  };
}

/** What an object says itself: a key may be called `constructor`, and every object inherits one of those. */
export const ownValue = (tree: Readonly<Tree>, key: string): unknown => (Object.hasOwn(tree, key) ? tree[key] : undefined);

/**
 * The one key that cannot be set like others: assigned, it becomes the prototype, and read from a plain object it is the one that
 * all objects of the process share. Nothing is asked for under it (prepare.ts), so no subgraph has anything to say there.
 */
export const prototypeKey = '__proto__';

/** Sets a key that may be called anything, so that it is the object's own. */
export function setOwn(tree: Tree, key: string, value: unknown): void {
  if (key === prototypeKey) Object.defineProperty(tree, key, { value, enumerable: true, configurable: true, writable: true });
  else tree[key] = value;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every object that a plan's path leads to. */
export function findObjects(root: Tree, path: readonly FlattenNodePathSegment[], isA: IsA): Found[] {
  const found: Found[] = [];
  const walk = (value: unknown, depth: number, place: Place | null): void => {
    if (Array.isArray(value)) {
      // "@" is a step of its own, but lists of lists have one for each level and the planner may leave the last one out.
      const below = path[depth] === '@' ? depth + 1 : depth;
      for (const [key, item] of value.entries()) walk(item, below, { above: place, key });
      return;
    }
    if (!isTree(value)) return;
    const step = path[depth];
    if (step === undefined) found.push({ object: value, place });
    else if (step === '@') walk(value, depth + 1, place);
    else if ('Field' in step) walk(ownValue(value, step.Field), depth + 1, { above: place, key: step.Field });
    else {
      const typename = value['__typename'];
      if (typeof typename === 'string' && step.TypeCondition.some((condition) => isA(typename, condition))) walk(value, depth + 1, place);
    }
  };
  walk(root, 0, null);
  return found;
}

/** Takes over what another answer says of the same object; what is already known deeper down is kept and completed. */
export function mergeTree(into: Tree, from: Tree): void {
  for (const [key, value] of Object.entries(from)) {
    if (key === prototypeKey) continue;
    const known = ownValue(into, key);
    if (isTree(known) && isTree(value)) mergeTree(known, value);
    else if (Array.isArray(known) && Array.isArray(value) && known.length === value.length) mergeLists(known, value);
    else if (value !== null || known === undefined) into[key] = value;
  }
}

function mergeLists(into: unknown[], from: readonly unknown[]): void {
  for (const [index, value] of from.entries()) {
    const known = into[index];
    if (isTree(known) && isTree(value)) mergeTree(known, value);
    else if (Array.isArray(known) && Array.isArray(value) && known.length === value.length) mergeLists(known, value);
    else if (value !== null || known === undefined) into[index] = value;
  }
}

/** A copy that shares no object with the original: two places of an answer may ask for different things below. */
export function copyTree<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => copyTree(item)) as T;
  if (!isTree(value)) return value;
  const copy: Tree = {};
  for (const key of Object.keys(value)) if (key !== prototypeKey) copy[key] = copyTree((value as Tree)[key]);
  return copy as T;
}
