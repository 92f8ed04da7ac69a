import { isLeafType, isListType, isNonNullType, isObjectType, type GraphQLLeafType, type GraphQLOutputType } from 'graphql';
import type { Json } from '#contract';

/** Fields asked of an object; null: a leaf. */
export interface Shape {
  readonly [field: string]: Shape | null;
}

/**
 * A city's value as the schema's types have it: moments are dates, enums their words, and of every object only what was
 * asked.
 * @throws Misfit if it is not what the contract says
 */
export type Reader = (value: Json | undefined) => unknown;

/** Where and how an answer is not what the contract says. It names types, never what was found: that may be anything. */
export class Misfit extends Error {
  /** JSON pointer into the value; empty for the value itself. */
  readonly pointer: string;
  readonly expected: string;
  constructor(pointer: string, expected: string) {
    super(`${pointer || 'the value'}: expected ${expected}`);
    this.name = 'Misfit';
    this.pointer = pointer;
    this.expected = expected;
  }
}

/** Longest list inside a value; the value itself is cut to `first` by who asked. */
const longestList = 1000;
/** Longest text, in UTF-16 units. */
const longestText = 10_000;

/** What was thrown below a step, with that step before its place. */
const below = (step: string | number, error: unknown): unknown =>
  error instanceof Misfit ? new Misfit(`/${step}${error.pointer}`, error.expected) : error;

/** The reader of a type for what is asked of it, made once. */
export function createReader(type: GraphQLOutputType, shape: Shape | null): Reader {
  if (isNonNullType(type)) {
    const read = createReader(type.ofType, shape);
    const expected = String(type);
    return (value) => {
      if (value === null || value === undefined) throw new Misfit('', expected);
      return read(value);
    };
  }
  if (isListType(type)) {
    const read = createReader(type.ofType, shape);
    const expected = `a list of at most ${longestList}`;
    return (value) => {
      if (value === null || value === undefined) return null;
      if (!Array.isArray(value) || value.length > longestList) throw new Misfit('', expected);
      const list = value as readonly Json[];
      const out: unknown[] = [];
      for (let index = 0; index < list.length; index += 1) {
        try {
          out.push(read(list[index]));
        } catch (error) {
          throw below(index, error);
        }
      }
      return out;
    };
  }
  if (isLeafType(type)) return leafReader(type);
  if (isObjectType(type) && shape)
    return objectReader(
      type.name,
      Object.entries(shape).map(([name, part]) => {
        const field = type.getFields()[name];
        if (!field) throw new Error(`${type.name} has no field ${name}`);
        return [name, createReader(field.type, part)] as const;
      }),
    );
  throw new Error(`Types of contracts are objects, lists, enums and scalars: ${String(type)} is none of them`);
}

function objectReader(name: string, fields: readonly (readonly [name: string, read: Reader])[]): Reader {
  return (value) => {
    if (value === null || value === undefined) return null;
    if (typeof value !== 'object' || Array.isArray(value)) throw new Misfit('', name);
    const from = value as Readonly<Record<string, Json>>;
    const out: Record<string, unknown> = {};
    for (const [field, read] of fields) {
      try {
        out[field] = read(Object.hasOwn(from, field) ? from[field] : undefined);
      } catch (error) {
        throw below(field, error);
      }
    }
    return out;
  };
}

function leafReader(type: GraphQLLeafType): Reader {
  const { name } = type;
  // The usual ones in a comparison each; the rest by the scalar's own rule.
  if (name === 'String' || name === 'ID')
    return (value) => {
      if (value === null || value === undefined) return null;
      if (typeof value === 'string' && value.length <= longestText) return value;
      // Ids may be numbers where they come from.
      if (name === 'ID' && typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
      throw new Misfit('', `${name}, at most ${longestText} characters`);
    };
  return (value) => {
    if (value === null || value === undefined) return null;
    try {
      return type.parseValue(value);
    } catch {
      throw new Misfit('', name);
    }
  };
}
