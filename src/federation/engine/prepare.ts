import {
  getOperationAST,
  GraphQLError,
  isInterfaceType,
  isObjectType,
  Kind,
  print,
  visit,
  type DefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';

import { flatten } from './flatten.ts';
import { createIsA } from './places.ts';

/** A document as it goes to the planner. */
export interface Prepared {
  readonly operation: OperationDefinitionNode;
  /** The document with aliases that the planner bears. */
  readonly document: DocumentNode;
  /** Text of what is to be asked of subgraphs where the variables of conditions have these values; null: nothing. */
  readonly textFor: (conditions: Readonly<Record<string, unknown>>) => string | null;
  /** Introspection fields of the root, by themselves; null if there are none. */
  readonly introspection: DocumentNode | null;
  /** The caller's response key for each key that was put in its place. */
  readonly callersKey: ReadonlyMap<string, string>;
}

const fieldNames = new WeakMap<GraphQLSchema, ReadonlySet<string>>();

/** Names of all fields of a schema. */
function namesOf(schema: GraphQLSchema): ReadonlySet<string> {
  const known = fieldNames.get(schema);
  if (known) return known;
  const names = new Set(['__typename']);
  for (const type of Object.values(schema.getTypeMap()))
    if (isObjectType(type) || isInterfaceType(type)) for (const name of Object.keys(type.getFields())) names.add(name);
  fieldNames.set(schema, names);
  return names;
}

/** Stands where a condition has left nothing, since a selection must not be empty; no answer shows it unless it is asked for. */
const typename = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } } as const;

/** Keys that are none like others in JavaScript: the first cannot be set as they are, and the library of `stitched` drops all. */
const oddKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const isIntrospection = (name: string): boolean => name === '__schema' || name === '__type';

/** What is left under conditions whose variables have these values, without the conditions. */
function resolved(document: DocumentNode, conditions: Readonly<Record<string, unknown>>): DocumentNode {
  const isLeftOut = ({ directives = [] }: { readonly directives?: readonly DirectiveNode[] | undefined }): boolean =>
    directives.some(({ name, arguments: given = [] }) => {
      if (name.value !== 'skip' && name.value !== 'include') return false;
      const condition = given[0]?.value;
      const truth =
        condition?.kind === Kind.VARIABLE ? conditions[condition.name.value] === true : condition?.kind === Kind.BOOLEAN && condition.value;
      return truth === (name.value === 'skip');
    });
  return visit(document, {
    Field: (part) => (isLeftOut(part) ? null : part.name.value === '__typename' ? typename : undefined),
    InlineFragment: (part) => (isLeftOut(part) ? null : undefined),
    FragmentSpread: (part) => (isLeftOut(part) ? null : undefined),
    Directive: ({ name }) => (name.value === 'skip' || name.value === 'include' ? null : undefined),
    SelectionSet: { leave: (set) => (set.selections.length > 0 ? undefined : { ...set, selections: [typename] }) },
  });
}

/**
 * Makes a valid document fit for the planner:
 *
 * - An alias that is the name of another field (`id: name`) would stand where the planner keeps keys of entities: it gets a
 *   name of its own on the way and its own again in the answer. So does `__proto__`.
 * - Conditions are resolved: where they stand on many fields, the planner loses some of these or finds no plan. So a document has a
 *   plan for each truth of its conditions.
 * - `__typename` is asked for once and under its own name: under others the planner loses it (shape.ts finds it).
 * - Fragments are written out (flatten.ts).
 * - `__schema` and `__type` are answered here; no subgraph knows the whole schema.
 *
 * @throws GraphQLError if the operation is not in the document
 */
export function prepare(schema: GraphQLSchema, given: DocumentNode, operationName: string | null): Prepared {
  const operation = getOperationAST(given, operationName);
  if (!operation) throw new GraphQLError('The document has no such operation; name one of those it has.');
  const names = namesOf(schema);
  const callersKey = new Map<string, string>();
  const only: DocumentNode = {
    ...given,
    definitions: given.definitions.filter((part) => part.kind !== Kind.OPERATION_DEFINITION || part === operation),
  };

  const withAlias = (field: FieldNode): FieldNode | undefined => {
    const { alias, name } = field;
    const callers = alias?.value ?? name.value;
    if (!oddKeys.has(callers) && (callers === name.value || !names.has(callers))) return undefined;
    const key = `_as_${callers}_of_${name.value}`;
    callersKey.set(key, callers);
    return { ...field, alias: { kind: Kind.NAME, value: key } };
  };
  const renamed = visit(only, {
    // Introspection answers under the caller's own names.
    Field: { enter: (field) => (isIntrospection(field.name.value) ? false : withAlias(field)) },
  });

  const rootType = schema.getRootType(operation.operation);
  const atRoot = onlyAtRoot(renamed, rootType?.name ?? '');
  if (atRoot.asksFor((name) => name === '_entities' || name === '_service'))
    throw new GraphQLError('_entities and _service are the hub’s own: ask fields of subgraphs in another operation.', {
      extensions: { code: 'BAD_REQUEST' },
    });
  const introspection = atRoot.asksFor(isIntrospection) ? atRoot.keep((name) => isIntrospection(name)) : null;
  const isA = createIsA(schema);
  const rest = atRoot.keep((name) => !isIntrospection(name));
  return {
    operation,
    document: renamed,
    introspection: introspection && withoutUnused(introspection),
    callersKey,
    textFor(conditions) {
      const left = resolved(rest, conditions);
      if (!onlyAtRoot(left, rootType?.name ?? '').asksFor((name) => !name.startsWith('__'))) return null;
      return print(withoutUnused(flatten(left, { schema, isA, nothing: typename })));
    },
  };
}

/** Looks at, and takes from, the fields that stand at the root, in fragments too. */
function onlyAtRoot(document: DocumentNode, rootName: string) {
  const isRoot = (part: DefinitionNode) =>
    part.kind === Kind.OPERATION_DEFINITION || (part.kind === Kind.FRAGMENT_DEFINITION && part.typeCondition.name.value === rootName);
  return {
    asksFor(wanted: (name: string) => boolean): boolean {
      let asks = false;
      for (const part of document.definitions) {
        if (!isRoot(part)) continue;
        visit(part, {
          Field: ({ name }) => {
            asks ||= wanted(name.value);
            return false;
          },
        });
      }
      return asks;
    },
    keep: (wanted: (name: string) => boolean): DocumentNode => ({
      ...document,
      definitions: document.definitions.map((part) =>
        isRoot(part)
          ? visit(part, {
              Field: ({ name }) => (wanted(name.value) ? false : null),
              SelectionSet: {
                leave: (set) => (set.selections.length > 0 ? undefined : { ...set, selections: [typename] }),
              },
            })
          : part,
      ),
    }),
  };
}

/** Without fragments that nothing spreads and variables that nothing uses: a subgraph would refuse them. */
function withoutUnused(document: DocumentNode): DocumentNode {
  const fragments = new Map(
    document.definitions.flatMap((part) => (part.kind === Kind.FRAGMENT_DEFINITION ? [[part.name.value, part]] : [])),
  );
  const spread = new Set<string>();
  const used = new Set<string>();
  const collect = (part: DocumentNode['definitions'][number]): void => {
    visit(part, {
      FragmentSpread: ({ name }) => {
        const fragment = fragments.get(name.value);
        if (!fragment || spread.has(name.value)) return;
        spread.add(name.value);
        collect(fragment);
      },
      VariableDefinition: () => false,
      Variable: ({ name }) => void used.add(name.value),
    });
  };
  for (const part of document.definitions) if (part.kind === Kind.OPERATION_DEFINITION) collect(part);
  return {
    ...document,
    definitions: document.definitions.flatMap((part): DefinitionNode[] => {
      if (part.kind === Kind.FRAGMENT_DEFINITION) return spread.has(part.name.value) ? [part] : [];
      if (part.kind !== Kind.OPERATION_DEFINITION) return [];
      return [{ ...part, variableDefinitions: part.variableDefinitions?.filter(({ variable }) => used.has(variable.name.value)) ?? [] }];
    }),
  };
}
