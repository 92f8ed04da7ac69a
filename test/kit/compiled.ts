import { execute, GraphQLError, parse, type ExecutionResult, type GraphQLSchema } from 'graphql';
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
    if (run) return whole(run({}, contextValue, variables));
    return execute({ schema, document: parse(query), variableValues: variables, operationName: operationName ?? null, contextValue });
  };
}

/** Its errors lack the field `extensions`: that alone is not what is looked for. */
async function whole(result: ExecutionResult | Promise<ExecutionResult>): Promise<ExecutionResult> {
  const { data, errors } = await result;
  return { ...(errors && { errors: errors.map(extended) }), ...(data !== undefined && { data }) };
}

function extended<T>(error: T): T {
  if (!(error instanceof GraphQLError)) return error;
  const more = { extensions: { value: error.extensions ?? {} }, originalError: { value: extended(error.originalError) } };
  return Object.create(error, more) as T;
}
