import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
} from 'graphql';
import type { Random } from './random.ts';

/** Where a value stands. */
export interface Place {
  /** Name of its scalar or enum. */
  readonly type: string;
  /** Of the argument or field of an input object. */
  readonly name: string;
  /** `Query.service(key:)`, `PlaceInput.ars`. */
  readonly coordinate: string;
}

/** A value for a place; undefined if it has none of its own for it. */
export type ValueSource = (place: Place, random: Random) => unknown;

/** A variable as the operation defines it, and what it is given. */
export interface Variable {
  readonly name: string;
  readonly type: string;
  /** Literal, where it has a default. */
  readonly fallback: string | null;
  /** Absent where undefined. */
  readonly value: unknown;
}

export interface ValuesOptions {
  readonly values: ValueSource;
  /** Share of variables that are given what their type does not allow. */
  readonly faults: number;
  /** Share of values that are a variable. */
  readonly variables: number;
}

/** What a place takes beyond its type. */
interface Position {
  readonly name: string;
  readonly coordinate: string;
  /** It has a default of its own, so that a variable that may be null fits where null does not. */
  readonly hasDefault: boolean;
  /** Within an input object of which exactly one field is given: null is as bad as nothing. */
  readonly oneOf?: boolean;
}

const builtIn: Readonly<Record<string, (random: Random) => unknown>> = {
  Int: (random) => random.pick([0, 1, 2, 3, 7, 100, 101, -1, 2 ** 31 - 1]),
  Float: (random) => random.pick([0, 1, -2.5, 1e10, 0.1]),
  Boolean: (random) => random.chance(0.5),
  String: (random) => random.pick(['', 'a', 'Straße', '"\\\n', 'null', 'a\u0000b', '𝄞']),
  ID: (random) => random.pick(['1', 'a', '']),
};

/** Any JSON, a few levels deep. */
function randomJson(random: Random, depth = 3): unknown {
  const kind = random.int(depth > 0 ? 8 : 5);
  if (kind < 5) return [null, random.chance(0.5), random.int(1000) - 10, 'text', 1.5][kind];
  if (kind === 5) return Array.from({ length: random.int(4) }, () => randomJson(random, depth - 1));
  return Object.fromEntries(
    Array.from({ length: random.int(4) }, () => [random.pick(['a', 'b', 'c', 'd']), randomJson(random, depth - 1)]),
  );
}

/** What no type but JSON takes. */
const wrongValues: readonly unknown[] = [{ no: 'such' }, [[{}]], 1.5, 'NO_SUCH', true, 2 ** 40];

/** Values and variables of one document. */
export function createValues(random: Random, { values, faults, variables: share }: ValuesOptions) {
  const variables: Variable[] = [];

  const leaf = (type: GraphQLInputType, { name, coordinate }: Position): unknown => {
    const named = getNamedType(type);
    const given = values({ type: named.name, name, coordinate }, random);
    if (given !== undefined) return given;
    if (isEnumType(named)) return random.pick(named.getValues()).name;
    return builtIn[named.name]?.(random) ?? randomJson(random);
  };

  const positionOf = (type: GraphQLInputObjectType, field: GraphQLInputField): Position => ({
    name: field.name,
    coordinate: `${type.name}.${field.name}`,
    hasDefault: field.defaultValue !== undefined,
    oneOf: type.isOneOf,
  });

  /** Fields of an input object to be given: one, or the required ones and some others. */
  const chosen = (type: GraphQLInputObjectType): readonly GraphQLInputField[] => {
    const fields = Object.values(type.getFields());
    if (type.isOneOf) return [random.pick(fields)];
    return fields.filter((field) => (isNonNullType(field.type) && field.defaultValue === undefined) || random.chance(0.4));
  };

  /** As JSON, for a variable. */
  function plain(type: GraphQLInputType, position: Position, mayBeNull = true): unknown {
    if (isNonNullType(type)) return plain(type.ofType, position, false);
    if (mayBeNull && !position.oneOf && random.chance(0.15)) return null;
    if (isListType(type)) {
      const item = { ...position, oneOf: false };
      // A value alone is taken as a list of one.
      return random.chance(0.15) ? plain(type.ofType, item, false) : Array.from({ length: random.int(3) }, () => plain(type.ofType, item));
    }
    if (!isInputObjectType(type)) return leaf(type, position);
    const given = Object.fromEntries(chosen(type).map((field) => [field.name, plain(field.type, positionOf(type, field))]));
    return random.chance(faults) ? spoilt(type, given) : given;
  }

  /** An input object with a field that is none, one too many, null or missing. */
  function spoilt(type: GraphQLInputObjectType, given: Record<string, unknown>): Record<string, unknown> {
    const fields = Object.values(type.getFields());
    const field = random.pick(fields);
    switch (random.int(4)) {
      case 0:
        return { ...given, noSuchField: 1 };
      case 1:
        return { ...given, ...Object.fromEntries(fields.map((one) => [one.name, plain(one.type, positionOf(type, one), false)])) };
      case 2:
        return { ...given, [field.name]: null };
      default:
        return Object.fromEntries(Object.entries(given).filter(([name]) => name !== field.name));
    }
  }

  const define = (type: string, value: unknown, fallback: string | null): string => {
    const name = `v${variables.length}`;
    variables.push({ name, type, fallback, value });
    return `$${name}`;
  };

  /** A new variable that fits a position, or one that is there. */
  function variable(type: GraphQLInputType, position: Position): string {
    const nullable: GraphQLInputType = isNonNullType(type) ? type.ofType : type;
    const required = `${String(nullable)}!`;
    const known = variables.filter(
      (one) => one.type === required || (one.type === String(nullable) && !isNonNullType(type) && !position.oneOf),
    );
    if (known.length > 0 && random.chance(0.4)) return `$${random.pick(known).name}`;
    const strict = position.oneOf || random.chance(0.3);
    const defaulted = random.chance(0.3);
    const fallback = defaulted ? literal(nullable, position, { constant: true, mayBeNull: false }) : null;
    const mayBeNull = !strict && (!isNonNullType(type) || fallback !== null || position.hasDefault);
    const mayBeAbsent = fallback !== null || mayBeNull;
    const written = mayBeNull ? String(nullable) : required;
    if (random.chance(faults)) return define(written, random.pick<unknown>([undefined, null, ...wrongValues]), fallback);
    if (mayBeAbsent && random.chance(0.3)) return define(written, undefined, fallback);
    // Null where a default stands behind a place that takes none is an error of its own.
    if (mayBeNull && random.chance(isNonNullType(type) ? faults : 0.2)) return define(written, null, fallback);
    return define(written, plain(nullable, position, false), fallback);
  }

  /** As GraphQL writes it, with variables wherever they may stand. */
  function literal(
    type: GraphQLInputType,
    position: Position,
    { constant = false, mayBeNull = true }: { readonly constant?: boolean; readonly mayBeNull?: boolean } = {},
  ): string {
    if (!constant && random.chance(share)) return variable(type, position);
    if (isNonNullType(type)) return literalOf(type.ofType, position, constant);
    if (mayBeNull && !position.oneOf && random.chance(0.1)) return 'null';
    return literalOf(type, position, constant);
  }

  /** Any value but null and a variable. */
  function literalOf(type: GraphQLInputType, position: Position, constant: boolean): string {
    if (isListType(type)) {
      const item = { ...position, hasDefault: false, oneOf: false };
      if (random.chance(0.15)) return literalOf(isNonNullType(type.ofType) ? type.ofType.ofType : type.ofType, item, constant);
      return `[${Array.from({ length: random.int(3) }, () => literal(type.ofType, item, { constant })).join(', ')}]`;
    }
    if (isInputObjectType(type)) {
      const fields = chosen(type).map((field) => `${field.name}: ${literal(field.type, positionOf(type, field), { constant })}`);
      return `{${fields.join(', ')}}`;
    }
    const value = leaf(type, position);
    if (isEnumType(getNamedType(type))) return String(value);
    return written(value, constant || Object.hasOwn(builtIn, getNamedType(type).name) ? 0 : share);
  }

  /** JSON in GraphQL's spelling; a value inside of a custom scalar may be a variable of any type. */
  function written(value: unknown, share: number, inside = false): string {
    if (inside && random.chance(share)) {
      if (typeof value === 'string') return define(random.pick(['String', 'String!', 'ID']), value, null);
      if (typeof value === 'boolean') return define('Boolean', value, null);
      if (value === null) return define('String', random.pick([null, undefined]), null);
    }
    if (Array.isArray(value)) return `[${value.map((one) => written(one, share, true)).join(', ')}]`;
    if (typeof value === 'object' && value !== null)
      return `{${Object.entries(value)
        .map(([name, one]) => `${name}: ${written(one, share, true)}`)
        .join(', ')}}`;
    return JSON.stringify(value);
  }

  /** `true`, `false` or a variable, for `@include` and `@skip`. */
  const condition = (): string => {
    if (!random.chance(0.7)) return String(random.chance(0.5));
    const known = variables.filter((one) => one.type === 'Boolean!');
    if (known.length > 0 && random.chance(0.6)) return `$${random.pick(known).name}`;
    if (random.chance(0.3)) {
      const value = random.chance(faults) ? null : random.pick<unknown>([true, false, undefined]);
      return define('Boolean', value, String(random.chance(0.5)));
    }
    return define('Boolean!', random.chance(faults) ? random.pick([undefined, null]) : random.chance(0.5), null);
  };

  return { variables, literal, condition };
}
