import type { Context } from '../context.ts';
import type { Resolvers } from '../generated/resolver-types.ts';
import { isUuid, parseGlobalId, type NodeType } from '../ids.ts';

/** How each kind of node is found again; applications only by those who may see them. */
const find: { readonly [T in NodeType]: (key: string, context: Context) => unknown } = {
  Municipality: (ars, { features }) => features.catalogue.findMunicipality({ ars }),
  Service: (key, { features }) => features.catalogue.findService(key),
  Offer: (id, { features }) => features.catalogue.findOffer(id),
  Application: (id, { loaders }) => (isUuid(id) ? loaders.application.load(id) : null),
  CaseFile: (id, { features, principal }) => (isUuid(id) ? features.coordination.find(id, principal) : null),
};

/** Relay's `node(id:)`. */
export const nodeResolvers: Resolvers = {
  Query: {
    node: async (_, { id }, context) => {
      const parsed = parseGlobalId(id);
      const node = parsed && (await find[parsed.type](parsed.key, context));
      // Rows do not say what they are: the id does.
      return node ? ({ ...node, __typename: parsed.type } as never) : null;
    },
  },
  Node: { __resolveType: (node) => (node as unknown as { __typename: NodeType }).__typename },
};
