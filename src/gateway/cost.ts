import {
  getNamedType,
  getOperationAST,
  isCompositeType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  valueFromASTUntyped,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import { contractFields } from '../federation/rows/rows.ts';

/** Values that one answer may hold at most, unless configured. */
export const defaultMostValues = 20_000;

interface Counting {
  readonly schema: GraphQLSchema;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Cost of each fragment once counted: a fragment used a thousand times is walked once. */
  readonly counted: Map<string, number>;
  /** Texts that are searched for, by type and field. */
  readonly searched: Set<string>;
  usesVariables: boolean;
}

/** The SDL of the whole schema is a text as long as thousands of values. */
const sdlCost = 4000;

/** How many entities are asked for by their keys. */
function representations(field: FieldNode, counting: Counting): number {
  const given = field.arguments?.find(({ name }) => name.value === 'representations')?.value;
  if (given?.kind === Kind.LIST) return given.values.length;
  if (given?.kind !== Kind.VARIABLE) return 1;
  counting.usesVariables = true;
  const value = counting.variables[given.name.value];
  return Array.isArray(value) ? value.length : 1;
}

/**
 * How many rows the lists of introspection answer, about; `ofType` is there for every other type. Not the numbers of this very
 * schema: a tool that asks for all of it must not be refused because the graph has grown.
 */
const introspected: Readonly<Record<string, number>> = {
  types: 50,
  directives: 5,
  fields: 5,
  args: 2,
  inputFields: 2,
  enumValues: 2,
  ofType: 0.5,
};

/** What a search costs, whose result is found once however often it is asked for within an operation. */
const searchCost = 3500;

/** What finding the value of a field costs beside the value, for fields that look for something. */
const findingCosts: Readonly<Record<string, number>> = {
  'Query.services': 150,
  // Goes through all of them, whatever it is asked for.
  'Query.municipalities': 1000,
  'Query.competence': 50,
  'Municipality.offer': 5,
  'Municipality.offers': 10,
  'Municipality.connection': 5,
  'Service.offers': 10,
  // As long as a form, which is sent whole.
  'Form.schema': 100,
};

/** What it costs to find the value of a field: once for each row above it, a search once for each text. */
function finding(field: FieldNode, parent: GraphQLNamedType | undefined, counting: Counting): number {
  if (!parent) return 0;
  const name = `${parent.name}.${field.name.value}`;
  const given = field.arguments?.find((argument) => argument.name.value === 'search')?.value;
  if (given?.kind === Kind.STRING) counting.searched.add(`${name} ${given.value}`);
  if (given?.kind === Kind.VARIABLE) {
    counting.usesVariables = true;
    const text = counting.variables[given.name.value];
    if (typeof text === 'string') counting.searched.add(`${name} ${text}`);
  }
  const list = field.arguments?.find((argument) => argument.name.value === 'in')?.value;
  // A list in a variable may be as long as it gets.
  const regions = list?.kind === Kind.LIST ? list.values.length : list?.kind === Kind.VARIABLE ? 50 : 0;
  const contract = parent.name === 'Municipality' && live.has(field.name.value) ? liveCost : 0;
  return (Object.hasOwn(findingCosts, name) ? (findingCosts[name] as number) : 0) + regions + contract;
}

/** What a row costs that a city is asked for. */
const liveCost = 50;
const live = new Set(contractFields().map(({ name }) => name));

/** Fields of the root that no type lists. */
const introspection = new Map<string, GraphQLField<unknown, unknown>>(
  [SchemaMetaFieldDef, TypeMetaFieldDef].map((field) => [field.name, field]),
);

/** How many rows a field may answer: its `first`, from literal, variable or default; 1 where it takes none. */
function rows(
  field: FieldNode,
  parent: GraphQLNamedType | undefined,
  definition: GraphQLField<unknown, unknown> | undefined,
  counting: Counting,
): number {
  if (parent && isIntrospectionType(parent)) return introspected[field.name.value] ?? 1;
  if (definition?.name === '_entities') return representations(field, counting);
  const first = definition?.args.find(({ name }) => name === 'first');
  if (!first) return 1;
  const given = field.arguments?.find(({ name }) => name.value === 'first')?.value;
  let value: unknown = first.defaultValue;
  if (given?.kind === Kind.INT) value = Number(given.value);
  else if (given?.kind === Kind.VARIABLE) {
    counting.usesVariables = true;
    value = counting.variables[given.name.value] ?? value;
  }
  // What is out of range is refused by the resolver; here it must only not count as less than it asks for.
  return typeof value === 'number' && value > 1 ? value : 1;
}

function costOf(set: SelectionSetNode, parent: GraphQLNamedType | undefined, counting: Counting): number {
  let sum = 0;
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) {
      const name = selection.name.value;
      const definition =
        introspection.get(name) ?? (isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined);
      const below = selection.selectionSet ? costOf(selection.selectionSet, definition && getNamedType(definition.type), counting) : 0;
      const own = parent?.name === '_Service' ? sdlCost : 1;
      sum += own + finding(selection, parent, counting) + rows(selection, parent, definition, counting) * below;
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      const on = selection.typeCondition ? counting.schema.getType(selection.typeCondition.name.value) : parent;
      sum += costOf(selection.selectionSet, on, counting);
    } else sum += fragmentCost(selection.name.value, counting);
  }
  return sum;
}

function fragmentCost(name: string, counting: Counting): number {
  const known = counting.counted.get(name);
  if (known !== undefined) return known;
  const fragment = counting.fragments.get(name);
  if (!fragment) return 0;
  counting.counted.set(name, 0);
  const type = counting.schema.getType(fragment.typeCondition.name.value);
  const cost = costOf(fragment.selectionSet, isCompositeType(type) ? type : undefined, counting);
  counting.counted.set(name, cost);
  return cost;
}

const literalCosts = new WeakMap<DocumentNode, Map<string, number>>();

/**
 * How many values an operation may answer at most: fields, multiplied by the `first` of every list above them. Counted at
 * execution, not by a validation rule, since a rule does not see variables: `first: $n` would pass any such limit. Walks
 * each field of the document once, and not again for a document whose `first`s are all literals.
 */
export function operationCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
): number {
  const key = operationName ?? '';
  const cached = literalCosts.get(document)?.get(key);
  if (cached !== undefined) return cached;
  const operation = getOperationAST(document, operationName);
  if (!operation) return 0;
  const fragments = new Map(
    document.definitions.flatMap((part) => (part.kind === Kind.FRAGMENT_DEFINITION ? [[part.name.value, part]] : [])),
  );
  const defaults = Object.fromEntries(
    (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
    ),
  );
  const counting: Counting = {
    schema,
    variables: { ...defaults, ...variables },
    fragments,
    counted: new Map(),
    searched: new Set(),
    usesVariables: false,
  };
  const values = costOf(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined, counting);
  const cost = Math.ceil(values + searchCost * counting.searched.size);
  if (!counting.usesVariables) {
    const costs = literalCosts.get(document) ?? new Map<string, number>();
    literalCosts.set(document, costs.set(key, cost));
  }
  return cost;
}
