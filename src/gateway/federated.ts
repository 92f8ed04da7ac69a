import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Asking } from '../federation/engine/engine.ts';
import type { Context } from './context.ts';
import { asGraphQLError } from './errors.ts';
import { variableErrors } from './values-unsaid.ts';

const askingOf = (context: Context): Asking => ({
  context,
  traceparent: context.traceparent,
  signal: context.signal,
});

/** An error that an engine throws is an answer like any other. */
const settled = <T>(work: Promise<T>): Promise<T | ExecutionResult> =>
  work.catch((error: unknown) => ({ errors: [asGraphQLError(error)] }));

/** Whoever asks is answered by the schema of the generation that its request began on. yoga's own way to say so works on requests of the platform only. */
export const generationPlugin = (hub: GraphQLSchema): Plugin => ({
  onEnveloped: ({ context, setSchema }) => setSchema((context as unknown as Context | undefined)?.generation?.schema ?? hub),
});

/**
 * Sends documents that touch a subgraph to the federation engine. `hub` answers all others, as if there were no subgraphs; the
 * request runs on the generation that it began on.
 */
export function federatedPlugin(hub: GraphQLSchema): Plugin {
  type Executed = Parameters<NonNullable<Plugin['onExecute']>>[0]['args'];
  /** The generation for what the hub does not answer alone; null otherwise. */
  const generationFor = (args: Executed) => {
    const context = args.contextValue as unknown as Context;
    const { generation, outcome } = context;
    const route = generation?.route(args.document) ?? 'hub';
    if (route === 'hub') args.schema = hub;
    // What a city answers is asked of it each time.
    if (route === 'subgraphs') outcome.isPublic = false;
    return route === 'hub' ? null : generation;
  };
  return {
    onExecute({ args, setExecuteFn }) {
      const generation = generationFor(args);
      if (!generation) return;
      const { document, operationName, variableValues, contextValue } = args;
      const misfits = variableErrors(generation.schema, document, operationName, variableValues ?? {});
      if (misfits.length > 0) return setExecuteFn(() => ({ errors: misfits }));
      setExecuteFn(() =>
        settled(
          generation
            .plan(document, operationName ?? null)
            .then((plan) => plan.execute((variableValues ?? {}) as Record<string, unknown>, askingOf(contextValue as unknown as Context))),
        ),
      );
    },
    onSubscribe({ args, setSubscribeFn }) {
      const generation = generationFor(args);
      if (!generation) return;
      const { document, operationName, variableValues, contextValue } = args;
      const misfits = variableErrors(generation.schema, document, operationName, variableValues ?? {});
      if (misfits.length > 0) return setSubscribeFn(() => ({ errors: misfits }));
      setSubscribeFn(() =>
        settled(
          generation
            .plan(document, operationName ?? null)
            .then((plan) =>
              plan.subscribe((variableValues ?? {}) as Record<string, unknown>, askingOf(contextValue as unknown as Context)),
            ),
        ),
      );
    },
  };
}
