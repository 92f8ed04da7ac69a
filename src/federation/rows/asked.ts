import {
  getDirectiveValues,
  getNamedType,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isObjectType,
  Kind,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type SelectionNode,
} from 'graphql';
import { createReader, type Reader, type Shape } from './reader.ts';

/** What an operation asks of a contract field's value. */
export interface Asked {
  /** The selection set as a city gets it: neither variables, nor aliases, nor fragments, nor `__typename`. */
  readonly selection: string;
  readonly read: Reader;
}

type Info = Pick<GraphQLResolveInfo, 'fieldNodes' | 'returnType' | 'fragments' | 'variableValues'>;

/** By the field's first node, which lives as long as its document does in the engine's cache. */
const known = new WeakMap<FieldNode, { readonly nodes: readonly FieldNode[]; readonly asked: Asked }>();
/** One reader a shape and type, whatever document asked for it. */
const bySelection = new WeakMap<GraphQLOutputType, Map<string, Asked>>();
const mostKept = 500;

/**
 * What is asked of the value, whatever aliases, fragments and directives say it. A document that comes again is looked at
 * once, unless a variable decides what it asks.
 */
export function askedOf(info: Info): Asked {
  const { fieldNodes, returnType } = info;
  const first = fieldNodes[0] as FieldNode;
  const before = known.get(first);
  if (before && before.nodes.length === fieldNodes.length && before.nodes.every((node, index) => node === fieldNodes[index]))
    return before.asked;
  const collecting: Collecting = { info, usesVariables: false };
  const shape = shapeOf(getNamedType(returnType), fieldNodes, collecting);
  const selection = shape === null ? '' : textOf(shape);
  const asked = shared(returnType, selection, shape);
  if (!collecting.usesVariables) known.set(first, { nodes: fieldNodes, asked });
  return asked;
}

function shared(type: GraphQLOutputType, selection: string, shape: Shape | null): Asked {
  const those = bySelection.get(type) ?? new Map<string, Asked>();
  bySelection.set(type, those);
  const asked = those.get(selection) ?? { selection, read: createReader(type, shape) };
  if (those.size >= mostKept) those.clear();
  those.set(selection, asked);
  return asked;
}

interface Collecting {
  readonly info: Info;
  usesVariables: boolean;
}

/** Fields of the selections of some nodes, by name; null for a leaf. Sorted, so that the same question has one spelling. */
function shapeOf(type: unknown, nodes: readonly FieldNode[], collecting: Collecting): Shape | null {
  if (!isObjectType(type)) return null;
  const fields = new Map<string, FieldNode[]>();
  for (const { selectionSet } of nodes) for (const one of selectionSet?.selections ?? []) collect(one, fields, collecting);
  // Asked for nothing but its type: a city is asked for something, or the question would be none.
  if (fields.size === 0) return { [cheapest(type)]: null };
  return Object.fromEntries(
    [...fields]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, those]) => [name, shapeOf(getNamedType(type.getFields()[name]?.type), those, collecting)]),
  );
}

function collect(selection: SelectionNode, into: Map<string, FieldNode[]>, collecting: Collecting): void {
  if (!isIncluded(selection, collecting)) return;
  if (selection.kind === Kind.FIELD) {
    const name = selection.name.value;
    const those = into.get(name);
    if (those) those.push(selection);
    else if (!name.startsWith('__')) into.set(name, [selection]);
    return;
  }
  // Types of contracts are objects, so that a fragment on another type does not validate.
  const within = selection.kind === Kind.INLINE_FRAGMENT ? selection : collecting.info.fragments[selection.name.value];
  for (const one of within?.selectionSet.selections ?? []) collect(one, into, collecting);
}

function isIncluded(selection: SelectionNode, collecting: Collecting): boolean {
  if (!selection.directives?.length) return true;
  if (selection.directives.some(({ arguments: given }) => given?.some(({ value }) => value.kind === Kind.VARIABLE)))
    collecting.usesVariables = true;
  const { variableValues } = collecting.info;
  if (getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.['if'] === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.['if'] !== false;
}

const cheapest = (type: GraphQLObjectType): string => {
  const fields = Object.values(type.getFields());
  return (fields.find(({ type: of }) => !isObjectType(getNamedType(of))) ?? fields[0])?.name ?? '__typename';
};

const textOf = (shape: Shape): string =>
  `{ ${Object.entries(shape)
    .map(([name, below]) => (below === null ? name : `${name} ${textOf(below)}`))
    .join(' ')} }`;
