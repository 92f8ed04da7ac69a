import { Kind, parse, print, validate, visit, type ASTNode, type DocumentNode, type GraphQLSchema, type SelectionNode } from 'graphql';
import type { RandomDocument } from './documents.ts';

/** Kinds of which one can be left out, and what is left may still be a document. */
const removable = new Set<string>([
  Kind.FIELD,
  Kind.INLINE_FRAGMENT,
  Kind.FRAGMENT_SPREAD,
  Kind.DIRECTIVE,
  Kind.ARGUMENT,
  Kind.OBJECT_FIELD,
  Kind.OPERATION_DEFINITION,
]);

/** Without the `nth` node that can be removed, largest first; null if there are not so many. */
function without(document: DocumentNode, nth: number): DocumentNode | null {
  let count = -1;
  let removed = false;
  const enter = (node: ASTNode) => {
    if (removed) return false;
    if (removable.has(node.kind) && (count += 1) === nth) {
      removed = true;
      return null;
    }
    return undefined;
  };
  const rest = visit<DocumentNode>(document, { enter });
  return removed ? rest : null;
}

/** With what the `nth` fragment selects in its place; null if there are not so many. */
function opened(document: DocumentNode, nth: number): DocumentNode | null {
  let count = -1;
  let done = false;
  const bodies = new Map(document.definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])));
  const open = (selection: SelectionNode): readonly SelectionNode[] => {
    if (done || selection.kind === Kind.FIELD || (count += 1) !== nth) return [selection];
    done = true;
    if (selection.kind === Kind.INLINE_FRAGMENT) return selection.selectionSet.selections;
    const body = bodies.get(selection.name.value);
    return body ? [{ ...body, kind: Kind.INLINE_FRAGMENT, directives: selection.directives ?? [] }] : [selection];
  };
  const rest = visit(document, { SelectionSet: (set) => ({ ...set, selections: set.selections.flatMap(open) }) });
  return done ? rest : null;
}

/** Without fragments, variables and empty selections that nothing needs any more. */
function tidied(document: DocumentNode): DocumentNode {
  const spreads = new Set<string>();
  const used = new Set<string>();
  visit(document, {
    FragmentSpread: ({ name }) => void spreads.add(name.value),
    // The variable of its own definition is no use of it.
    VariableDefinition: () => false,
    Variable: ({ name }) => void used.add(name.value),
  });
  const rest = visit(document, {
    FragmentDefinition: ({ name }) => (spreads.has(name.value) ? undefined : null),
    VariableDefinition: ({ variable }) => (used.has(variable.name.value) ? undefined : null),
  });
  return rest.definitions.length === document.definitions.length && print(rest) === print(document) ? rest : tidied(rest);
}

/**
 * The smallest document to be found, by leaving out one part after the other, for which `differs` is still true.
 * @param most tries at most
 */
export async function shrink(
  schema: GraphQLSchema,
  found: RandomDocument,
  differs: (smaller: RandomDocument) => Promise<boolean>,
  most = 500,
): Promise<RandomDocument> {
  let best = found;
  let document = parse(found.query, { noLocation: true });
  let tries = 0;
  const steps = [without, opened];
  for (let step = 0; step < steps.length && tries < most; step += 1)
    for (let nth = 0; tries < most; nth += 1) {
      const smaller = steps[step]?.(document, nth);
      if (!smaller) break;
      const rest = tidied(smaller);
      const query = safePrint(rest);
      if (query === null || !isValid(schema, query)) continue;
      const candidate = { ...best, query, variables: variablesOf(rest, best.variables) };
      tries += 1;
      if (!(await differs(candidate))) continue;
      best = candidate;
      document = rest;
      // What could not be left out before may be now.
      step = 0;
      nth = -1;
    }
  return best;
}

/** What is given to the variables that are still there. */
function variablesOf({ definitions }: DocumentNode, given: RandomDocument['variables']): RandomDocument['variables'] {
  const defined = definitions.flatMap((one) => (one.kind === Kind.OPERATION_DEFINITION ? (one.variableDefinitions ?? []) : []));
  const names = new Set(defined.map(({ variable }) => variable.name.value));
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.has(name)));
}

/** Null if something is left empty. */
function safePrint(document: DocumentNode): string | null {
  const text = print(document);
  return /\{\s*\}/.test(text.replaceAll(/: \{\s*\}/g, '')) || text === '' ? null : text;
}

function isValid(schema: GraphQLSchema, text: string): boolean {
  try {
    return validate(schema, parse(text), undefined, { maxErrors: 1 }).length === 0;
  } catch {
    return false;
  }
}
