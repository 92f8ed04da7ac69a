import { GraphQLError, Kind, parse, print, visit, type ConstDirectiveNode, type DocumentNode } from 'graphql';
import { parseServiceKey, type Json } from '#contract';
import type { Context } from './context.ts';
import { applicationKey, caseKey, parseGlobalId, type NodeType } from './ids.ts';

/*
 * The hub as a subgraph (Apollo Federation v2): somebody else's supergraph, or the hub's own federation by type, asks
 * `_service` for the SDL and `_entities` for rows by their keys. Rows are found in the way every other field finds them, by the
 * caller's own rights and in batches: what a caller may not see, no supergraph sees for it.
 */

/** Keys of the entities, best first. */
export const entityKeys = {
  Municipality: ['ars', 'ags', 'id'],
  Service: ['key', 'id'],
  Offer: ['id'],
  Application: ['id'],
  CaseFile: ['id'],
} as const satisfies Record<NodeType, readonly string[]>;

/** Value types that other subgraphs may have too. */
const shareable = new Set(['PageInfo']);

/** What the federation protocol adds to the schema that runs. It is not part of the published one. */
export const subgraphTypes = /* GraphQL */ `
  "A representation of an entity: __typename and the fields of one of its keys."
  scalar _Any
  "Anything another subgraph may refer to by its key."
  union _Entity = ${Object.keys(entityKeys).join(' | ')}
  "The hub's schema for a supergraph."
  type _Service {
    "SDL with the directives of Apollo Federation 2."
    sdl: String!
  }
  extend type Query {
    "The hub's schema for a supergraph."
    _service: _Service!
    "Entities by their keys, in the order asked; null if there is none or it is not visible to the caller."
    _entities("At most 1000." representations: [_Any!]!): [_Entity]!
  }
`;

/** Representations that one question may hold. */
const mostRepresentations = 1000;

const specification = 'https://specs.apollo.dev/federation/v2.3';

const link = `extend schema @link(url: "${specification}", import: ["@key", "@shareable"])\n`;

/** Part of GraphQL since 2025, and unknown to composers that are older: with its definition, they take it. */
const oneOf = 'directive @oneOf on INPUT_OBJECT\n';

/**
 * The published schema as a supergraph's composition takes it: without the `schema` definition, which says nothing that is not the
 * default, and whose description Apollo's composer would put where Hive's query planner cannot read it.
 */
export function subgraphSdl(published: string): string {
  const document: DocumentNode = visit(parse(published, { noLocation: true }), {
    SchemaDefinition: () => null,
    ObjectTypeDefinition(node) {
      const name = node.name.value;
      const keys = Object.hasOwn(entityKeys, name) ? entityKeys[name as NodeType] : [];
      const added = [...keys.map((key) => `@key(fields: "${key}")`), ...(shareable.has(name) ? ['@shareable'] : [])];
      return added.length === 0 ? undefined : { ...node, directives: [...(node.directives ?? []), ...directives(added.join(' '))] };
    },
  });
  return `${link}\n${oneOf}\n${print(document)}\n`;
}

const directives = (text: string): readonly ConstDirectiveNode[] => {
  const [type] = parse(`scalar X ${text}`, { noLocation: true }).definitions;
  return type?.kind === Kind.SCALAR_TYPE_DEFINITION ? (type.directives ?? []) : [];
};

type Representation = Readonly<Record<string, Json>>;

const wrong = (message: string): GraphQLError => new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });

const text = (value: Json | undefined): string | null => (typeof value === 'string' && value.length <= 200 ? value : null);

/** The key of a representation's `id`, where it is one of the type. */
const byId = (type: NodeType, { id }: Representation): string | null => {
  const parsed = text(id) === null ? null : parseGlobalId(text(id) as string);
  return parsed?.type === type ? parsed.key : null;
};

/** How each entity is found by one of its keys; null if there is none, undefined if the representation has none of the keys. */
const find: { readonly [T in NodeType]: (of: Representation, context: Context) => unknown } = {
  Municipality(of, { features: { catalogue } }) {
    const ars = text(of['ars']) ?? byId('Municipality', of);
    if (ars !== null) return catalogue.findMunicipality({ ars });
    const ags = text(of['ags']);
    if (ags !== null) return catalogue.findMunicipality({ ags });
    return 'id' in of ? null : undefined;
  },
  Service(of, { features: { catalogue } }) {
    const named = text(of['key']) ?? byId('Service', of);
    if (named === null) return 'id' in of ? null : undefined;
    const key = parseServiceKey(named);
    return key && catalogue.findService(key);
  },
  Offer(of, { features: { catalogue } }) {
    const id = byId('Offer', of);
    if (id !== null) return catalogue.findOffer(id);
    return 'id' in of ? null : undefined;
  },
  Application(of, { loaders }) {
    if (!('id' in of)) return undefined;
    const key = applicationKey(text(of['id']) ?? '');
    return key && loaders.application.load(key);
  },
  CaseFile(of, { features, principal }) {
    if (!('id' in of)) return undefined;
    const key = caseKey(text(of['id']) ?? '');
    return key && features.coordination.find(key, principal);
  },
};

async function entity(representation: Json, context: Context): Promise<unknown> {
  if (typeof representation !== 'object' || representation === null || Array.isArray(representation))
    throw wrong('A representation is an object with __typename and a key.');
  const of = representation as Representation;
  const type = of['__typename'];
  if (typeof type !== 'string' || !Object.hasOwn(entityKeys, type))
    throw wrong(`__typename of a representation must be one of ${Object.keys(entityKeys).join(', ')}.`);
  const found = await find[type as NodeType](of, context);
  if (found === undefined) throw wrong(`A representation of ${type} needs one of its keys: ${entityKeys[type as NodeType].join(', ')}.`);
  // Rows do not say what they are.
  return found === null ? null : { ...found, __typename: type };
}

/** Resolvers of what `subgraphTypes` adds. `sdl` is printed when it is first asked for. */
export function subgraphResolvers(published: () => string) {
  let sdl: string | null = null;
  return {
    Query: {
      _service: () => ({ sdl: (sdl ??= subgraphSdl(published())) }),
      _entities: (_: unknown, { representations }: { representations: readonly Json[] }, context: Context) => {
        if (representations.length > mostRepresentations)
          throw wrong(`At most ${mostRepresentations} representations; these are ${representations.length}.`);
        // One that cannot be found fails alone.
        return Promise.all(representations.map((one) => entity(one, context).catch((error: unknown) => error)));
      },
    },
    _Entity: { __resolveType: (found: { readonly __typename: NodeType }) => found.__typename },
  };
}
