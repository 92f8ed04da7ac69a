import {
  buildASTSchema,
  FieldsOnCorrectTypeRule,
  Kind,
  KnownArgumentNamesRule,
  OverlappingFieldsCanBeMergedRule,
  parse,
  print,
  ProvidedRequiredArgumentsRule,
  ScalarLeafsRule,
  validate,
  ValuesOfCorrectTypeRule,
  visit,
  type ConstDirectiveNode,
  type DocumentNode,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import { federationName, fieldSetOf, hasFields, textOf } from './directives.ts';
import { objections, type Objecting } from './objections.ts';

/*
 * What subgraphs may require. Whatever several fields of one type require travels in one representation, where a field stands once
 * and under its own name: two values of it cannot both be there.
 */

const rules = [
  FieldsOnCorrectTypeRule,
  KnownArgumentNamesRule,
  ProvidedRequiredArgumentsRule,
  ValuesOfCorrectTypeRule,
  ScalarLeafsRule,
  OverlappingFieldsCanBeMergedRule,
];

/** The SDL as a schema; null where it is none, which others say better. */
function schemaOf(document: DocumentNode): GraphQLSchema | null {
  try {
    return buildASTSchema(document, { assumeValid: true, assumeValidSDL: true });
  } catch {
    return null;
  }
}

/** Objects to each `@requires` of a document that no subgraph could be given. */
export function checkRequires(document: DocumentNode, object: (at: ConstDirectiveNode, objecting: Objecting) => void): void {
  let schema: GraphQLSchema | null | undefined;
  /** Arguments by type and the fields that lead to the value. */
  const required = new Map<string, string>();

  function note(set: SelectionSetNode, above: string, directive: ConstDirectiveNode, coordinate: string): void {
    for (const part of set.selections) {
      if (part.kind !== Kind.FIELD) continue;
      const path = `${above}.${part.name.value}`;
      const given = (part.arguments ?? [])
        .map((one) => print(one))
        .toSorted()
        .join(', ');
      if ((required.get(path) ?? given) !== given) object(directive, objections.requiresTwice(coordinate, path));
      else required.set(path, given);
      if (part.selectionSet) note(part.selectionSet, path, directive, coordinate);
    }
  }

  function check(directive: ConstDirectiveNode, type: string, coordinate: string): void {
    const set = fieldSetOf(directive);
    if (!set) return object(directive, objections.requiresUnknown(coordinate, textOf(directive, 'fields') ?? ''));
    let hasAlias = false;
    let hasVariable = false;
    visit(set, { Field: ({ alias }) => void (hasAlias ||= alias !== undefined), Variable: () => void (hasVariable = true) });
    if (hasAlias) return object(directive, objections.requiresAlias(coordinate));
    if (hasVariable) return object(directive, objections.requiresUnknown(coordinate, '$'));
    schema ??= schemaOf(document);
    const [error] = schema ? validate(schema, parse(`fragment Required on ${type} ${print(set)}`), rules, { maxErrors: 1 }) : [];
    if (error) return object(directive, objections.requiresUnknown(coordinate, error.message));
    note(set, type, directive, coordinate);
  }

  for (const type of document.definitions)
    if (hasFields(type))
      for (const field of type.fields ?? [])
        for (const directive of field.directives ?? [])
          if (federationName(directive) === 'requires') check(directive, type.name.value, `${type.name.value}.${field.name.value}`);
}
