import {
  Kind,
  parse,
  type DefinitionNode,
  type DirectiveNode,
  type InterfaceTypeDefinitionNode,
  type InterfaceTypeExtensionNode,
  type ObjectTypeDefinitionNode,
  type ObjectTypeExtensionNode,
  type SelectionSetNode,
} from 'graphql';

/* How federation's directives are read in a subgraph's SDL. */

export type WithFields = ObjectTypeDefinitionNode | ObjectTypeExtensionNode | InterfaceTypeDefinitionNode | InterfaceTypeExtensionNode;

export const hasFields = (part: DefinitionNode): part is WithFields =>
  part.kind === Kind.OBJECT_TYPE_DEFINITION ||
  part.kind === Kind.OBJECT_TYPE_EXTENSION ||
  part.kind === Kind.INTERFACE_TYPE_DEFINITION ||
  part.kind === Kind.INTERFACE_TYPE_EXTENSION;

/** A directive's own name: the composer takes `@federation__key` for `@key`, imported or not. */
export const federationName = ({ name }: DirectiveNode): string => name.value.replace(/^federation__/, '');

/** A text argument of a directive. */
export const textOf = ({ arguments: given = [] }: DirectiveNode, name: string): string | null => {
  const value = given.find((one) => one.name.value === name)?.value;
  return value?.kind === Kind.STRING ? value.value : null;
};

/** The selection in `fields`; null if there is none or it is none. */
export function fieldSetOf(directive: DirectiveNode): SelectionSetNode | null {
  const text = textOf(directive, 'fields');
  if (text === null) return null;
  try {
    const [operation] = parse(`{${text}}`, { noLocation: true, maxTokens: 2000 }).definitions;
    return operation?.kind === Kind.OPERATION_DEFINITION ? operation.selectionSet : null;
  } catch {
    return null;
  }
}
