import fc from 'fast-check';
import {
  buildSchema,
  execute,
  getNamedType,
  isObjectType,
  isUnionType,
  parse,
  type ExecutionResult,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { describe, expect, test } from 'vitest';
import type { Reply, Subgraph } from '../../src/federation/engine/engine.ts';
import { SubgraphError } from '../../src/federation/failure.ts';
import { startEngine } from './kit/engines.ts';

/*
 * Supergraphs at random: entities whose fields lie in any of the subgraphs, that refer to each other, in lists and unions, and
 * whose fields are null or fail for some of them. Documents at random over what comes of it. Both engines must answer as one
 * schema that holds everything would; the planned one with every failure at its place.
 */

const imports = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])';
const entities = ['Aa', 'Bb', 'Cc'] as const;
type Entity = (typeof entities)[number];

interface FieldOf {
  readonly name: string;
  readonly on: Entity;
  /** Index of the subgraph that answers it. */
  readonly by: number;
  /** A scalar, or the entity it leads to; `Any`: the union of all. */
  readonly to: 'Int' | 'String' | Entity | 'Any';
  readonly list: boolean;
  readonly required: boolean;
  /** Remainder of an id by 5 for which it fails or is null; above 4 never. */
  readonly bad: number;
  readonly fails: boolean;
}

interface World {
  readonly subgraphs: number;
  readonly fields: readonly FieldOf[];
}

const worlds: fc.Arbitrary<World> = fc.integer({ min: 2, max: 3 }).chain((subgraphs) =>
  fc
    .array(
      fc.record({
        on: fc.constantFrom(...entities),
        by: fc.integer({ min: 0, max: subgraphs - 1 }),
        to: fc.constantFrom('Int', 'String', ...entities, 'Any'),
        list: fc.boolean(),
        required: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
        bad: fc.integer({ min: 0, max: 12 }),
        fails: fc.boolean(),
      }),
      { minLength: 4, maxLength: 12 },
    )
    .map((drawn) => ({ subgraphs, fields: drawn.map((field, index) => ({ ...field, name: `f${index}` })) })),
);

const typeText = ({ to, list, required }: FieldOf): string => `${list ? `[${to}!]` : to}${required ? '!' : ''}`;

/** The SDL of one subgraph; `null`: of all of them together, without federation. */
function sdlOf(world: World, by: number | null): string {
  const own = (field: FieldOf) => by === null || field.by === by;
  const types = entities.map((name) => {
    const fields = world.fields.filter((field) => field.on === name && own(field)).map((field) => `${field.name}: ${typeText(field)}`);
    return `type ${name} ${by === null ? '' : '@key(fields: "id")'} { id: ID! ${fields.join(' ')} }`;
  });
  const roots =
    by === null || by === 0
      ? `type Query { ${entities.map((name) => `one${name}(id: ID!): ${name} all${name}: [${name}!]!`).join(' ')} }`
      : '';
  return `${by === null ? '' : imports}\n${types.join('\n')}\nunion Any = ${entities.join(' | ')}\n${roots}`;
}

/** What a field of an entity answers: by its id, the same everywhere. */
function valueOf({ name, on, to, list, bad, fails }: FieldOf, id: number): unknown {
  if (id % 5 === bad) {
    if (fails) return new Error('failed');
    return null;
  }
  const one = (n: number): unknown => {
    if (to === 'Int') return n * 7;
    if (to === 'String') return `${on}.${name}.${n}`;
    const type = to === 'Any' ? entities[n % entities.length] : to;
    return { __typename: type, id: n % 6 };
  };
  return list ? [one(id + 1), one(id + 2)] : one(id + 1);
}

function executable(world: World, by: number | null): GraphQLSchema {
  const sdl = sdlOf(world, by).replace(imports, 'directive @key(fields: String!) repeatable on OBJECT');
  const roots = by === null || by === 0;
  return makeExecutableSchema({
    typeDefs:
      by === null
        ? sdl
        : `${sdl} union _Entity = ${entities.join(' | ')} scalar _Any ${roots ? 'extend ' : ''}type Query { _entities(representations: [_Any!]!): [_Entity]! }`,
    resolvers: {
      Query: {
        ...(roots &&
          Object.fromEntries(
            entities.flatMap((name) => [
              [`one${name}`, (_: unknown, { id }: { id: string }) => ({ __typename: name, id: Number(id) })],
              [`all${name}`, () => [0, 1, 2, 3].map((id) => ({ __typename: name, id }))],
            ]),
          )),
        ...(by !== null && {
          _entities: (_: unknown, { representations }: { representations: { __typename: string; id: string }[] }) =>
            representations.map(({ __typename, id }) => ({ __typename, id: Number(id) })),
        }),
      },
      ...Object.fromEntries(
        entities.map((name) => [
          name,
          Object.fromEntries(
            world.fields
              .filter((field) => field.on === name && (by === null || field.by === by))
              .map((field) => [field.name, ({ id }: { id: number }) => valueOf(field, id)]),
          ),
        ]),
      ),
    } as never,
  });
}

function subgraphOf(world: World, by: number): Subgraph {
  const schema = executable(world, by);
  const name = `s${by}`;
  return {
    name,
    async ask({ operation, variables }): Promise<Reply> {
      const { data, errors = [] } = await execute({ schema, document: parse(operation), variableValues: variables });
      return {
        data: JSON.parse(JSON.stringify(data ?? null)) as Reply['data'],
        errors: errors.map(({ message, path }) => ({
          message,
          path,
          cause: new SubgraphError(name, 'failed', message),
        })),
      };
    },
    async *follow() {},
  };
}

/** Numbers to be used up by a document: where they end, it ends. */
const documents = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 6, maxLength: 40 });

/** A document over the schema, as the numbers say. */
function documentFor(schema: GraphQLSchema, numbers: readonly number[]): string {
  let at = 0;
  const next = (below: number): number => (numbers[at++] ?? 0) % below;
  /** Members of a union may have fields of one name and different types: `prefix` keeps them apart. */
  const select = (type: GraphQLObjectType, depth: number, prefix = ''): string => {
    const fields = Object.values(type.getFields()).filter(({ name }) => !name.startsWith('_'));
    const picked = new Set(Array.from({ length: 1 + next(3) }, () => fields[next(fields.length)]));
    const parts = [...picked].flatMap((field) => {
      if (!field) return [];
      const below = selectValue(field.type, depth);
      if (below === null) return [];
      const alias = next(4) === 0 ? `${prefix}${['id', 'f0', 'x'][next(3)]}_${field.name}: ` : prefix && `${prefix}${field.name}: `;
      const argument = field.args.length > 0 ? `(id: "${next(6)}")` : '';
      return [`${alias}${field.name}${argument} ${below}`];
    });
    return `{ ${parts.join(' ') || '__typename'} }`;
  };
  const selectValue = (type: GraphQLOutputType, depth: number): string | null => {
    const named = getNamedType(type);
    if (!isObjectType(named) && !isUnionType(named)) return '';
    if (depth === 0 || at >= numbers.length) return '{ __typename }';
    if (isObjectType(named)) return select(named, depth - 1);
    const members = named.getTypes().filter(() => next(2) === 0);
    return `{ __typename ${members.map((member) => `... on ${member.name} ${select(member, depth - 1, member.name)}`).join(' ')} }`;
  };
  const root = schema.getQueryType();
  return root ? select(root, 4) : '{ __typename }';
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
/**
 * The nulls that an answer gives a reason for. A null that goes up may have several reasons below it, and which of them is
 * told is up to who answers: the rest of the object is not looked at any more.
 */
const reasoned = (result: ExecutionResult): string[] => {
  const places = (result.errors ?? []).map(({ path = [] }) => {
    let at: unknown = result.data ?? null;
    const seen = path.findIndex((key) => {
      if (at === null) return true;
      at = (at as Record<string | number, unknown>)[key] ?? null;
      return false;
    });
    return path.slice(0, seen < 0 ? path.length : seen).join('.');
  });
  return [...new Set(places)].toSorted();
};

/** Null at these places, which are paths into the data. */
function blanked(data: unknown, places: readonly string[]): unknown {
  const copy = { data: plain(data) };
  for (const place of places) {
    const path = ['data', ...(place === '' ? [] : place.split('.'))];
    const holder = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string, unknown> | null)?.[key], copy);
    if (typeof holder === 'object' && holder !== null) (holder as Record<string, unknown>)[path.at(-1)!] = null;
  }
  return copy.data;
}

const runs = 20;

describe('both engines answer alike', () => {
  test('documents at random over supergraphs at random', async () => {
    const compared = { documents: 0, withErrors: 0 };
    await fc.assert(
      fc.asyncProperty(worlds, fc.array(documents, { minLength: 8, maxLength: 8 }), async (world, drawn) => {
        const parts = Array.from({ length: world.subgraphs }, (_, by) => ({ subgraph: subgraphOf(world, by), sdl: sdlOf(world, by) }));
        const [planned, stitched] = await Promise.all([startEngine('planned', parts), startEngine('stitched', parts)]);
        try {
          const whole = buildSchema(sdlOf(world, null));
          for (const numbers of drawn) {
            const document = documentFor(whole, numbers);
            const [one, other] = await Promise.all([planned.ask(document), stitched.ask(document)]);
            const alone = await execute({ schema: executable(world, null), document: parse(document) });
            expect(plain(one.data), document).toEqual(plain(alone.data));
            expect(reasoned(one), document).toEqual(reasoned(alone));
            // Stitching keeps some errors to itself, and then what else it knows of the object stands in their place.
            expect(reasoned(one), document).toEqual(expect.arrayContaining(reasoned(other)));
            expect(blanked(other.data, reasoned(one)), document).toEqual(plain(one.data));
            expect(one.errors === undefined, document).toBe(alone.errors === undefined);
            compared.documents += 1;
            if (one.errors) compared.withErrors += 1;
          }
        } finally {
          await planned.close();
          await stitched.close();
        }
      }),
      { numRuns: runs, endOnFailure: true },
    );
    expect(compared.documents).toBeGreaterThanOrEqual(runs * 8);
    expect(compared.withErrors).toBeGreaterThan(0);
  }, 240_000);
});
