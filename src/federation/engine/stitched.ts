import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import {
  defaultFieldResolver,
  execute,
  GraphQLError,
  isObjectType,
  Kind,
  print,
  subscribe,
  visit,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { answerFrom } from './answer.ts';
import type { Asking, FederationEngine, Reply, Request, Subgraph, Tree } from './engine.ts';
import { createIsA, ownValue } from './places.ts';
import { prepare } from './prepare.ts';
import { conditionVariables, shapeOf } from './shape.ts';

/** What the engine stands on. */
export interface StitchedOptions {
  /** What callers see. */
  readonly schema: GraphQLSchema;
  readonly supergraphSdl: string;
  readonly subgraphs: ReadonlyMap<string, Subgraph>;
}

/** What travels through the stitched schema as its context. */
interface Passing {
  readonly asking: Asking;
}

/** The operation of a delegated request, as the library hands it over. */
interface Delegated {
  readonly document: DocumentNode;
  readonly variables?: Record<string, unknown>;
  readonly operationType?: Request['kind'];
  readonly context?: Passing;
}

/**
 * The engine for platforms where the planner's addon cannot load: @graphql-tools/federation resolves field by field over a
 * stitched schema. Slower by a multiple, and made on the thread that serves.
 */
export function createStitchedEngine({ schema, supergraphSdl, subgraphs }: StitchedOptions): FederationEngine {
  const stitched = getStitchedSchemaFromSupergraphSdl({
    supergraphSdl,
    // Several fields of one level travel in one request.
    batch: true,
    onSubschemaConfig(config) {
      const name = config.name.toLowerCase();
      const subgraph = subgraphs.get(name);
      if (!subgraph) throw new Error(`The supergraph names a subgraph ${config.name} that is not there`);
      config.executor = (request) => {
        const { document, variables = {}, operationType = 'query', context } = request as unknown as Delegated;
        const asking = context?.asking ?? { context: undefined, traceparent: null, signal: null };
        const asked: Request = { kind: operationType, operation: print(document), variables };
        return operationType === 'subscription'
          ? (each(subgraph.follow(asked, asking), toResult) as never)
          : (subgraph.ask(asked, asking).then(toResult) as never);
      };
    },
  });

  for (const type of Object.values(stitched.getTypeMap()))
    if (isObjectType(type) && !type.name.startsWith('__'))
      for (const field of Object.values(type.getFields())) field.resolve = placing(field.resolve ?? defaultFieldResolver);
  const isA = createIsA(schema);

  return {
    kind: 'stitched',
    async plan(given, operationName) {
      const { operation, document, introspection, textFor, callersKey } = prepare(schema, given, operationName);
      const looksAt = conditionVariables(document);
      const typed = withTypenames(document);
      const shapeFor = (variables: Readonly<Record<string, unknown>>) =>
        shapeOf({ schema, isA, document, operation, callersKey }, conditionsOf(looksAt, operation, variables));
      /** The answer is put together as the other engine does it, so that both answer alike. */
      const answer = (
        result: ExecutionResult,
        variables: Readonly<Record<string, unknown>>,
        about: ExecutionResult | null,
      ): ExecutionResult => {
        const data = { ...result.data, ...about?.data };
        const errors = [...(result.errors ?? []), ...(about?.errors ?? [])];
        if (!result.data && errors.every(({ path }) => path === undefined)) return { errors };
        return answerFrom(shapeFor(variables), {
          data,
          callersKey,
          errors: errors.map((error) => ({ path: error.path ?? [], cause: error.originalError ?? error })),
        });
      };
      const args = (variables: Readonly<Record<string, unknown>>, asking: Asking) => ({
        schema: stitched,
        document: typed,
        // Where a condition is null, the shape refuses what it decides about.
        variableValues: {
          ...variables,
          ...Object.fromEntries(looksAt.filter((name) => variables[name] === null).map((name) => [name, false])),
        },
        contextValue: { asking } satisfies Passing,
      });
      return {
        async execute(variables, asking): Promise<ExecutionResult> {
          const refusal = shapeFor(variables).refusalOf(undefined);
          if (refusal) return { data: null, errors: [refusal] };
          // Introspection is of what callers see, and the stitched schema knows more.
          const about = introspection && (await execute({ schema, document: introspection, variableValues: variables }));
          const isNothing = textFor(conditionsOf(looksAt, operation, variables)) === null;
          return answer(isNothing ? { data: {} } : await execute(args(variables, asking)), variables, about);
        },
        async subscribe(variables, asking) {
          const refusal = shapeFor(variables).refusalOf(undefined);
          if (refusal) return { errors: [refusal] };
          const events = await subscribe(args(variables, asking));
          if (!(Symbol.asyncIterator in events)) return events;
          return each(events, (event) => answer(event, variables, null));
        },
      };
    },
    close: () => {},
  };
}

type Resolve = GraphQLFieldResolver<unknown, unknown>;

/** The library gives errors a path without the places in lists; without one, the executor finds the right one. */
const placing =
  (resolve: Resolve): Resolve =>
  (...args) => {
    const settle = (value: unknown): unknown => {
      if (value instanceof Error) throw bare(value);
      return Array.isArray(value) ? value.map((item: unknown) => (item instanceof Error ? bare(item) : item)) : value;
    };
    try {
      const value = resolve(...args);
      if (!(value instanceof Promise)) return settle(value);
      return value.then(settle, (error: unknown) => {
        throw bare(error);
      });
    } catch (error) {
      throw bare(error);
    }
  };

/** The error that a subgraph's reply was made of. */
function bare(error: unknown): Error {
  let inner = error;
  while (inner instanceof GraphQLError && inner.originalError) inner = inner.originalError;
  if (inner instanceof AggregateError && inner.errors[0] instanceof Error) return bare(inner.errors[0]);
  if (inner instanceof GraphQLError) return new GraphQLError(inner.message, { extensions: inner.extensions });
  return inner instanceof Error ? inner : new Error(String(inner));
}

const typename = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } } as const;

/** With the type of every object, by which the answer is put together. */
const withTypenames = (document: DocumentNode): DocumentNode =>
  visit(document, {
    Field: {
      leave: (field) =>
        field.selectionSet
          ? { ...field, selectionSet: { ...field.selectionSet, selections: [typename, ...field.selectionSet.selections] } }
          : undefined,
    },
  });

/** Values of condition variables, defaults applied. */
const conditionsOf = (
  names: readonly string[],
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Record<string, unknown> =>
  Object.fromEntries(
    names.map((name) => {
      const fallback = operation.variableDefinitions?.find(({ variable }) => variable.name.value === name)?.defaultValue;
      const given = ownValue(variables, name);
      return [name, given === undefined ? fallback?.kind === Kind.BOOLEAN && fallback.value : given];
    }),
  );

async function* each<T, U>(events: AsyncIterable<T>, map: (event: T) => U): AsyncGenerator<U> {
  for await (const event of events) yield map(event);
}

/** Errors keep what callers are told by. */
const toResult = ({ data, errors }: Reply): { data: Tree | null; errors?: GraphQLError[] } => ({
  data,
  ...(errors.length > 0 && {
    errors: errors.map(({ message, path, cause }) => new GraphQLError(message, { ...(path && { path }), originalError: cause })),
  }),
});
