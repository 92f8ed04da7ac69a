import {
  BREAK,
  coerceInputValue,
  getNamedType,
  getOperationAST,
  GraphQLError,
  isEnumType,
  isInputType,
  isLeafType,
  isNonNullType,
  Kind,
  typeFromAST,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type ASTNode,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  type VariableDefinitionNode,
} from 'graphql';

/*
 * What does not fit is named by its place and by what was expected there, never by itself: answers are logged by callers, and
 * the value is often a person's. graphql-js repeats it in nearly every complaint.
 */

/** What a place takes. */
function expected(type: GraphQLInputType): string {
  const named = getNamedType(type);
  if (!isEnumType(named)) return `Expected a value of type "${String(type)}".`;
  return `Expected a value of type "${String(type)}": ${named
    .getValues()
    .map(({ name }) => name)
    .join(', ')}.`;
}

/** Our own scalars say what they expect without repeating what they got. */
const isOurs = (error: unknown): boolean => error instanceof GraphQLError && error.extensions['code'] === 'INVALID_INPUT';

/** The type at a place below an input type. */
function typeBelow(type: GraphQLInputType, path: readonly (string | number)[]): GraphQLInputType {
  let at: GraphQLInputType = type;
  for (const step of path) {
    if (isNonNullType(at)) at = at.ofType;
    if (typeof step === 'number') at = 'ofType' in at ? at.ofType : at;
    else at = 'getFields' in at ? (at.getFields()[step]?.type ?? at) : at;
  }
  return at;
}

const mostErrors = 50;

/** Thrown to end a look through values: after so many mistakes, to find the next ones would cost far more than it says. */
const enough = new Error('more mistakes than are told');

/** What is wrong with the variables that an operation was given, without their values, fifty mistakes at most; empty if all fit. */
export function variableErrors(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  given: Readonly<Record<string, unknown>>,
): GraphQLError[] {
  const errors: GraphQLError[] = [];
  try {
    for (const definition of getOperationAST(document, operationName)?.variableDefinitions ?? [])
      lookAt(definition, schema, given, (error) => {
        if (errors.length >= mostErrors) throw enough;
        errors.push(error);
      });
  } catch (error) {
    if (error !== enough) throw error;
  }
  return errors;
}

/** Tells what is wrong with one variable. */
function lookAt(
  definition: VariableDefinitionNode,
  schema: GraphQLSchema,
  given: Readonly<Record<string, unknown>>,
  tell: (error: GraphQLError) => void,
): void {
  const name = definition.variable.name.value;
  const type = typeFromAST(schema, definition.type);
  if (!isInputType(type)) return;
  const complain = (what: string, code?: unknown) =>
    tell(new GraphQLError(`Variable "$${name}" ${what}`, { nodes: definition, ...(code === undefined ? {} : { extensions: { code } }) }));
  if (!Object.hasOwn(given, name)) {
    if (isNonNullType(type) && !definition.defaultValue) complain(`of required type "${String(type)}" was not provided.`);
  } else if (given[name] === null && isNonNullType(type)) complain(`of non-null type "${String(type)}" must not be null.`);
  else
    coerceInputValue(given[name], type, (path, value, error) => {
      const place = path.length > 0 ? ` at "${[name, ...path].join('.')}"` : '';
      const at = typeBelow(type, path);
      const repeats = isLeafType(getNamedType(at)) && value !== null && !isOurs(error);
      complain(`got an invalid value${place}; ${repeats ? expected(at) : error.message}`, error.extensions['code']);
    });
}

const values = new Set<string>([Kind.INT, Kind.FLOAT, Kind.STRING, Kind.BOOLEAN, Kind.NULL, Kind.ENUM, Kind.LIST, Kind.OBJECT]);

/** A complaint of validation about a value that the document holds, without the value. */
export function withoutLiteral(error: GraphQLError, schema: GraphQLSchema, document: DocumentNode): GraphQLError {
  const node = error.nodes?.[0];
  if (!node || !values.has(node.kind) || isOurs(error) || isOurs(error.originalError)) return error;
  const type = typeAt(schema, document, node);
  // An object or a list is complained about by what is missing or too much in it.
  const isAboutFields = node.kind === Kind.OBJECT && type && !isLeafType(getNamedType(type));
  if (isAboutFields) return error;
  return new GraphQLError(type ? expected(type) : 'This value does not fit.', { nodes: error.nodes, extensions: error.extensions });
}

function typeAt(schema: GraphQLSchema, document: DocumentNode, node: ASTNode): GraphQLInputType | null {
  const info = new TypeInfo(schema);
  let found: GraphQLInputType | null = null;
  const enter = (one: ASTNode) => {
    if (one !== node) return undefined;
    found = info.getInputType() ?? null;
    return BREAK;
  };
  visit(document, visitWithTypeInfo(info, { enter }));
  return found;
}

/** A message of the parser or the executor without the literal that it repeats. */
export const withoutQuoted = (message: string): string =>
  message
    .replace(/\b(String|BlockString|Int|Float) ".*"/su, '$1')
    .replace(/^Argument "(\w+)" has invalid value .*$/su, 'Argument "$1" has an invalid value.');
