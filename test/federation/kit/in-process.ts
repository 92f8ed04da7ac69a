import { execute, parse } from 'graphql';
import type { Reply, Subgraph } from '../../../src/federation/engine/engine.ts';
import { SubgraphError } from '../../../src/federation/failure.ts';
import { subgraphSchema, type SubgraphOptions } from './subgraph-server.ts';

/** A subgraph with its SDL, as `startEngine` takes it. */
export interface Part {
  readonly subgraph: Subgraph;
  readonly sdl: string;
}

/** A subgraph that answers in this process what it would answer over HTTP. */
export function inProcess(name: string, options: SubgraphOptions, onAsk?: (operation: string, variables: unknown) => void): Part {
  const schema = subgraphSchema(options);
  return {
    sdl: options.sdl,
    subgraph: {
      name,
      async ask({ operation, variables }): Promise<Reply> {
        onAsk?.(operation, variables);
        const { data, errors = [] } = await execute({ schema, document: parse(operation), variableValues: variables });
        return {
          data: JSON.parse(JSON.stringify(data ?? null)) as Reply['data'],
          errors: errors.map(({ message, path }) => ({ message, path, cause: new SubgraphError(name, 'failed', message) })),
        };
      },
      async *follow() {},
    },
  };
}
