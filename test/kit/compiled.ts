import { execute, GraphQLError, parse, Source, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';
import type { Executor } from './differential.ts';

/**
 * A compiler of operations as the hub had one, in the place of graphql-js: the control of the differential test, which must
 * find what it does otherwise (ADR 13).
 */
export function compiling(): Executor {
  const known = new WeakMap<GraphQLSchema, Map<string, CompiledQuery['query'] | null>>();
  return (schema, { query, variables, operationName }, contextValue) => {
    const compiled = known.get(schema) ?? new Map<string, CompiledQuery['query'] | null>();
    known.set(schema, compiled);
    const key = `${operationName ?? ''} ${query}`;
    let run = compiled.get(key);
    if (run === undefined) {
      const made = compileQuery(schema, parse(query), operationName);
      compiled.set(key, (run = isCompiledQuery(made) ? made.query : null));
    }
    if (run) return whole(run({}, contextValue, variables), new Source(query));
    return execute({ schema, document: parse(query), variableValues: variables, operationName: operationName ?? null, contextValue });
  };
}

/** Its errors lack the field `extensions` and the way to their places: that alone is not what is looked for. */
async function whole(result: ExecutionResult | Promise<ExecutionResult>, source: Source): Promise<ExecutionResult> {
  const { data, errors } = await result;
  return { ...(errors && { errors: errors.map((error) => extended(error, source)) }), ...(data !== undefined && { data }) };
}

function extended<T>(error: T, source: Source): T {
  if (!(error instanceof GraphQLError)) return error;
  const lines = source.body.split('\n');
  const positions = error.locations?.map(
    ({ line, column }) => lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0) + column - 1,
  );
  const more = {
    extensions: { value: error.extensions ?? {} },
    originalError: { value: extended(error.originalError, source) },
    source: { value: source },
    positions: { value: positions },
  };
  return Object.create(error, more) as T;
}
