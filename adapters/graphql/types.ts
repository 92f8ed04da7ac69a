import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  getNamedType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
  isInterfaceType,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql';
import { AdapterError, type Call, type Json } from '#contract';
import type { GraphqlConfig, RowField } from './config.ts';
import { hasSelection, SELECTION } from './documents.ts';
import { documentRefused, type Ask } from './http.ts';

/** The API's schema; null where it does not tell. */
export async function introspect(ask: Ask, call: Call): Promise<GraphQLSchema | null> {
  try {
    const { data, failed } = await ask(getIntrospectionQuery(), {}, call);
    if (failed) throw failed;
    return readSchema(data);
  } catch (error) {
    // Many APIs refuse introspection in production; everything else that goes wrong is told.
    if (!(error instanceof AdapterError) || error.cause !== documentRefused) throw error;
    return null;
  }
}

function readSchema(data: Json): GraphQLSchema {
  try {
    return buildClientSchema(data as unknown as IntrospectionQuery);
  } catch {
    throw new AdapterError('malformed', 'none', 'the API answers introspection with something else than a schema');
  }
}

/** What in the config's documents does not fit the API, in a sentence each. */
export function misfits(config: GraphqlConfig, schema: GraphQLSchema): readonly string[] {
  const documents: readonly (readonly [place: string, document: string])[] = [
    ['health', config.health.document],
    ...(config.submit ? [['submit', config.submit.document] as const] : []),
    ...(config.load ? [['load', config.load.document] as const] : []),
    ...(config.changes ? [['changes', config.changes.document] as const] : []),
    ...(config.withdraw ? [['withdraw', config.withdraw.document] as const] : []),
    ...(typeof config.idempotency === 'object' ? [['idempotency.lookup', config.idempotency.lookup.document] as const] : []),
  ];
  const fields = Object.entries(config.rows?.fields ?? {});
  return [
    ...documents.flatMap(([place, document]) => validated(place, document, schema)),
    ...fields.flatMap(([name, field]) => misfitsOfRow(name, field, schema)),
  ];
}

const validated = (place: string, document: string, schema: GraphQLSchema): readonly string[] =>
  validate(schema, parse(document)).map(
    ({ message, locations }) => `${place}${locations?.[0] ? ` line ${locations[0].line}` : ''}: ${message}`,
  );

function misfitsOfRow(name: string, field: RowField, schema: GraphQLSchema): readonly string[] {
  const place = `rows.fields.${name}`;
  const whole = validated(place, field.document.replaceAll(new RegExp(`\\b${SELECTION}\\b`, 'g'), '__typename'), schema);
  if (whole.length > 0 || field.expects === undefined || !hasSelection(field.document)) return whole;
  const theirs = typeAtSelection(field.document, schema);
  const [first] = parse(field.expects).definitions;
  const expected = buildSchema(
    `${standIns(field.expects)}\n${field.expects}\ntype Query { value: ${first && 'name' in first ? first.name?.value : ''} }`,
  );
  const ours = expected.getQueryType()?.getFields()['value']?.type;
  return ours && theirs ? differences(place, getNamedType(ours), theirs, field.names, new Set()) : [];
}

/** Scalars of the contract that its own part of the schema does not declare. */
function standIns(source: string): string {
  const declared = new Set(['String', 'Int', 'Float', 'Boolean', 'ID']);
  const used = new Set<string>();
  visit(parse(source), {
    NamedType: ({ name }) => void used.add(name.value),
    enter(node) {
      if ('name' in node && node.kind.endsWith('TypeDefinition')) declared.add((node.name as { value: string }).value);
    },
  });
  return [...used]
    .filter((name) => !declared.has(name))
    .map((name) => `scalar ${name}`)
    .join('\n');
}

function typeAtSelection(document: string, schema: GraphQLSchema): GraphQLNamedType | null {
  const types = new TypeInfo(schema);
  let found: GraphQLNamedType | null = null;
  visit(
    parse(document),
    visitWithTypeInfo(types, {
      Field(node) {
        if (node.name.value === SELECTION) found = types.getParentType() ?? null;
      },
    }),
  );
  return found;
}

/** Every field of ours must be there and fit: same leaf, list for list, and never null where ours never is. */
function differences(
  place: string,
  ours: GraphQLNamedType,
  theirs: GraphQLNamedType,
  names: RowField['names'],
  seen: Set<string>,
): readonly string[] {
  if (!isObjectType(ours) || seen.has(ours.name)) return [];
  seen.add(ours.name);
  if (!isObjectType(theirs) && !isInterfaceType(theirs)) return [`${place}: ${theirs.name} has no fields, ${ours.name} has`];
  const fields = theirs.getFields();
  return Object.values(ours.getFields()).flatMap(({ name, type }) => {
    const called = names[name] ?? name;
    const field = fields[called];
    if (!field) return [`${place}: ${theirs.name} has no field ${called} (${name}: ${String(type)}); say in names what it is called`];
    if (!fits(type, field.type)) return [`${place}: ${theirs.name}.${called} is ${String(field.type)}, the contract says ${String(type)}`];
    return differences(place, getNamedType(type), getNamedType(field.type), names, seen);
  });
}

function fits(ours: GraphQLOutputType, theirs: GraphQLOutputType): boolean {
  if (isNonNullType(ours)) return isNonNullType(theirs) && fits(ours.ofType, theirs.ofType);
  if (isNonNullType(theirs)) return fits(ours, theirs.ofType);
  if (isListType(ours) || isListType(theirs)) return isListType(ours) && isListType(theirs) && fits(ours.ofType, theirs.ofType);
  if (!isLeafType(ours)) return !isLeafType(theirs);
  if (!isLeafType(theirs)) return false;
  const [own, other] = [getNamedType(ours).name, getNamedType(theirs).name];
  // What a custom scalar holds is not in the schema; an enum or an id arrives as text.
  const builtIn = ['Int', 'Float', 'Boolean', 'String', 'ID'];
  return (
    own === other ||
    (own === 'Float' && other === 'Int') ||
    (own === 'String' && !['Int', 'Float', 'Boolean'].includes(other)) ||
    !builtIn.includes(own)
  );
}
