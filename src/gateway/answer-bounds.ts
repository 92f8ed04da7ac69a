import {
  defaultFieldResolver,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import type { Json } from '#contract';
import type { Context } from './context.ts';

/*
 * How long an answer gets is known before it is written: every text, list and form that it takes up is counted as it is found. Cities may state
 * long texts and large forms; an answer that would be too long is refused by the route (http/graphql.ts), and what it would hold
 * beyond its length is not made at all.
 */

type Resolve = GraphQLFieldResolver<unknown, Context>;

const lengths = new WeakMap<object, number>();

/** Characters of a value as JSON writes it. Forms are large, and the same object each time. */
function jsonLength(value: Json): number {
  if (typeof value !== 'object' || value === null) return String(value).length;
  const length = lengths.get(value) ?? JSON.stringify(value).length;
  lengths.set(value, length);
  return length;
}

/** Characters that a value takes up in the answer, at least. */
function least(value: unknown, isJson: boolean): number {
  if (isJson) return jsonLength(value as Json);
  if (typeof value === 'string') return value.length;
  if (!Array.isArray(value)) return 0;
  let sum = 0;
  // Quotes or braces, and a comma.
  for (const entry of value) sum += 3 + (typeof entry === 'string' ? entry.length : 0);
  return sum;
}

/** Counts what the fields of a schema answer that may be long; once an answer is too long, they are empty. */
export function boundAnswers(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const isList = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
      const { name } = getNamedType(field.type);
      if (!isList && name !== 'String' && name !== 'JSON') continue;
      const isJson = name === 'JSON';
      const empty: unknown = isList ? [] : isJson ? {} : '';
      const resolve: Resolve = field.resolve ?? defaultFieldResolver;
      field.resolve = (parent, args, context, info) => {
        const { outcome } = context;
        if (outcome.charactersLeft < 0) return empty;
        const value = resolve(parent, args, context, info);
        if (value instanceof Promise)
          return value.then((found: unknown) => {
            outcome.charactersLeft -= least(found, isJson);
            return found;
          });
        outcome.charactersLeft -= least(value, isJson);
        return value;
      };
    }
  }
  return schema;
}
