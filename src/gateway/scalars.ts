import { GraphQLError, Kind, type GraphQLScalarLiteralParser, type ValueNode } from 'graphql';
import type { Json } from '#contract';

interface Scalar {
  readonly serialize: (value: unknown) => unknown;
  readonly parseValue: (value: unknown) => unknown;
  readonly parseLiteral: GraphQLScalarLiteralParser<unknown>;
}

const invalid = (expected: string): GraphQLError => new GraphQLError(`Expected ${expected}.`, { extensions: { code: 'INVALID_INPUT' } });

const literal = (node: ValueNode): unknown => (node.kind === Kind.STRING ? node.value : undefined);

/** Texts that features judge themselves: they answer typed problems, so only what no key can be is refused here. */
const shortText = (expected: string): Scalar => {
  const read = (value: unknown): string => {
    if (typeof value === 'string' && value.length <= 64) return value;
    throw invalid(`${expected}, a text of at most 64 characters`);
  };
  return { serialize: String, parseValue: read, parseLiteral: (node) => read(literal(node)) };
};

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
const day = /^\d{4}-\d{2}-\d{2}$/;

const readDateTime = (value: unknown): Date => {
  const date = typeof value === 'string' && rfc3339.test(value) ? new Date(value) : null;
  if (!date || Number.isNaN(date.getTime())) throw invalid('a point in time as in RFC 3339, for example 2026-11-24T12:00:00Z');
  return date;
};

const readDay = (value: unknown): string => {
  // A day like 2026-02-30 rolls over in Date: only what comes back unchanged exists.
  if (typeof value === 'string' && day.test(value) && isoDay(value) === value) return value;
  throw invalid('a day as in ISO 8601, for example 2026-11-24');
};
const isoDay = (value: string): string | null => {
  const date = new Date(`${value}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? null : date.toISOString().slice(0, 10);
};

const readUrl = (value: unknown): string => {
  if (typeof value === 'string' && value.length <= 2048 && /^https?:$/.test(URL.parse(value)?.protocol ?? '')) return value;
  throw invalid('an absolute http or https URL');
};

const deepest = 32;
const most = 20_000;

/** Refuses what is nested or large enough to cost more to walk than it can be worth. */
function readJson(value: unknown): Json {
  let count = 0;
  const walk = (part: unknown, depth: number): void => {
    count += 1;
    if (depth > deepest) throw invalid(`JSON of at most ${deepest} levels`);
    if (count > most) throw invalid(`JSON of at most ${most} values`);
    if (Array.isArray(part)) for (const entry of part) walk(entry, depth + 1);
    else if (typeof part === 'object' && part !== null) {
      for (const [key, entry] of Object.entries(part)) {
        if (key === '__proto__') throw invalid('JSON without the key __proto__');
        walk(entry, depth + 1);
      }
    } else if (typeof part === 'number' ? !Number.isFinite(part) : part !== null && !['string', 'boolean'].includes(typeof part))
      throw invalid('a JSON value');
  };
  walk(value, 1);
  return value as Json;
}

function jsonLiteral(node: ValueNode, variables: Record<string, unknown> | null | undefined, depth = 1): unknown {
  if (depth > deepest) throw invalid(`JSON of at most ${deepest} levels`);
  switch (node.kind) {
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((entry) => jsonLiteral(entry, variables, depth + 1));
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map(({ name, value }) => [name.value, jsonLiteral(value, variables, depth + 1)]));
    case Kind.VARIABLE:
      return variables?.[node.name.value] ?? null;
    case Kind.ENUM:
      break;
  }
  throw invalid('a JSON value');
}

const unplaced: Readonly<Record<string, Scalar>> = {
  DateTime: {
    serialize: (value) => (value as Date).toISOString(),
    parseValue: readDateTime,
    parseLiteral: (node) => readDateTime(literal(node)),
  },
  Date: {
    serialize: String,
    parseValue: readDay,
    parseLiteral: (node) => readDay(literal(node)),
  },
  URL: {
    serialize: String,
    parseValue: readUrl,
    parseLiteral: (node) => readUrl(literal(node)),
  },
  ServiceKey: shortText('a service key'),
  RegionalKey: shortText('a regional key'),
  JSON: {
    serialize: (value) => value,
    parseValue: readJson,
    parseLiteral: (node, variables) => readJson(jsonLiteral(node, variables)),
  },
  _Any: {
    serialize: (value) => value,
    parseValue: readJson,
    parseLiteral: (node, variables) => readJson(jsonLiteral(node, variables)),
  },
};

/** A refusal says which part of the document it is about. */
const placed =
  (parse: Scalar['parseLiteral']): Scalar['parseLiteral'] =>
  (node, variables) => {
    try {
      return parse(node, variables);
    } catch (error) {
      throw error instanceof GraphQLError ? new GraphQLError(error.message, { nodes: node, extensions: error.extensions }) : error;
    }
  };

/** Scalars of base.graphql, which describes them. */
export const scalars: Readonly<Record<string, Scalar>> = Object.fromEntries(
  Object.entries(unplaced).map(([name, scalar]) => [name, { ...scalar, parseLiteral: placed(scalar.parseLiteral) }]),
);
