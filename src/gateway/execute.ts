import { execute, subscribe, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { variableErrors, withoutLiteral } from './values-unsaid.ts';

/**
 * Operations are executed by graphql-js itself, the reference implementation, and not by the executor that the engine brings:
 * what an answer must be is what graphql-js says, so nothing else is asked. Nothing is compiled: see ADR 13.
 *
 * What does not fit is told without its value.
 */
export const executePlugin: Plugin = {
  onValidate:
    ({ params: { schema, documentAST } }) =>
    ({ valid, result, setResult }) => {
      if (!valid) setResult((result as Parameters<typeof withoutLiteral>[0][]).map((error) => withoutLiteral(error, schema, documentAST)));
    },
  onExecute: ({ setExecuteFn }) => setExecuteFn(executed),
  onSubscribe: ({ setSubscribeFn }) =>
    setSubscribeFn(async (args: ExecutionArgs) => {
      const result = await subscribe(args);
      return Symbol.asyncIterator in result ? result : unsaid(result, args);
    }),
};

/** Executes an operation as graphql-js does. */
export function executed(args: ExecutionArgs): ExecutionResult | Promise<ExecutionResult> {
  const result = execute(args);
  return result instanceof Promise ? result : unsaid(result, args);
}

/** The same without the variables that it repeats: nothing else is refused before anything ran but an operation that is not there. */
function unsaid(result: ExecutionResult, { schema, document, operationName, variableValues }: ExecutionArgs): ExecutionResult {
  if (result.data !== undefined) return result;
  const errors = variableErrors(schema, document, operationName, variableValues ?? {});
  return errors.length > 0 ? { ...result, errors } : result;
}
