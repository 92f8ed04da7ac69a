import { buildSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType, isUnionType, type GraphQLSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { applicationStatuses, assuranceLevels, channels, problemCodes } from '../../src/contract/contract.ts';
import { unionProblems } from '../../src/gateway/problems.ts';
import { createSchema, joinedSchema } from '../../src/gateway/schema.ts';

const schema = createSchema();

const valuesOf = (name: string): string[] => {
  const type = schema.getType(name);
  return isEnumType(type) ? type.getValues().map((value) => value.name) : [];
};

const membersOf = (name: string): string[] => {
  const type = schema.getType(name);
  return isUnionType(type) ? type.getTypes().map((member) => member.name) : [];
};

/** Every `Type.field(argument:)` of a schema, without what GraphQL brings itself. */
function namesOf(given: GraphQLSchema): string[] {
  return Object.values(given.getTypeMap())
    .filter(({ name }) => !name.startsWith('__'))
    .flatMap((type) => {
      if (isObjectType(type) || isInterfaceType(type))
        return Object.values(type.getFields()).flatMap((field) => [
          `${type.name}.${field.name}: ${String(field.type)}`,
          ...field.args.map((argument) => `${type.name}.${field.name}(${argument.name}: ${String(argument.type)})`),
        ]);
      if (isInputObjectType(type))
        return Object.values(type.getFields()).map((field) => `${type.name}.${field.name}: ${String(field.type)}`);
      if (isEnumType(type)) return type.getValues().map(({ name }) => `${type.name}.${name}`);
      return [type.name];
    });
}

describe('the schema says what the contract says', () => {
  test.each([
    ['ProblemCode', problemCodes],
    ['ApplicationStatus', applicationStatuses],
    ['AssuranceLevel', assuranceLevels],
    ['Channel', channels],
  ])('%s has the words of the contract', (name, words) => {
    expect(valuesOf(name).toSorted(), `change schema/*.graphql and src/contract together`).toEqual([...words].toSorted());
  });

  test.each(Object.entries(unionProblems))('%s holds the problems that resolvers may answer', (union, problems) => {
    const typed = membersOf(union).filter((name) => schema.getType('Problem') && isProblem(name));
    expect(typed.toSorted()).toEqual([...problems].toSorted());
  });

  const isProblem = (name: string) => {
    const type = schema.getType(name);
    return isObjectType(type) && type.getInterfaces().some((entry) => entry.name === 'Problem');
  };
});

describe('the schema is good to read', () => {
  test('every type has a description', () => {
    const bare = Object.values(schema.getTypeMap())
      .filter(({ name, description }) => !name.startsWith('__') && !description)
      .map(({ name }) => name)
      .filter((name) => !['Query', 'Mutation', 'Subscription', 'String', 'Int', 'Boolean', 'Float', 'ID'].includes(name));
    expect(bare, 'describe them in schema/*.graphql').toEqual([]);
  });

  test('every field of the roots has a description', () => {
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const bare = roots.flatMap((root) => Object.values(root?.getFields() ?? {})).filter(({ description }) => !description);
    expect(bare.map(({ name }) => name)).toEqual([]);
  });

  test('every connection is bounded: it takes first and after', () => {
    const loose = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type)
        ? Object.values(type.getFields())
            .filter((field) => /Connection!?$/.test(String(field.type)) && String(field.type) !== 'CityConnection')
            .filter((field) => !['first', 'after'].every((name) => field.args.some((argument) => argument.name === name)))
            .map((field) => `${type.name}.${field.name}`)
        : [],
    );
    expect(loose).toEqual([]);
  });

  test('the joined file is the schema that runs', () => {
    // Beside it runs only what the federation protocol asks for, which is no part of the API.
    const protocol = /^(_Service|_Entity|_Any)\b|^Query\.(_service|_entities)\b/;
    expect(namesOf(buildSchema(joinedSchema())).toSorted()).toEqual(
      namesOf(schema)
        .filter((name) => !protocol.test(name))
        .toSorted(),
    );
  });
});
