import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import type { Random } from '../../kit/random.ts';
import { inProcess, type Part } from './in-process.ts';

/*
 * A schema at random and the subgraphs that it is cut into: what a field answers is a function of its entity and its arguments,
 * known to the whole and to whoever owns the field. Entities have one key, a compound one, a nested one, or several of which
 * most subgraphs know only some; fields have arguments, are shared, overridden, provided, or made of what they require of others.
 * What a subgraph requires it takes from its representation and from nowhere else.
 */

/** One schema in one process, and the same in parts. */
export interface Cut {
  readonly sdl: string;
  readonly whole: GraphQLSchema;
  readonly parts: readonly Part[];
}

type KeyKind = 'single' | 'compound' | 'nested' | 'several';

interface Entity {
  readonly name: string;
  readonly at: number;
  readonly key: KeyKind;
  readonly fields: Field[];
}

interface Requirement {
  readonly field: Field;
  /** Literal arguments, '' for none. */
  readonly given: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** A field of the entity it leads to. */
  readonly below: Requirement | null;
}

interface Field {
  readonly name: string;
  readonly on: Entity;
  /** Subgraphs that answer it. */
  readonly by: readonly number[];
  /** Subgraph that it was taken from. */
  readonly overrides: number | null;
  readonly to: 'Int' | 'String' | 'Kind' | 'Value' | 'Any' | 'Node' | Entity;
  readonly list: boolean;
  readonly required: boolean;
  readonly argument: boolean;
  /** Remainder of the entity's number by 5 for which it fails or is null; above 4 never. */
  readonly bad: number;
  readonly fails: boolean;
  readonly requires: readonly Requirement[];
  /** Fields that come with the entity that it leads to. */
  readonly provides: readonly Field[];
}

const rows = 6;
const imports =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires", "@provides", "@shareable", "@override"])';

const isEntity = (to: Field['to']): to is Entity => typeof to === 'object';
const typeText = ({ to, list, required }: Field): string => {
  const name = isEntity(to) ? to.name : to;
  return `${list ? `[${name}!]` : name}${required ? '!' : ''}`;
};
const argumentText = ({ argument }: Field): string => (argument ? '(plus: Int = 1)' : '');

/** Key fields of an entity by its kind; each a selection. */
const keysOf: Readonly<Record<KeyKind, readonly string[]>> = {
  single: ['id'],
  compound: ['id code'],
  nested: ['ref { code }'],
  several: ['id', 'code'],
};
/** Names of the fields that make a key. */
const namesIn = (key: string): readonly string[] => (key.startsWith('ref') ? ['ref'] : key.split(' '));
const keyFields = { id: 'id: ID!', code: 'code: Int!', ref: 'ref: Ref!' } as const;

/** The keys of an entity that a subgraph knows: the first knows all. */
const keysIn = ({ key, at }: Entity, by: number): readonly string[] => {
  const all = keysOf[key];
  return key === 'several' && by > 0 ? [all[(by + at) % 2] as string] : all;
};

function makeEntities(random: Random, subgraphs: number): readonly Entity[] {
  const kinds: readonly KeyKind[] = ['single', 'single', 'compound', 'nested'];
  const entities = Array.from({ length: 2 + random.int(2) }, (_, at): Entity => ({
    name: `E${at}`,
    at,
    key: random.pick(kinds),
    fields: [],
  }));
  const others = (by: number) => Array.from({ length: subgraphs }, (_, n) => n).filter((n) => n !== by);
  for (const on of entities) {
    const count = 4 + random.int(5);
    for (let n = 0; n < count; n += 1) {
      const by = random.int(subgraphs);
      const to = random.pick<Field['to']>(['Int', 'String', 'Kind', 'Value', 'Any', 'Node', ...entities, ...entities]);
      const isRequiring = random.chance(0.3);
      const requires = isRequiring ? requirementsOf(random, on, by) : [];
      const argument = random.chance(0.3);
      const isShared = requires.length === 0 && random.chance(0.15);
      const isTaken = !isShared && requires.length === 0 && random.chance(0.12);
      const field: Field = {
        name: `f${on.at}${n}`,
        on,
        by: isShared ? [by, random.pick(others(by))] : [by],
        overrides: isTaken ? random.pick(others(by)) : null,
        to: requires.length > 0 ? 'String' : to,
        list: requires.length === 0 && random.chance(0.3),
        required: random.chance(0.25),
        argument,
        bad: random.int(14),
        fails: random.chance(0.5),
        requires,
        provides: [],
      };
      on.fields.push(field);
    }
  }
  for (const on of entities)
    for (const field of on.fields) {
      const { to, by } = field;
      if (!isEntity(to) || by.length > 1 || field.overrides !== null || !random.chance(0.3)) continue;
      const provided = to.fields.filter(
        (one) =>
          !isEntity(one.to) &&
          !['Any', 'Node', 'Value'].includes(one.to as string) &&
          !one.argument &&
          one.requires.length === 0 &&
          one.overrides === null &&
          !one.by.includes(by[0] as number),
      );
      if (provided.length > 0) (field.provides as Field[]).push(random.pick(provided));
    }
  return entities;
}

/** What a field of an entity may require: what others answer, and what never fails. */
function requirementsOf(random: Random, on: Entity, by: number, depth = 1): Requirement[] {
  const open = on.fields.filter(
    (one) => !one.by.includes(by) && one.overrides !== by && (one.bad > 4 || (!one.fails && !one.required)) && one.requires.length === 0,
  );
  const taken = new Map<string, Requirement>();
  // A subgraph is given a field once: all that it requires of a type agree on the arguments.
  const agreed = new Map(on.fields.flatMap((one) => (one.by[0] === by ? one.requires : [])).map((one) => [one.field.name, one] as const));
  for (let n = 0; n < 1 + random.int(2) && open.length > 0; n += 1) {
    const field = random.pick(open);
    if (agreed.has(field.name)) {
      taken.set(field.name, agreed.get(field.name) as Requirement);
      continue;
    }
    const plus = random.int(4);
    const isGiven = field.argument && random.chance(0.7);
    const base = { field, given: isGiven ? `(plus: ${plus})` : '', values: isGiven ? { plus } : { plus: 1 } };
    if (typeof field.to === 'string') {
      if (['Int', 'String', 'Kind'].includes(field.to)) taken.set(field.name, { ...base, below: null });
      continue;
    }
    if (depth === 0) continue;
    const [below] = requirementsOf(random, field.to, by, 0);
    if (below && field.to !== on) taken.set(field.name, { ...base, below });
  }
  return [...taken.values()];
}

const requirementText = ({ field, given, below }: Requirement): string =>
  `${field.name}${given}${below ? ` { ${requirementText(below)} }` : ''}`;

/** What a requirement comes to for an entity: with null if a field is null. */
function requiredOf({ field, values, below }: Requirement, number: number): unknown {
  const value = valueOf(field, number, values);
  if (!below) return value;
  const one = (row: unknown): unknown =>
    row === null ? null : { [below.field.name]: requiredOf(below, (row as { readonly number: number }).number) };
  return Array.isArray(value) ? value.map(one) : one(value);
}

/** The part of a representation that a requirement names. */
function givenOf({ field, below }: Requirement, of: Readonly<Record<string, unknown>>): unknown {
  const value = of[field.name];
  if (!below) return value === undefined ? 'NOT GIVEN' : value;
  const one = (row: unknown): unknown =>
    row === null || row === undefined ? row : { [below.field.name]: givenOf(below, row as Readonly<Record<string, unknown>>) };
  return Array.isArray(value) ? value.map(one) : one(value);
}

/** What a field answers, the same wherever it is asked. An Error: it fails. */
function valueOf(field: Field, number: number, { plus = 0 }: { readonly plus?: unknown }): unknown {
  const { to, list, bad, fails, on, name } = field;
  if (number % 5 === bad) return fails ? new Error('failed') : null;
  const n = number + (field.argument ? Number(plus ?? 0) : 0);
  const one = (m: number): unknown => {
    if (to === 'Int') return m * 7;
    if (to === 'String') return `${on.name}.${name}.${m}`;
    if (to === 'Kind') return ['ODD', 'EVEN'][Math.abs(m) % 2];
    if (to === 'Value') return { m };
    const index = Math.abs(m) % rows;
    return isEntity(to) ? { __typename: to.name, number: index } : { abstract: m, number: index };
  };
  return list ? [one(n + 1), one(n + 2)] : one(n + 1);
}

/** How a whole row is told to be one of several types. */
const memberOf = (entities: readonly Entity[], row: { readonly abstract: number }): string =>
  (entities[Math.abs(row.abstract) % entities.length] as Entity).name;

function sdlOf(entities: readonly Entity[], by: number | null): string {
  const types = entities.map((entity) => {
    const keys = by === null ? [] : keysIn(entity, by);
    const named = new Set((by === null ? keysOf[entity.key] : keys).flatMap(namesIn));
    const own = [...named].map((name) => keyFields[name as keyof typeof keyFields]);
    const external = new Map<string, string>();
    const lines = entity.fields.flatMap((field) => {
      const text = `${field.name}${argumentText(field)}: ${typeText(field)}`;
      if (by === null) return [text];
      if (field.overrides === by) return [text];
      if (!field.by.includes(by)) return [];
      const rules = [
        field.by.length > 1 ? '@shareable' : '',
        field.overrides === null ? '' : `@override(from: "s${field.overrides}")`,
        field.requires.length > 0 ? `@requires(fields: "${field.requires.map(requirementText).join(' ')}")` : '',
        field.provides.length > 0 ? `@provides(fields: "${field.provides.map(({ name }) => name).join(' ')}")` : '',
      ];
      return [`${text} ${rules.join(' ')}`];
    });
    if (by !== null)
      for (const field of externalIn(entities, entity, by))
        external.set(field.name, `${field.name}${argumentText(field)}: ${typeText(field)} @external`);
    const interfaces = hasNode(entities) ? ' implements Node' : '';
    return `type ${entity.name}${interfaces} ${keys.map((key) => `@key(fields: "${key}")`).join(' ')} { ${[...own, ...lines, ...external.values()].join(' ')} }`;
  });
  const roots = entities.flatMap((entity, at) => {
    const lines = [`one${entity.name}(number: Int!): ${entity.name}`, `all${entity.name}: [${entity.name}!]`];
    return by === null || at % 2 === by % 2 ? lines.map((line) => (by === null ? line : `${line} @shareable`)) : [];
  });
  return `${by === null ? '' : imports}
${types.join('\n')}
${hasNode(entities) ? 'interface Node { id: ID! }' : 'union Node = ' + entities.map(({ name }) => name).join(' | ')}
union Any = ${entities.map(({ name }) => name).join(' | ')}
enum Kind { ODD EVEN }
type Value ${by === null ? '' : '@shareable'} { m: Int! text(times: Int = 2): String }
type Ref ${by === null ? '' : '@shareable'} { code: Int! }
type Query { ${roots.join(' ')} ${by === null ? '' : `s${by}: Int`} }`;
}

/** All entities have an id that every subgraph knows. */
const hasNode = (entities: readonly Entity[]): boolean => entities.every(({ key }) => key === 'single' || key === 'compound');

/** Fields of an entity that a subgraph names without answering them. */
function externalIn(entities: readonly Entity[], entity: Entity, by: number): readonly Field[] {
  const named = new Set<Field>();
  const note = (requirement: Requirement): void => {
    if (requirement.field.on === entity) named.add(requirement.field);
    if (requirement.below) note(requirement.below);
  };
  for (const one of entities)
    for (const field of one.fields) {
      if (!field.by.includes(by)) continue;
      for (const requirement of field.requires) note(requirement);
      for (const provided of field.provides) if (provided.on === entity) named.add(provided);
    }
  return [...named].filter((field) => !field.by.includes(by) && field.overrides !== by);
}

type Row = Readonly<Record<string, unknown>> & { readonly number: number; readonly abstract?: number };

const keyValues = (number: number) => ({ id: String(number), code: number * 10, ref: { code: number * 10 } });

function resolversOf(entities: readonly Entity[], by: number | null) {
  const resolve = (field: Field) => (row: Row, given: Readonly<Record<string, unknown>>) => {
    if (by !== null && field.overrides === by) return typeof field.to === 'string' && field.to === 'String' ? 'OVERRIDDEN' : null;
    if (field.requires.length === 0) return valueOf(field, row.number, given);
    if (row.number % 5 === field.bad) return field.fails ? new Error('failed') : null;
    const parts = field.requires.map((one) => (by === null ? requiredOf(one, row.number) : givenOf(one, row)));
    return JSON.stringify([parts, field.argument ? given['plus'] : 0]);
  };
  const abstract = {
    __resolveType: (row: Row) => (row.abstract === undefined ? String(row['__typename']) : memberOf(entities, row as never)),
  };
  return {
    Query: Object.fromEntries(
      entities.flatMap(({ name }, at) =>
        by === null || at % 2 === by % 2
          ? [
              [`one${name}`, (_: unknown, { number }: Row) => (number < 0 || number >= rows ? null : { __typename: name, number })],
              [`all${name}`, () => Array.from({ length: rows }, (__, number) => ({ __typename: name, number }))],
            ]
          : [],
      ),
    ),
    Any: abstract,
    Node: abstract,
    Value: { m: ({ m }: { m: number }) => m, text: ({ m }: { m: number }, { times }: { times: number }) => `${m * (times ?? 0)}` },
    ...Object.fromEntries(
      entities.map((entity) => [
        entity.name,
        {
          ...Object.fromEntries(
            Object.keys(keyFields)
              .filter((name) => (by === null ? keysOf[entity.key] : keysIn(entity, by)).flatMap(namesIn).includes(name))
              .map((name) => [name, ({ number }: Row) => keyValues(number)[name as keyof typeof keyFields]]),
          ),
          ...Object.fromEntries(
            entity.fields
              .filter(
                (field) =>
                  by === null || field.by.includes(by) || field.overrides === by || externalIn(entities, entity, by).includes(field),
              )
              .map((field) => [field.name, resolve(field)]),
          ),
        },
      ]),
    ),
  };
}

/** A schema and its parts, the same for the same state of `random`. */
export function randomCut(random: Random): Cut {
  const subgraphs = 2 + random.int(3);
  const entities = makeEntities(random, subgraphs);
  const sdl = sdlOf(entities, null);
  const references = Object.fromEntries(
    entities.map(({ name }) => [
      name,
      (given: Readonly<Record<string, unknown>>) => {
        const ref = given['ref'] as { readonly code: number } | undefined;
        const code = (given['code'] as number | undefined) ?? ref?.code;
        return { ...given, number: given['id'] === undefined ? Number(code) / 10 : Number(given['id']) };
      },
    ]),
  );
  return {
    sdl,
    whole: makeExecutableSchema({ typeDefs: sdl, resolvers: resolversOf(entities, null) as never }),
    parts: Array.from({ length: subgraphs }, (_, by) =>
      inProcess(`s${by}`, { sdl: sdlOf(entities, by), resolvers: resolversOf(entities, by), references }),
    ),
  };
}
