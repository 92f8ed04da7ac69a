import {
  getNullableType,
  GraphQLError,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { IsA } from './places.ts';

/*
 * What the caller asked for, worked out once for a document and the truth of its conditions: which keys each object of
 * the answer has, in which order, from which key of what subgraphs answered, and what may be null.
 */

/** One field of the answer. */
export interface ShapedField {
  /** In the caller's answer. */
  readonly key: string;
  /** In what subgraphs answered. */
  readonly from: string;
  readonly coordinate: string;
  /** `__typename`: its value where it does not depend on the object. */
  readonly typename: string | null;
  readonly value: ShapedValue;
}

/** What a field's value must look like. */
export type ShapedValue =
  | { readonly kind: 'list'; readonly nullable: boolean; readonly item: ShapedValue }
  | { readonly kind: 'leaf'; readonly nullable: boolean; readonly fits: (value: unknown) => boolean }
  | { readonly kind: 'object'; readonly nullable: boolean; readonly shape: Shape };

/** Fields of an object by its type. */
export interface Shape {
  /** Null if no object of this type can stand there. */
  fieldsOf(typename: unknown): readonly ShapedField[] | null;
  /** Why no object of this type can be answered: a condition that decides what it has is null. */
  refusalOf(typename: unknown): GraphQLError | null;
  /** The field under a key of what subgraphs answered, of whichever type that can stand there; undefined if none has it. */
  anyField(from: string): ShapedField | undefined;
}

const fitsScalar: Readonly<Record<string, (value: unknown) => boolean>> = {
  String: (value) => typeof value === 'string',
  ID: (value) => typeof value === 'string' || Number.isInteger(value),
  Int: (value) => Number.isInteger(value) && Math.abs(value as number) <= 2 ** 31,
  Float: (value) => typeof value === 'number',
  Boolean: (value) => typeof value === 'boolean',
};
const fitsAnything = (): boolean => true;
/** Answered whole by the schema itself. */
const introspected: ShapedValue = { kind: 'leaf', nullable: true, fits: fitsAnything };

interface Shaping {
  readonly schema: GraphQLSchema;
  readonly isA: IsA;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly callersKey: ReadonlyMap<string, string>;
}

/** The shape of an operation's answer under some values of its condition variables. */
export function shapeOf(
  {
    schema,
    isA,
    document,
    operation,
    callersKey,
  }: {
    readonly schema: GraphQLSchema;
    readonly isA: IsA;
    readonly document: DocumentNode;
    readonly operation: OperationDefinitionNode;
    readonly callersKey: ReadonlyMap<string, string>;
  },
  conditions: Readonly<Record<string, unknown>>,
): Shape {
  const fragments = new Map(
    document.definitions.flatMap((part) => (part.kind === Kind.FRAGMENT_DEFINITION ? [[part.name.value, part]] : [])),
  );
  const root = schema.getRootType(operation.operation);
  if (!root) throw new Error(`The schema has no ${operation.operation}`);
  const own = document.definitions.find((part) => part.kind === Kind.OPERATION_DEFINITION);
  return objectShape(root.name, [own?.selectionSet ?? operation.selectionSet], { schema, isA, fragments, conditions, callersKey });
}

/** Names of the variables that decide whether parts of a document are answered. */
export function conditionVariables(document: DocumentNode): readonly string[] {
  const names = new Set<string>();
  JSON.stringify(document.definitions, (key, value: unknown) => {
    if (key === 'loc') return undefined;
    if (key === 'directives')
      for (const { name, arguments: given } of value as readonly {
        name: { value: string };
        arguments?: readonly { value: { kind: string; name?: { value: string } } }[];
      }[])
        if (name.value === 'skip' || name.value === 'include')
          for (const { value: condition } of given ?? [])
            if (condition.kind === 'Variable' && condition.name) names.add(condition.name.value);
    return value;
  });
  return [...names];
}

function objectShape(declared: string, sets: readonly SelectionSetNode[], shaping: Shaping): Shape {
  const byType = new Map<string, readonly ShapedField[] | null>();
  const refusals = new Map<string, GraphQLError>();
  const type = shaping.schema.getType(declared);
  const isObject = isObjectType(type);
  // An object of an interface may come without its name where nothing asked depends on it.
  const nameOf = (typename: unknown) => (isObject || typeof typename !== 'string' ? declared : typename);
  const fieldsOf: Shape['fieldsOf'] = (typename) => {
    const name = nameOf(typename);
    let fields = byType.get(name);
    if (fields === undefined) {
      try {
        fields = isObject || shaping.isA(name, declared) || name === declared ? fieldsFor(name, sets, shaping) : null;
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        refusals.set(name, error);
        fields = [];
      }
      byType.set(name, fields);
    }
    return fields;
  };
  return {
    fieldsOf,
    refusalOf(typename) {
      fieldsOf(typename);
      return refusals.get(nameOf(typename)) ?? null;
    },
    anyField(from) {
      const names = isAbstractType(type) ? shaping.schema.getPossibleTypes(type).map(({ name }) => name) : [declared];
      for (const name of names) {
        const found = fieldsOf(name)?.find((field) => field.from === from);
        if (found) return found;
      }
      return undefined;
    },
  };
}

function fieldsFor(typename: string, sets: readonly SelectionSetNode[], shaping: Shaping): readonly ShapedField[] | null {
  const { schema, callersKey } = shaping;
  const type = schema.getType(typename);
  if (!type || !isCompositeType(type)) return null;
  const found = new Map<string, { name: string; below: SelectionSetNode[] }>();
  // An object that does not say what it is: what holds for everything that it may be.
  const holds = (on: string): boolean =>
    isObjectType(type) ? shaping.isA(typename, on) : schema.getPossibleTypes(type).every(({ name }) => shaping.isA(name, on));
  for (const set of sets) collect(set, holds, shaping, found, new Set());
  const fields = isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
  return [...found].flatMap(([from, { name, below }]): ShapedField[] => {
    const key = callersKey.get(from) ?? from;
    const coordinate = `${typename}.${name}`;
    if (name === '__typename')
      return [
        {
          key,
          from: '__typename',
          coordinate,
          typename: isObjectType(type) ? typename : null,
          value: { kind: 'leaf', nullable: false, fits: fitsScalar['String'] ?? fitsAnything },
        },
      ];
    if (name.startsWith('__')) return [{ key, from, coordinate, typename: null, value: introspected }];
    const field = fields[name];
    return field ? [{ key, from, coordinate, typename: null, value: valueShape(field.type, below, shaping) }] : [];
  });
}

function collect(
  set: SelectionSetNode,
  holds: (on: string) => boolean,
  shaping: Shaping,
  into: Map<string, { name: string; below: SelectionSetNode[] }>,
  spread: Set<string>,
): void {
  for (const part of set.selections) {
    if (!isAsked(part, shaping.conditions)) continue;
    if (part.kind === Kind.FIELD) {
      const key = part.alias?.value ?? part.name.value;
      const known = into.get(key) ?? { name: part.name.value, below: [] };
      into.set(key, known);
      if (part.selectionSet) known.below.push(part.selectionSet);
    } else if (part.kind === Kind.INLINE_FRAGMENT) {
      const condition = part.typeCondition?.name.value;
      if (condition === undefined || holds(condition)) collect(part.selectionSet, holds, shaping, into, spread);
    } else {
      const fragment = shaping.fragments.get(part.name.value);
      if (!fragment || spread.has(part.name.value)) continue;
      spread.add(part.name.value);
      if (holds(fragment.typeCondition.name.value)) collect(fragment.selectionSet, holds, shaping, into, spread);
    }
  }
}

/** @throws GraphQLError if a condition is null, as graphql-js says it */
function isAsked(part: SelectionSetNode['selections'][number], conditions: Readonly<Record<string, unknown>>): boolean {
  const isTrue = (directive: string, absent: boolean): boolean => {
    const condition = part.directives?.find(({ name }) => name.value === directive)?.arguments?.[0]?.value;
    if (condition === undefined) return absent;
    if (condition.kind !== Kind.VARIABLE) return condition.kind === Kind.BOOLEAN && condition.value;
    const truth = conditions[condition.name.value];
    if (truth === null) throw new GraphQLError('Argument "if" of non-null type "Boolean!" must not be null.', { nodes: condition });
    return truth === true;
  };
  return !isTrue('skip', false) && isTrue('include', true);
}

function valueShape(type: GraphQLOutputType, below: readonly SelectionSetNode[], shaping: Shaping): ShapedValue {
  const nullable = !isNonNullType(type);
  const inner = getNullableType(type);
  if (isListType(inner)) return { kind: 'list', nullable, item: valueShape(inner.ofType, below, shaping) };
  if (isObjectType(inner) || isAbstractType(inner)) return { kind: 'object', nullable, shape: objectShape(inner.name, below, shaping) };
  if (isEnumType(inner))
    return { kind: 'leaf', nullable, fits: (value) => typeof value === 'string' && inner.getValue(value) !== undefined };
  return { kind: 'leaf', nullable, fits: 'name' in inner ? (fitsScalar[inner.name] ?? fitsAnything) : fitsAnything };
}
