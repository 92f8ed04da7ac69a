import { GraphQLError, Kind, OperationTypeNode, parse, print, visit, type DocumentNode, type SelectionSetNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import { AdapterError } from '#contract';

/** The field that stands for what is asked of a row's value. */
export const SELECTION = '__selection';

const MOST_TOKENS = 2_000;

/** What is wrong with a document of the config, or null. It holds one operation; `kinds` says which. */
export function documentProblem(source: string, kinds: readonly ('query' | 'mutation')[]): string | null {
  let document: DocumentNode;
  try {
    document = parse(source, { maxTokens: MOST_TOKENS });
  } catch (error) {
    const [place] = error instanceof GraphQLError ? (error.locations ?? []) : [];
    const where = place ? ` (line ${place.line}, column ${place.column})` : '';
    return `a GraphQL document; this one does not parse: ${(error as Error).message}${where}`;
  }
  const operations = document.definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION);
  const [only] = operations;
  if (!only || operations.length > 1) return `one operation; here are ${operations.length}`;
  return operationsOf(kinds).includes(only.operation) ? null : `a ${kinds.join(' or ')}; here is a ${only.operation}`;
}

const operationsOf = (kinds: readonly ('query' | 'mutation')[]): readonly OperationTypeNode[] =>
  kinds.map((kind) => (kind === 'query' ? OperationTypeNode.QUERY : OperationTypeNode.MUTATION));

/** The variables that a document declares. */
export function variablesOf(source: string): readonly string[] {
  const [operation] = parse(source, { maxTokens: MOST_TOKENS }).definitions;
  return operation?.kind === Kind.OPERATION_DEFINITION
    ? (operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value)
    : [];
}

export const hasSelection = (source: string): boolean => new RegExp(`\\b${SELECTION}\\b`).test(source);

const known = new LRUCache<string, boolean>({ max: 1000 });

/** True for a document that changes something; said once of each. */
export function isMutation(source: string): boolean {
  const before = known.get(source);
  if (before !== undefined) return before;
  const writes = parse(source, { maxTokens: MOST_TOKENS }).definitions.some(
    (one) => one.kind === Kind.OPERATION_DEFINITION && one.operation === OperationTypeNode.MUTATION,
  );
  known.set(source, writes);
  return writes;
}

/**
 * The document with what is asked in the place of `__selection`. A field that the API calls otherwise is asked for under an
 * alias, so that the answer has the contract's names.
 * @throws AdapterError unsupported where the selection is not one, or the document has no place for it
 */
export function withSelection(source: string, selection: string, names: Readonly<Record<string, string>>): string {
  if ((selection.trim() !== '') !== hasSelection(source))
    throw new AdapterError('unsupported', 'none', `the document and the question differ in whether the value has fields (${SELECTION})`);
  if (selection.trim() === '') return source;
  const asked = renamed(selectionOf(selection), names);
  const document = visit(parse(source, { maxTokens: MOST_TOKENS }), {
    SelectionSet(node) {
      const rest = node.selections.filter((one) => one.kind !== Kind.FIELD || one.name.value !== SELECTION);
      return rest.length === node.selections.length ? undefined : { ...node, selections: [...rest, ...asked.selections] };
    },
  });
  return print(document);
}

function selectionOf(selection: string): SelectionSetNode {
  try {
    const [operation, ...more] = parse(selection, { maxTokens: MOST_TOKENS }).definitions;
    if (operation?.kind === Kind.OPERATION_DEFINITION && operation.operation === OperationTypeNode.QUERY && more.length === 0)
      return operation.selectionSet;
  } catch {
    // Told below.
  }
  throw new AdapterError('unsupported', 'none', 'what is asked of a row is not a selection set');
}

const renamed = (selection: SelectionSetNode, names: Readonly<Record<string, string>>): SelectionSetNode =>
  visit(selection, {
    Field(node) {
      const theirs = Object.hasOwn(names, node.name.value) ? names[node.name.value] : undefined;
      return theirs === undefined || node.alias ? undefined : { ...node, alias: node.name, name: { kind: Kind.NAME, value: theirs } };
    },
  });
