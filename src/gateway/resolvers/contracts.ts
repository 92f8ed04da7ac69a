import type { GraphQLFieldResolver } from 'graphql';
import type { Json } from '#contract';
import type { Municipality } from '../../catalogue/catalogue.ts';
import { askedOf, contractFields } from '../../federation/rows/rows.ts';
import type { Context } from '../context.ts';
import { pageRequest } from '../pages.ts';

/** Arguments as a city gets them: JSON, and what was not given is not there. */
function toJson(args: Readonly<Record<string, unknown>>): { [name: string]: Json } {
  const given: { [name: string]: Json } = {};
  for (const [name, value] of Object.entries(args))
    if (value !== null && value !== undefined) given[name] = value instanceof Date ? value.toISOString() : (value as Json);
  return given;
}

const ask =
  (field: string): GraphQLFieldResolver<Municipality, Context> =>
  (municipality, args, { loaders }, info) => {
    if ('first' in args) pageRequest(args as { first?: number | null });
    return loaders.rows.load({ field, owner: municipality, args: toJson(args), asked: askedOf(info) });
  };

/** Resolvers of every field of schema/contracts: the city that owns the row answers. */
export function contractResolvers(): Readonly<Record<string, Readonly<Record<string, GraphQLFieldResolver<Municipality, Context>>>>> {
  const types: Record<string, Record<string, GraphQLFieldResolver<Municipality, Context>>> = {};
  for (const { type, name } of contractFields()) (types[type] ??= {})[name] = ask(`${type}.${name}`);
  return types;
}
