import { GraphQLError, type ExecutionResult } from 'graphql';
import { MisfitError } from '../failure.ts';
import type { Tree } from './engine.ts';
import { whyMissing } from './failed.ts';
import { ownValue, pathOf, setOwn, type Place } from './places.ts';
import { mostErrors, type PlacedError } from './run-plan.ts';
import type { Shape, ShapedField, ShapedValue } from './shape.ts';

/** A null that may not stand where it is and goes up. */
const tooFar = Symbol('null goes up');

/** Keys of what nobody asked for: values that a plan needs itself. */
const isInternal = (key: string): boolean => key.startsWith('_required_') || key.startsWith('_internal_');

/**
 * The part of an error's path that the caller asked for; null if the caller asked for nothing of it. A value that the plan needed
 * for itself is told at the object that it belongs to.
 */
function askedPath(shape: Shape, data: Tree, path: readonly (string | number)[]): readonly (string | number)[] | null {
  let value: ShapedValue = { kind: 'object', nullable: true, shape };
  let at: unknown = data;
  for (const [index, key] of path.entries()) {
    if (typeof key === 'number') {
      if (value.kind === 'list') value = value.item;
    } else if (value.kind === 'object') {
      const typename = typeof at === 'object' && at !== null ? (at as Tree)['__typename'] : undefined;
      // An object that a null has taken with it does not say what it was.
      const fields: readonly ShapedField[] | null = typeof typename === 'string' ? value.shape.fieldsOf(typename) : [];
      const field: ShapedField | undefined =
        typeof typename === 'string' ? fields?.find(({ from }) => from === key) : value.shape.anyField(key);
      if (!field && fields) return isInternal(key) ? path.slice(0, index) : null;
      if (!field) return path;
      value = field.value;
    } else return path;
    at = typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[key] : undefined;
  }
  return path;
}

/** What becomes the answer. */
export interface Answering {
  readonly data: Tree;
  readonly errors: readonly PlacedError[];
  readonly callersKey: ReadonlyMap<string, string>;
}

/**
 * The caller's answer from what subgraphs said: the fields asked for and no others, in their order, of the types that the
 * schema states. What is missing is null, with an error at its place that says why; a null where none may stand takes its
 * parent with it (GraphQL, 6.4.4).
 */
export function answerFrom(shape: Shape, { data, errors, callersKey }: Answering): ExecutionResult {
  const told: GraphQLError[] = [];
  /** Places of errors and of everything above them. */
  const explained = new Set<string>();
  const tell = (path: readonly (string | number)[], cause: Error): void => {
    if (told.length >= mostErrors) return;
    for (let length = 1; length <= path.length; length += 1) explained.add(JSON.stringify(path.slice(0, length)));
    const nodes = cause instanceof GraphQLError && cause.nodes ? { nodes: cause.nodes } : {};
    told.push(new GraphQLError(cause.message, { ...nodes, path, originalError: cause }));
  };
  for (const { path: given, cause } of errors.slice(0, mostErrors)) {
    const path = askedPath(shape, data, given);
    if (!path) continue;
    tell(
      path.map((key) => (typeof key === 'string' ? (callersKey.get(key) ?? key) : key)),
      cause,
    );
  }

  const isExplained = (place: Place): boolean => {
    if (told.length >= mostErrors) return true;
    const path = pathOf(place);
    // An error above explains it as well as one below.
    if (explained.has(JSON.stringify(path))) return true;
    return told.some(
      (error) => error.path !== undefined && error.path.length < path.length && error.path.every((key, index) => key === path[index]),
    );
  };

  /** A null that goes up and that nothing explains yet: told where it ends, unless a neighbour says why the object is gone. */
  let owed: (() => void) | null = null;

  const nothing = (value: ShapedValue, place: Place, why: string, coordinate: string): null | typeof tooFar => {
    if ((why !== '' || !value.nullable) && !isExplained(place)) {
      const message = why || `Cannot return null for non-nullable field ${coordinate}.`;
      const say = () => tell(pathOf(place), new MisfitError(coordinate, why === '', message));
      if (why === '') owed = say;
      else say();
    }
    return value.nullable ? null : tooFar;
  };

  const shapeValue = (value: ShapedValue, given: unknown, place: Place, coordinate: string): unknown => {
    if (given === null || given === undefined) return nothing(value, place, '', coordinate);
    switch (value.kind) {
      case 'leaf':
        return value.fits(given)
          ? given
          : nothing(value, place, `A subgraph answered ${coordinate} with a value of another type.`, coordinate);
      case 'list': {
        if (!Array.isArray(given))
          return nothing(value, place, `A subgraph answered ${coordinate} with something that is no list.`, coordinate);
        const items: unknown[] = [];
        for (const [key, item] of given.entries()) {
          const shaped = shapeValue(value.item, item, { above: place, key }, coordinate);
          if (shaped === tooFar) {
            if (!value.nullable) return tooFar;
            owed?.();
            owed = null;
            return null;
          }
          items.push(shaped);
        }
        return items;
      }
      case 'object': {
        if (typeof given !== 'object' || Array.isArray(given))
          return nothing(value, place, `A subgraph answered ${coordinate} with something that is no object.`, coordinate);
        const fields = value.shape.fieldsOf((given as Tree)['__typename']);
        if (!fields)
          return nothing(value, place, `A subgraph answered ${coordinate} with an object of a type that may not stand there.`, coordinate);
        const refusal = value.shape.refusalOf((given as Tree)['__typename']);
        if (refusal) {
          if (!isExplained(place)) tell(pathOf(place), refusal);
          return value.nullable ? null : tooFar;
        }
        const shaped = shapeObject(fields, given as Tree, place);
        return shaped === tooFar && value.nullable ? null : shaped;
      }
    }
  };

  const shapeObject = (fields: readonly ShapedField[], from: Tree, above: Place | null): Tree | typeof tooFar => {
    const object: Tree = {};
    let goesUp = false;
    let isSaidWhy = false;
    let unsaid: typeof owed = null;
    for (const field of fields) {
      const place = { above, key: field.key };
      const given = field.typename ?? ownValue(from, field.from);
      if (given === undefined) {
        const why = whyMissing(from, field.from);
        if (why) tell(pathOf(place), why);
      }
      const shaped = shapeValue(field.value, given, place, field.coordinate);
      // The others are still looked at: each failure is told.
      if (shaped === tooFar) {
        goesUp = true;
        if (owed) unsaid ??= owed;
        else isSaidWhy = true;
        owed = null;
      } else setOwn(object, field.key, shaped);
    }
    // A subgraph leaves out a whole object for one field of it: its other fields did not fail.
    if (!isSaidWhy) unsaid?.();
    return goesUp ? tooFar : object;
  };

  const refusal = shape.refusalOf(undefined);
  if (refusal) return { data: null, errors: [refusal] };
  const shaped = shapeObject(shape.fieldsOf(undefined) ?? [], data, null);
  return { data: shaped === tooFar ? null : shaped, ...(told.length > 0 && { errors: told }) };
}
