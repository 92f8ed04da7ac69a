import {
  getNamedType,
  GraphQLError,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { IsA } from './places.ts';

/*
 * The planner loses its way where fragments ask an object for what it may be besides: `... on SomeUnion` within a Municipality finds
 * no plan, and some such documents end its process. So it gets documents without them: no named fragments, below an object type
 * nothing but fields, below an abstract one fields that all its types have, or one fragment for each type.
 */

/** A field with all that is asked below it. */
interface Collected {
  readonly field: FieldNode;
  readonly below: SelectionSetNode[];
}

/** Fields of one document at most, written out for each type. */
const mostFields = 50_000;

export interface Flattening {
  readonly schema: GraphQLSchema;
  readonly isA: IsA;
  /** Stands where nothing is asked. */
  readonly nothing: FieldNode;
}

/** The one operation of a valid document without conditions, with its fragments written out. @throws GraphQLError LIMIT_EXCEEDED if it grows too large */
export function flatten(document: DocumentNode, { schema, isA, nothing }: Flattening): DocumentNode {
  const fragments = new Map<string, FragmentDefinitionNode>();
  let operation: OperationDefinitionNode | undefined;
  for (const part of document.definitions) {
    if (part.kind === Kind.FRAGMENT_DEFINITION) fragments.set(part.name.value, part);
    else if (part.kind === Kind.OPERATION_DEFINITION) operation = part;
  }
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return document;
  let written = 0;

  /** What a fragment holds and for which type; a spread one from its definition. */
  const heldBy = (part: Exclude<SelectionNode, FieldNode>) => {
    if (part.kind === Kind.INLINE_FRAGMENT) return { set: part.selectionSet, on: part.typeCondition?.name.value };
    const fragment = fragments.get(part.name.value);
    return fragment && { set: fragment.selectionSet, on: fragment.typeCondition.name.value };
  };

  /** Fields of objects of a type, by response key. For an abstract type `covers` says which fragments hold for all of it. */
  function collect(asked: readonly SelectionSetNode[], covers: (on: string) => boolean): readonly Collected[] {
    const found = new Map<string, Collected>();
    const spread = new Set<string>();
    const take = (set: SelectionSetNode): void => {
      for (const part of set.selections) {
        if (part.kind === Kind.FIELD) {
          const key = part.alias?.value ?? part.name.value;
          const known: Collected = found.get(key) ?? { field: part, below: [] };
          found.set(key, known);
          if (part.selectionSet) known.below.push(part.selectionSet);
          continue;
        }
        if (part.kind === Kind.FRAGMENT_SPREAD) {
          if (spread.has(part.name.value)) continue;
          spread.add(part.name.value);
        }
        const held = heldBy(part);
        if (held && (held.on === undefined || covers(held.on))) take(held.set);
      }
    };
    for (const one of asked) take(one);
    return [...found.values()];
  }

  /** True if some fragment is for some of the types only. */
  function narrows(set: SelectionSetNode, covers: (on: string) => boolean, seen = new Set<string>()): boolean {
    return set.selections.some((part) => {
      if (part.kind === Kind.FIELD) return false;
      if (part.kind === Kind.FRAGMENT_SPREAD) {
        if (seen.has(part.name.value)) return false;
        seen.add(part.name.value);
      }
      const held = heldBy(part);
      return held !== undefined && ((held.on !== undefined && !covers(held.on)) || narrows(held.set, covers, seen));
    });
  }

  function fieldOf({ field, below }: Collected, on: GraphQLCompositeType): SelectionNode {
    written += 1;
    if (written > mostFields)
      throw new GraphQLError(`The operation has more than ${mostFields} fields once its fragments are written out.`, {
        extensions: { code: 'LIMIT_EXCEEDED' },
      });
    const definition = isObjectType(on) || isInterfaceType(on) ? on.getFields()[field.name.value] : undefined;
    const type = definition && getNamedType(definition.type);
    return isCompositeType(type) ? { ...field, selectionSet: selectionsOf(type, below) } : field;
  }

  function selectionsOf(type: GraphQLCompositeType, asked: readonly SelectionSetNode[]): SelectionSetNode {
    const covers = isAbstractType(type)
      ? (on: string) => schema.getPossibleTypes(type).every(({ name }) => isA(name, on))
      : (on: string) => isA(type.name, on);
    const own = isInterfaceType(type) ? type.getFields() : {};
    const isDirect = (): boolean =>
      !asked.some((set) => narrows(set, covers)) &&
      collect(asked, covers).every(({ field }) => field.name.value === '__typename' || field.name.value in own);
    const selections =
      isAbstractType(type) && !isDirect()
        ? schema.getPossibleTypes(type).flatMap((member): SelectionNode[] => {
            const fields = collect(asked, (on) => isA(member.name, on)).map((one) => fieldOf(one, member));
            if (fields.length === 0) return [];
            return [
              {
                kind: Kind.INLINE_FRAGMENT,
                typeCondition: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: member.name } },
                selectionSet: { kind: Kind.SELECTION_SET, selections: fields },
              },
            ];
          })
        : collect(asked, covers).map((one) => fieldOf(one, type));
    return { kind: Kind.SELECTION_SET, selections: selections.length > 0 ? selections : [nothing] };
  }

  return {
    kind: Kind.DOCUMENT,
    definitions: [{ ...operation, selectionSet: selectionsOf(root, [operation.selectionSet]) }],
  };
}
