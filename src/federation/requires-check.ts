import {
  buildASTSchema,
  FieldsOnCorrectTypeRule,
  getNamedType,
  isAbstractType,
  isObjectType,
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

/** The SDL as a schema; null if it is none, which others say better. */
function schemaOf(document: DocumentNode): GraphQLSchema | null {
  try {
    return buildASTSchema(document, { assumeValid: true, assumeValidSDL: true });
  } catch {
    return null;
  }
}

/** Name of the first interface or union that a set of fields leads through; the planner loses its way there. */
function throughAbstract(schema: GraphQLSchema, type: string, set: SelectionSetNode): string | null {
  const on = schema.getType(type);
  for (const part of set.selections) {
    if (part.kind !== Kind.FIELD || !part.selectionSet || !isObjectType(on)) continue;
    const below = getNamedType(on.getFields()[part.name.value]?.type);
    if (isAbstractType(below)) return below.name;
    const deeper = below && throughAbstract(schema, below.name, part.selectionSet);
    if (deeper) return deeper;
  }
  return null;
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
    const abstract = schema && throughAbstract(schema, type, set);
    if (abstract) return object(directive, objections.requiresAbstract(coordinate, abstract));
    note(set, type, directive, coordinate);
  }

  for (const type of document.definitions)
    if (hasFields(type))
      for (const field of type.fields ?? [])
        for (const directive of field.directives ?? [])
          if (federationName(directive) === 'requires') check(directive, type.name.value, `${type.name.value}.${field.name.value}`);
}
