import {
  Kind,
  parse,
  print,
  visit,
  type ArgumentNode,
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type FieldNode,
  type SelectionSetNode,
  type TypeNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { sha256 } from '../infra/ids.ts';
import { federationName, fieldSetOf, hasFields } from './directives.ts';
import type { Request, Subgraph } from './engine/engine.ts';

/*
 * A field with arguments may stand in one object with several values: those that the caller asks for, and those that subgraphs
 * require (`@requires(fields: "name(language: EN)")`). The planners keep them apart in some places only. So each value that is
 * required has a field of its own in the graph that is planned, without arguments and hidden from callers: `_required_name_1a2b…`. So has
 * an object of which something is required: what a caller asks of it besides may fail and take the whole object with it.
 * Subgraphs never see it: on the way to them it is the field again with its arguments, and in a representation the field's name.
 */

/** A field with arguments, or an object, that some subgraph requires. */
export interface RequiredValue {
  readonly field: string;
  /** As in a selection: `language: EN`; empty if all are left to their defaults. */
  readonly arguments: string;
}

/** Required values by the names of their own fields. */
export type RequiredValues = Readonly<Record<string, RequiredValue>>;

/** A subgraph's part of what is composed. */
export interface ComposedPart {
  readonly name: string;
  readonly url: string;
  readonly typeDefs: DocumentNode;
}

const prefix = '_required_';

const nameOf = ({ field, arguments: given }: RequiredValue): string => `${prefix}${field}_${sha256(given).slice(0, 10)}`;

const printed = (given: readonly ArgumentNode[]): string =>
  given
    .map((one) => print(one))
    .toSorted()
    .join(', ');

const namedType = (type: TypeNode): string => (type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type));

/** Gives each value that is required with arguments a field of its own: with whoever requires it, and with whoever answers it. */
export function separateRequiredValues<P extends ComposedPart>(
  parts: readonly P[],
): { readonly parts: readonly P[]; readonly values: RequiredValues } {
  const values: Record<string, RequiredValue> = {};
  /** Names by `Type.field`. */
  const wanted = new Map<string, Set<string>>();
  const requiring = parts.map((part) => withoutArguments(part, values, wanted));
  if (wanted.size === 0) return { parts, values };
  return { parts: requiring.map((part) => withOwnFields(part, wanted, values)), values };
}

/** Names of what each type of a document requires, with whoever requires it. */
function withoutArguments<P extends ComposedPart>(part: P, values: Record<string, RequiredValue>, wanted: Map<string, Set<string>>): P {
  const fields = new Map<string, FieldDefinitionNode>();
  for (const type of part.typeDefs.definitions)
    if (hasFields(type)) for (const field of type.fields ?? []) fields.set(`${type.name.value}.${field.name.value}`, field);

  const separated = (set: SelectionSetNode, type: string): SelectionSetNode => ({
    ...set,
    selections: set.selections.map((selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return selection;
      if (selection.kind === Kind.INLINE_FRAGMENT)
        return { ...selection, selectionSet: separated(selection.selectionSet, selection.typeCondition?.name.value ?? type) };
      const coordinate = `${type}.${selection.name.value}`;
      const field = fields.get(coordinate);
      if (!field) return selection;
      const below = selection.selectionSet && { selectionSet: separated(selection.selectionSet, namedType(field.type)) };
      if (!field.arguments?.length && !selection.selectionSet) return selection;
      const value = { field: selection.name.value, arguments: printed(selection.arguments ?? []) };
      const name = nameOf(value);
      values[name] = value;
      wanted.set(coordinate, (wanted.get(coordinate) ?? new Set()).add(name));
      return { ...selection, name: { kind: Kind.NAME, value: name }, arguments: [], ...below } satisfies FieldNode;
    }),
  });

  const requiresOf = (directive: ConstDirectiveNode, type: string): ConstDirectiveNode => {
    const set = federationName(directive) === 'requires' ? fieldSetOf(directive) : null;
    if (!set) return directive;
    const text = print(separated(set, type)).slice(1, -1);
    return parseDirective(`@${directive.name.value}(fields: ${JSON.stringify(text)})`);
  };
  const definitions = part.typeDefs.definitions.map((type) =>
    hasFields(type)
      ? {
          ...type,
          fields:
            type.fields?.map((field) => ({
              ...field,
              directives: field.directives?.map((one) => requiresOf(one, type.name.value)) ?? [],
            })) ?? [],
        }
      : type,
  );
  return { ...part, typeDefs: { ...part.typeDefs, definitions } };
}

const parseDirective = (text: string): ConstDirectiveNode => {
  const [scalar] = parse(`scalar X ${text}`, { noLocation: true }).definitions;
  if (scalar?.kind !== Kind.SCALAR_TYPE_DEFINITION || !scalar.directives?.[0]) throw new Error(`No directive: ${text}`);
  return scalar.directives[0];
};

const hidden = parseDirective('@federation__inaccessible');

/** What a document names in its sets of fields (@key, @requires, @provides) or has for an interface, as `Type.field`. */
function namedFields({ definitions }: DocumentNode, values: RequiredValues): ReadonlySet<string> {
  const types = new Map<string, string>();
  for (const type of definitions)
    if (hasFields(type)) for (const field of type.fields ?? []) types.set(`${type.name.value}.${field.name.value}`, namedType(field.type));
  const named = new Set<string>();
  const note = (set: SelectionSetNode | null, type: string): void => {
    for (const part of set?.selections ?? []) {
      if (part.kind === Kind.INLINE_FRAGMENT) note(part.selectionSet, part.typeCondition?.name.value ?? type);
      if (part.kind !== Kind.FIELD) continue;
      const coordinate = `${type}.${part.name.value}`;
      named.add(coordinate);
      if (part.selectionSet) note(part.selectionSet, types.get(`${type}.${values[part.name.value]?.field ?? part.name.value}`) ?? '');
    }
  };
  for (const type of definitions) {
    if (!hasFields(type)) continue;
    const name = type.name.value;
    for (const one of type.directives ?? []) note(fieldSetOf(one), name);
    for (const field of type.fields ?? [])
      for (const one of field.directives ?? []) note(fieldSetOf(one), federationName(one) === 'provides' ? namedType(field.type) : name);
    for (const { name: implemented } of type.interfaces ?? [])
      for (const coordinate of types.keys())
        if (coordinate.startsWith(`${implemented.value}.`)) named.add(`${name}${coordinate.slice(implemented.value.length)}`);
  }
  return named;
}

/** Adds a field for each value. Where nothing else needs the field that they stand for, it goes: a composer takes no unused @external. */
function withOwnFields<P extends ComposedPart>(part: P, wanted: ReadonlyMap<string, ReadonlySet<string>>, values: RequiredValues): P {
  const named = namedFields(part.typeDefs, values);
  const definitions = part.typeDefs.definitions.map((type) => {
    if (!hasFields(type)) return type;
    const fields = (type.fields ?? []).flatMap((field): FieldDefinitionNode[] => {
      const isNamed = (name: string): boolean => named.has(`${type.name.value}.${name}`);
      const names = wanted.get(`${type.name.value}.${field.name.value}`);
      if (!names) return [field];
      const isExternal = field.directives?.some((one) => federationName(one) === 'external') ?? false;
      const own = [...names]
        .filter((name) => !isExternal || isNamed(name))
        .map((name) => ({
          ...field,
          name: { kind: Kind.NAME, value: name } as const,
          arguments: [],
          directives: [...(field.directives ?? []), ...(isExternal ? [] : [hidden])],
        }));
      return isExternal && !isNamed(field.name.value) ? own : [field, ...own];
    });
    return { ...type, fields };
  });
  return { ...part, typeDefs: { ...part.typeDefs, definitions } };
}

/** An operation as a subgraph takes it, and its variables that hold representations. */
interface Restored {
  readonly operation: string;
  readonly representations: readonly string[];
}

const mostKept = 2000;

/** The subgraph behind the graph that is planned: asked in its own words. */
export function restoring(subgraph: Subgraph, values: RequiredValues): Subgraph {
  if (Object.keys(values).length === 0) return subgraph;
  const known = new LRUCache<string, Restored>({ max: mostKept });
  const restored = (request: Request): Request => {
    let found = known.get(request.operation);
    if (!found) known.set(request.operation, (found = restore(request.operation, values)));
    const { operation, representations } = found;
    if (representations.length === 0) return { ...request, operation };
    const variables: Record<string, unknown> = { ...request.variables };
    for (const name of representations) variables[name] = inOwnWords(variables[name], values);
    return { ...request, operation, variables };
  };
  return {
    name: subgraph.name,
    ask: (request, asking) => subgraph.ask(restored(request), asking),
    follow: (request, asking) => subgraph.follow(restored(request), asking),
  };
}

function restore(operation: string, values: RequiredValues): Restored {
  const representations = [...operation.matchAll(/\$(\w+): ?\[_Any!\]!/g)].map(([, name]) => name as string);
  if (!operation.includes(prefix)) return { operation, representations };
  const document = visit(parse(operation, { noLocation: true }), {
    Field(field) {
      const value = Object.hasOwn(values, field.name.value) ? values[field.name.value] : undefined;
      if (!value) return undefined;
      return {
        ...field,
        alias: field.alias ?? field.name,
        name: { kind: Kind.NAME, value: value.field } as const,
        arguments: argumentsOf(value),
      };
    },
  });
  return { operation: print(document), representations };
}

function argumentsOf(value: RequiredValue): readonly ArgumentNode[] {
  if (value.arguments === '') return [];
  const [operation] = parse(`{ ${value.field}(${value.arguments}) }`, { noLocation: true }).definitions;
  const field = operation?.kind === Kind.OPERATION_DEFINITION ? operation.selectionSet.selections[0] : undefined;
  return field?.kind === Kind.FIELD ? (field.arguments ?? []) : [];
}

function inOwnWords(value: unknown, values: RequiredValues): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => inOwnWords(item, values));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      (Object.hasOwn(values, key) ? values[key]?.field : undefined) ?? key,
      inOwnWords(item, values),
    ]),
  );
}
