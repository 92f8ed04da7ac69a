import type { FetchNodePathSegment, FetchRewrite, InputRewrite, RequiresSelection } from '@graphql-hive/router-query-planner';
import type { Tree } from './engine.ts';
import { ownValue, type Found, type IsA } from './places.ts';

/** Entities to be asked for, each once, and everywhere they stand. */
export interface Representations {
  readonly values: readonly Tree[];
  /** For each value, the objects that wait for it. */
  readonly waiting: readonly (readonly Found[])[];
}

/** What a subgraph needs to know of each object to find it. Objects that lack a part of it are left out. */
export function representationsOf(
  found: readonly Found[],
  requires: readonly RequiresSelection[],
  rewrites: readonly InputRewrite[] | undefined,
  isA: IsA,
): Representations {
  const values: Tree[] = [];
  const waiting: Found[][] = [];
  const known = new Map<string, number>();
  for (const one of found) {
    const typename = one.object['__typename'];
    if (typeof typename !== 'string') continue;
    const value: Tree = { __typename: typename };
    if (!project(requires, one.object, typename, value, isA)) continue;
    for (const rewrite of rewrites ?? []) applyRewrite(value, rewrite, isA);
    const key = JSON.stringify(value);
    const index = known.get(key);
    if (index === undefined) {
      known.set(key, values.length);
      values.push(value);
      waiting.push([one]);
    } else waiting[index]?.push(one);
  }
  return { values, waiting };
}

/** Copies what is required; false if it is not there, or where nothing of it concerns the object's type. */
function project(requires: readonly RequiresSelection[], from: Tree, typename: string, into: Tree, isA: IsA): boolean {
  let concerned = false;
  for (const part of requires) {
    if (part.kind === 'FragmentSpread') continue;
    if (part.kind === 'InlineFragment') {
      if (!isA(typename, part.typeCondition)) continue;
      if (!project(part.selections, from, typename, into, isA)) return false;
      concerned = true;
      continue;
    }
    // The planner's own order: it names a key of the answer, and as alias what the subgraph knows the value by.
    const value = ownValue(from, part.name);
    if (value === undefined) return false;
    const copied = part.selections ? projectValue(part.selections, value, isA) : value;
    if (copied === undefined) return false;
    into[part.alias ?? part.name] = copied;
    concerned = true;
  }
  return concerned;
}

function projectValue(selections: readonly RequiresSelection[], value: unknown, isA: IsA): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => projectValue(selections, item, isA));
    return items.includes(undefined) ? undefined : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const from = value as Tree;
  const into: Tree = {};
  const typename = from['__typename'];
  const name = typeof typename === 'string' ? typename : '';
  return project(selections, from, name, into, isA) ? into : undefined;
}

/** Renames a key or sets a value at each place that the rewrite's path leads to. */
export function applyRewrite(value: unknown, rewrite: FetchRewrite, isA: IsA): void {
  const setter = 'ValueSetter' in rewrite ? rewrite.ValueSetter : 'setValueTo' in rewrite ? rewrite : null;
  const renamer = 'KeyRenamer' in rewrite ? rewrite.KeyRenamer : null;
  const path = setter?.path ?? renamer?.path ?? [];
  const last = path.at(-1);
  if (!last || !('Key' in last)) return;
  walk(value, path.slice(0, -1), isA, (object) => {
    if (!Object.hasOwn(object, last.Key)) return;
    if (setter) object[last.Key] = setter.setValueTo;
    else if (renamer && renamer.renameKeyTo !== last.Key) {
      object[renamer.renameKeyTo] = object[last.Key];
      delete object[last.Key];
    }
  });
}

function walk(value: unknown, path: readonly FetchNodePathSegment[], isA: IsA, use: (object: Tree) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, path, isA, use);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const object = value as Tree;
  const [step, ...rest] = path;
  if (!step) use(object);
  else if ('Key' in step) walk(ownValue(object, step.Key), rest, isA, use);
  else {
    const typename = object['__typename'];
    if (typeof typename === 'string' && step.TypenameEquals.some((name) => isA(typename, name))) walk(object, rest, isA, use);
  }
}
