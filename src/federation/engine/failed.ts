import { Kind, parse, type SelectionSetNode } from 'graphql';
import type { Tree } from './engine.ts';

/*
 * A fetch that fails leaves fields missing in every object it was made for. It notes itself there, with the keys it was to
 * bring, so that the answer names the failure at the place of each missing field, wherever an entity stands in it.
 */

/** A fetch that failed, and the response keys it would have brought. */
export interface FailedFetch {
  readonly keys: ReadonlySet<string>;
  readonly error: Error;
}

const failures = new WeakMap<Tree, FailedFetch[]>();

/** Notes on an object that a fetch for it failed. */
export function noteFailure(object: Tree, failed: FailedFetch): void {
  const known = failures.get(object);
  if (known) known.push(failed);
  else failures.set(object, [failed]);
}

/** Why a key of an object is missing; null if no fetch for it failed. */
export const whyMissing = (object: Tree, key: string): Error | null =>
  failures.get(object)?.find(({ keys }) => keys.has(key))?.error ?? null;

const keysOfOperation = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>();
const mostKept = 2000;

/**
 * Response keys that an operation brings to the object it is about, by root field (`_entities` and its aliases): those of
 * the entities. Under the empty name, those of the root itself.
 */
export function keysBrought(operation: string): ReadonlyMap<string, ReadonlySet<string>> {
  const known = keysOfOperation.get(operation);
  if (known) return known;
  if (keysOfOperation.size >= mostKept) keysOfOperation.clear();
  const document = parse(operation, { noLocation: true });
  const fragments = new Map(
    document.definitions.flatMap((part) => (part.kind === Kind.FRAGMENT_DEFINITION ? [[part.name.value, part.selectionSet]] : [])),
  );
  const fieldsOf = (set: SelectionSetNode, seen = new Set<string>()): readonly [string, SelectionSetNode | undefined][] =>
    set.selections.flatMap((part): readonly [string, SelectionSetNode | undefined][] => {
      if (part.kind === Kind.FIELD) return [[part.alias?.value ?? part.name.value, part.selectionSet]];
      if (part.kind === Kind.INLINE_FRAGMENT) return fieldsOf(part.selectionSet, seen);
      const fragment = seen.has(part.name.value) ? undefined : fragments.get(part.name.value);
      return fragment ? fieldsOf(fragment, seen.add(part.name.value)) : [];
    });
  const root = document.definitions.find((part) => part.kind === Kind.OPERATION_DEFINITION);
  const fields = root ? fieldsOf(root.selectionSet) : [];
  const keys = new Map<string, ReadonlySet<string>>([['', new Set(fields.map(([key]) => key))]]);
  for (const [key, below] of fields) if (below) keys.set(key, new Set(fieldsOf(below).map(([name]) => name)));
  keysOfOperation.set(operation, keys);
  return keys;
}
