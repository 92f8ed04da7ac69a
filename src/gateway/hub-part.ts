import { execute, parse, subscribe, type DocumentNode, type ExecutionResult, type GraphQLError, type GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Asking, Reply, Request, Subgraph } from '../federation/engine/engine.ts';
import type { HubPart } from '../federation/generation.ts';
import { joinedSchema } from './schema.ts';
import { subgraphSdl, subgraphTypes } from './subgraph.ts';

/**
 * The hub as one of the subgraphs of its own graph: executed in this process, without HTTP. `schema` is the one that answers
 * callers, `_entities` included.
 */
export const createHubPart = (schema: GraphQLSchema): HubPart => ({
  subgraph: createHubSubgraph(schema),
  sdl: subgraphSdl(joinedSchema()),
  schema,
  protocol: subgraphTypes,
});

function createHubSubgraph(schema: GraphQLSchema): Subgraph {
  // Anybody's documents become plans, and a step of a large one is large: bounded by number and by characters of all texts together.
  const known = new LRUCache<string, DocumentNode>({ max: 2000, maxSize: 1_000_000, sizeCalculation: (_, text) => text.length + 1 });

  function parsed(text: string): DocumentNode {
    let document = known.get(text);
    if (!document) known.set(text, (document = parse(text, { noLocation: true })));
    return document;
  }

  return {
    name: 'hub',
    async ask({ operation: text, variables }: Request, { context }: Asking) {
      const document = parsed(text);
      try {
        return toReply(await execute({ schema, document, variableValues: variables, contextValue: context }));
      } catch (error) {
        return toReply({ errors: [error as GraphQLError] });
      }
    },
    async *follow({ operation: text, variables }: Request, { context }: Asking) {
      const document = parsed(text);
      const results = await subscribe({ schema, document, variableValues: variables, contextValue: context });
      if (!(Symbol.asyncIterator in results)) yield toReply(results);
      else for await (const result of results) yield toReply(result);
    },
  };
}

const toReply = ({ data, errors = [] }: ExecutionResult): Reply => ({
  data: data ?? null,
  errors: errors.map((error) => ({ message: error.message, path: error.path, cause: error.originalError ?? error })),
});
