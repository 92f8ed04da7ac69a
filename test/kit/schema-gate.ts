import { ChangeType, CriticalityLevel, diff } from '@graphql-inspector/core';
import { isEnumType, isInterfaceType, isObjectType, type GraphQLSchema } from 'graphql';

/** The day until which something deprecated stays, as its reason says: `Until 2027-06-30.` */
const until = (reason: string | null | undefined): string | null => /\bUntil (\d{4}-\d{2}-\d{2})\b/.exec(reason ?? '')?.[1] ?? null;

/** The deprecation of `Type.field` or `Enum.VALUE`. */
function deprecationOf(schema: GraphQLSchema, path: string): string | null | undefined {
  const [typeName = '', name = ''] = path.split('.');
  const type = schema.getType(typeName);
  if (isObjectType(type) || isInterfaceType(type)) return type.getFields()[name]?.deprecationReason;
  return isEnumType(type) ? type.getValue(name)?.deprecationReason : undefined;
}

/** What of a schema would break clients of the one released, in a sentence each; what was deprecated until a day before `today` may go. */
export async function breakingChanges(released: GraphQLSchema, current: GraphQLSchema, today: string): Promise<readonly string[]> {
  const changes = await diff(released, current);
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .filter(({ type, path = '' }) => {
      const removal = type === ChangeType.FieldRemoved || type === ChangeType.EnumValueRemoved;
      const day = removal ? until(deprecationOf(released, path)) : null;
      return day === null || day >= today;
    })
    .map(({ message, path }) => `${message} (${path ?? ''})`);
}

/** What is deprecated without a day. */
export function undatedDeprecations(schema: GraphQLSchema): readonly string[] {
  return Object.values(schema.getTypeMap()).flatMap((type) => {
    const parts = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : isEnumType(type) ? type.getValues() : [];
    return parts
      .filter(({ deprecationReason }) => typeof deprecationReason === 'string' && until(deprecationReason) === null)
      .map(({ name }) => `${type.name}.${name}`);
  });
}
