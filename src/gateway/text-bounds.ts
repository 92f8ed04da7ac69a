import {
  defaultFieldResolver,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLFieldResolver,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql';
import { refuse, type Problem } from '#contract';
import type { Context } from './context.ts';
import { asMember, unionProblems } from './problems.ts';

/*
 * How long a text may be that a caller gives, checked in one place for every argument of every field, before its resolver runs: what a
 * search, a look-up or a comparison costs grows with its text. Scalars of our own bound themselves.
 */

/** Most characters of an argument, by name. Infinity: as long as the request may be. */
const mostByName: Readonly<Record<string, number>> = {
  search: 200,
  lifeSituation: 100,
  after: 500,
  reason: 1000,
  sdl: Infinity,
  sealedFormData: Infinity,
};
/** Of an argument that is not named above: keys, codes, ids. */
const mostOfArgument = 300;
/** Of a text within an input: names, addresses. */
const mostWithinInput = 1000;
/** Entries of a list of texts. */
const mostEntries = 100;

/** The first problem of a value. */
type Check = (value: unknown, path: readonly string[]) => Problem | null;

/** What is to be checked of a type; null if nothing is. */
function checkOf(type: GraphQLInputType, name: string, usual: number, above: ReadonlySet<GraphQLInputType>): Check | null {
  if (isNonNullType(type)) return checkOf(type.ofType, name, usual, above);
  if (isListType(type)) {
    const each = checkOf(type.ofType, name, usual, above);
    return each && listCheck(each);
  }
  if (isInputObjectType(type)) return above.has(type) ? null : objectCheck(type.getFields(), new Set([...above, type]));
  if (type.name !== 'String' && type.name !== 'ID') return null;
  const most = mostByName[name] ?? usual;
  if (most === Infinity) return null;
  return (value, path) =>
    typeof value === 'string' && value.length > most
      ? { code: 'TEXT_TOO_LONG', facts: { what: path.join('.'), found: value.length, most }, path }
      : null;
}

const listCheck =
  (each: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return null;
    if (value.length > mostEntries)
      return {
        code: 'INVALID_INPUT',
        saying: 'LIST_TOO_LONG',
        facts: { what: path.join('.'), found: value.length, most: mostEntries },
        path,
      };
    return first(value, (entry) => each(entry, path));
  };

function objectCheck(
  fields: Readonly<Record<string, { readonly type: GraphQLInputType }>>,
  above: ReadonlySet<GraphQLInputType>,
): Check | null {
  const checks = Object.entries(fields).flatMap(([name, { type }]) => {
    const check = checkOf(type, name, mostWithinInput, above);
    return check ? [{ name, check }] : [];
  });
  if (checks.length === 0) return null;
  return (value, path) =>
    typeof value === 'object' && value !== null
      ? first(checks, ({ name, check }) => check((value as Readonly<Record<string, unknown>>)[name], [...path, name]))
      : null;
}

function first<T>(items: readonly T[], find: (item: T) => Problem | null): Problem | null {
  for (const item of items) {
    const found = find(item);
    if (found) return found;
  }
  return null;
}

type Resolve = GraphQLFieldResolver<unknown, Context>;
type Args = Readonly<Record<string, unknown>>;

/**
 * Puts the check before the resolver of every field that takes a text. A field whose union has a member for the refusal answers that,
 * any other an error with the same code.
 */
export function boundTexts(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const checks = field.args.flatMap(({ name, type: given }) => {
        const check = checkOf(given, name, mostOfArgument, new Set());
        return check ? [{ name, check }] : [];
      });
      if (checks.length === 0) continue;
      const problemOf = (args: Args) => first(checks, ({ name, check }) => check(args[name], [name]));
      const union = (isNonNullType(field.type) ? field.type.ofType : field.type).toString();
      const refusal = (problem: Problem): unknown => {
        if (!Object.hasOwn(unionProblems, union)) throw refuse(problem);
        return asMember(union as keyof typeof unionProblems, { problem });
      };
      const resolve: Resolve = field.resolve ?? defaultFieldResolver;
      field.resolve = (parent, args: Args, context: Context, info) => {
        const problem = problemOf(args);
        return problem ? refusal(problem) : resolve(parent, args, context, info);
      };
      const { subscribe } = field as { subscribe?: Resolve };
      if (subscribe)
        field.subscribe = (parent, args: Args, context: Context, info) => {
          const problem = problemOf(args);
          if (problem) throw refuse(problem);
          return subscribe(parent, args, context, info);
        };
    }
  }
  return schema;
}
