import {
  doTypesOverlap,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  parse,
  validate,
  type DocumentNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { createValues, type ValueSource } from './document-values.ts';
import type { Random } from './random.ts';

/*
 * Random documents of a schema: what a caller may ask, in every spelling. Each is valid; what its variables hold need not be.
 *
 * Two fields with the same response name must be the same field with the same arguments, wherever they meet. Here a response
 * name means one thing in the whole document: stricter than the rule, and no document is thrown away for it.
 */

/** A question as a client sends it. */
export interface RandomDocument {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Given where the document holds several operations, sometimes where it holds one. */
  readonly operationName?: string;
}

export interface DocumentOptions {
  /** @default query */
  readonly operation?: 'query' | 'mutation';
  /** Levels of fields. @default 6 */
  readonly depth?: number;
  /** Fields in all selections together, about. @default 24 */
  readonly fields?: number;
  /** Values for places; where it has none, any value of the type. */
  readonly values?: ValueSource;
  /** Fields that are never asked for, as `Type.field`. @default none */
  readonly avoid?: ReadonlySet<string>;
  /** Share of variables that are given what their type does not allow, 0 to 1. @default 0.03 */
  readonly faults?: number;
  /** Share of values that are a variable. @default 0.35 */
  readonly variables?: number;
  /** Share of selections that carry `@include` or `@skip`. @default 0.15 */
  readonly conditions?: number;
}

/** Legal response names that an object of JavaScript has already, or that look like what an engine adds itself. */
const oddNames = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', 'then', '_0', '__key', 'data', 'errors'];

const trees = new LRUCache<string, DocumentNode>({ max: 50 });

/** The syntax tree of a text, which is not parsed again where somebody has just made it: whoever makes a document asks it next. */
export function parsed(text: string): DocumentNode {
  const document = trees.get(text) ?? parse(text);
  trees.set(text, document);
  return document;
}

/** A valid document, the same for the same state of `random`. */
export function randomDocument(schema: GraphQLSchema, random: Random, options: DocumentOptions = {}): RandomDocument {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const made = unprovenDocument(schema, random, options);
    if (isValid(schema, made)) return made;
  }
  throw new Error('No valid document in 20 attempts');
}

/** Whether a document is one. */
export const isValid = (schema: GraphQLSchema, { query }: RandomDocument): boolean =>
  validate(schema, parsed(query), undefined, { maxErrors: 1 }).length === 0;

const overlapping = new WeakMap<GraphQLSchema, Map<GraphQLCompositeType, readonly GraphQLCompositeType[]>>();

/** Types that something of this type may be. */
function conditionsFor(schema: GraphQLSchema, type: GraphQLCompositeType): readonly GraphQLCompositeType[] {
  const known = overlapping.get(schema) ?? new Map<GraphQLCompositeType, readonly GraphQLCompositeType[]>();
  overlapping.set(schema, known);
  const found =
    known.get(type) ??
    Object.values(schema.getTypeMap()).filter(
      (other): other is GraphQLCompositeType =>
        isCompositeType(other) && !other.name.startsWith('__') && doTypesOverlap(schema, type, other),
    );
  known.set(type, found);
  return found;
}

interface Fragment {
  readonly name: string;
  readonly on: GraphQLCompositeType;
  readonly text: string;
  /** Levels of fields below it. */
  readonly depth: number;
}

/** The same without a look whether it is valid, as two in a hundred are not: for whoever notices it, since to look costs most. */
export function unprovenDocument(schema: GraphQLSchema, random: Random, options: DocumentOptions = {}): RandomDocument {
  const { operation = 'query', depth = 6, fields: most = 24, avoid = new Set<string>(), conditions = 0.15 } = options;
  const values = createValues(random, {
    values: options.values ?? (() => undefined),
    faults: options.faults ?? 0.03,
    variables: options.variables ?? 0.35,
  });
  const fragments: Fragment[] = [];
  /** What a response name means. */
  const meanings = new Map<string, string>();
  let left = most;

  const conditionText = (): string => {
    if (!random.chance(conditions)) return '';
    const both = random.chance(0.15);
    const include = both || random.chance(0.5);
    return `${include ? ` @include(if: ${values.condition()})` : ''}${both || !include ? ` @skip(if: ${values.condition()})` : ''}`;
  };

  const argumentsText = (type: GraphQLCompositeType, field: GraphQLField<unknown, unknown>): string => {
    const given = field.args.filter((one) => isRequiredArgument(one) || random.chance(0.4));
    if (given.length === 0) return '';
    const texts = given.map((one) => {
      const coordinate = `${type.name}.${field.name}(${one.name}:)`;
      return `${one.name}: ${values.literal(one.type, { name: one.name, coordinate, hasDefault: one.defaultValue !== undefined })}`;
    });
    return `(${(random.chance(0.2) ? texts.toReversed() : texts).join(', ')})`;
  };

  /** A response name that is free or means the same already. */
  const responseName = (name: string, meaning: string, others: readonly string[]): string => {
    const isFree = (candidate: string): boolean => (meanings.get(candidate) ?? meaning) === meaning;
    const wanted = random.chance(0.25) ? random.pick(random.chance(0.1) ? oddNames : ['a', 'b', 'c', ...others]) : name;
    let found = [wanted, name].find(isFree);
    for (let n = 0; found === undefined; n += 1) if (isFree(`${name}_${n}`)) found = `${name}_${n}`;
    meanings.set(found, meaning);
    return found;
  };

  const fieldText = (
    type: GraphQLCompositeType,
    field: GraphQLField<unknown, unknown>,
    others: readonly string[],
    levels: number,
  ): string => {
    left -= 1;
    const given = argumentsText(type, field);
    const name = responseName(field.name, `${field.name}${given}:${String(field.type)}`, others);
    const named = getNamedType(field.type);
    const below = isCompositeType(named) ? ` ${selections(named, levels - 1)}` : '';
    return `${name === field.name ? '' : `${name}: `}${field.name}${given}${conditionText()}${below}`;
  };

  const typename = (): string => {
    const name = responseName('__typename', '__typename', ['kind']);
    return `${name === '__typename' ? '' : `${name}: `}__typename${conditionText()}`;
  };

  /** Levels of fields that a type needs below it before it can end in leaves. */
  const candidates = (type: GraphQLCompositeType, levels: number): readonly GraphQLField<unknown, unknown>[] =>
    isObjectType(type) || isInterfaceType(type)
      ? Object.values(type.getFields()).filter(
          (field) => !avoid.has(`${type.name}.${field.name}`) && (levels > 1 || isLeafType(getNamedType(field.type))),
        )
      : [];

  function inlineText(type: GraphQLCompositeType, levels: number): string {
    const on = random.chance(0.2) ? null : random.pick(conditionsFor(schema, type));
    return `...${on ? ` on ${on.name}` : ''}${conditionText()} ${selections(on ?? type, levels)}`;
  }

  function spreadText(type: GraphQLCompositeType, levels: number): string {
    const known = fragments.filter((one) => one.depth <= levels && doTypesOverlap(schema, type, one.on));
    if (known.length > 0 && random.chance(0.6)) return `...${random.pick(known).name}${conditionText()}`;
    const on = random.chance(0.7) ? type : random.pick(conditionsFor(schema, type));
    const text = selections(on, levels);
    // Named once its own selections are known, so that it cannot spread itself.
    const name = `F${fragments.length}`;
    fragments.push({ name, on, text: `fragment ${name} on ${on.name} ${text}`, depth: levels });
    return `...${name}${conditionText()}`;
  }

  function selections(type: GraphQLCompositeType, levels: number): string {
    const fields = candidates(type, levels);
    const others = fields.map(({ name }) => name);
    const parts: string[] = [];
    const count = 1 + random.int(5);
    while (parts.length < count && (left > 0 || parts.length === 0)) {
      // Of an abstract type little can be asked but through what it may be.
      const direct = isAbstractType(type) ? 0.4 : 0.75;
      const way = random.next();
      if (left > 0 && way > direct && levels > 1) parts.push(way > (1 + direct) / 2 ? inlineText(type, levels) : spreadText(type, levels));
      else if (fields.length === 0 || random.chance(0.1)) parts.push(typename());
      else {
        const leaves = left > 0 ? fields : fields.filter((field) => isLeafType(getNamedType(field.type)));
        parts.push(leaves.length === 0 ? typename() : fieldText(type, random.pick(leaves), others, levels));
      }
    }
    // The same field again, so that answers are merged from several places.
    if (parts.length > 1 && random.chance(0.1)) parts.push(parts[0] as string);
    return `{ ${parts.join(' ')} }`;
  }

  const root = operation === 'query' ? schema.getQueryType() : schema.getMutationType();
  if (!root) throw new Error(`The schema has no ${operation}`);
  const body = selections(root, depth);
  return assemble(operation, body, fragments, values.variables, random);
}

/** Operation and fragments as one text, in any order, with what they use and nothing else. */
function assemble(
  operation: string,
  body: string,
  fragments: readonly Fragment[],
  variables: ReturnType<typeof createValues>['variables'],
  random: Random,
): RandomDocument {
  const reached = new Set<string>();
  const reach = (text: string): void => {
    for (const { name, text: more } of fragments) {
      if (reached.has(name) || !new RegExp(`\\.\\.\\.${name}\\b`).test(text)) continue;
      reached.add(name);
      reach(more);
    }
  };
  reach(body);
  const used = fragments.filter(({ name }) => reached.has(name));
  const whole = [body, ...used.map(({ text }) => text)].join('\n');
  // A variable in a text value would look like one: none of them holds a dollar sign.
  const asked = variables.filter(({ name }) => new RegExp(`\\$${name}\\b`).test(whole));
  const definitions = asked.map(({ name, type, fallback }) => `$${name}: ${type}${fallback === null ? '' : ` = ${fallback}`}`);
  const isNamed = definitions.length > 0 || random.chance(0.5);
  const head = isNamed
    ? `${operation} Asked${definitions.length > 0 ? `(${definitions.join(', ')})` : ''} `
    : operation === 'query'
      ? ''
      : `${operation} `;
  const hasOther = isNamed && random.chance(0.1);
  const parts = [`${head}${body}`, ...used.map(({ text }) => text), ...(hasOther ? ['query Other { other: __typename }'] : [])];
  return {
    query: (random.chance(0.5) ? parts.toReversed() : parts).join('\n'),
    variables: Object.fromEntries(asked.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))),
    ...(hasOther || (isNamed && random.chance(0.3)) ? { operationName: 'Asked' } : {}),
  };
}
