import { getOperationAST, GraphQLError, type ExecutionResult, type GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Log } from '../infra/log.ts';
import type { Context } from './context.ts';
import { publicError } from './errors.ts';
import { isPublicDocument } from './public-document.ts';

/** True for what only a subscription answers. */
const isStream = (result: unknown): result is AsyncIterable<ExecutionResult> =>
  typeof result === 'object' && result !== null && Symbol.asyncIterator in result;

/** What the hub adds to every answer: how to find it in the log, what it cost, how much the caller may still ask. */
export const ownExtensions = ({ requestId, rate }: Pick<Context, 'requestId' | 'rate'>, cost: number | null) => ({
  requestId,
  ...(cost === null ? {} : { cost }),
  ...(rate === null ? {} : { rateLimit: { limit: rate.limit, remaining: rate.remaining, resetSeconds: rate.resetSeconds } }),
});

/**
 * Puts into words what came of an operation: errors in public form, the request id on every answer, name, kind and first
 * error code for log and metrics.
 */
export function outcomePlugin(log: Log): Plugin<Context> {
  const shown = new WeakSet<GraphQLError>();

  const toPublic = (error: unknown, context: Context): GraphQLError => {
    if (error instanceof GraphQLError && shown.has(error)) return error;
    const { requestId, language } = context;
    const onUnexpected = (cause: unknown) => log.error({ requestId, err: cause }, 'unexpected error in a resolver');
    const told = publicError(error, { requestId, language, onUnexpected });
    shown.add(told);
    return told;
  };

  const finish = (result: ExecutionResult, context: Context): ExecutionResult => {
    const errors = result.errors?.map((error) => toPublic(error, context));
    const code = errors?.[0]?.extensions['code'];
    if (typeof code === 'string') context.outcome.code = code;
    const extensions = { ...result.extensions, ...ownExtensions(context, context.outcome.cost) };
    context.outcome.extensions = extensions;
    return { ...result, ...(errors && { errors }), extensions };
  };

  async function* finishEach(results: AsyncIterable<ExecutionResult>, context: Context): AsyncGenerator<ExecutionResult> {
    try {
      for await (const result of results) yield finish(result, context);
    } catch (error) {
      // The stream itself broke: say so as its last event, then it is complete.
      if (!context.signal.aborted) yield finish({ errors: [error as GraphQLError] }, context);
    }
  }

  const begin = (args: {
    schema: GraphQLSchema;
    document: Parameters<typeof getOperationAST>[0];
    operationName?: string | null;
    contextValue: unknown;
  }) => {
    const operation = getOperationAST(args.document, args.operationName);
    const { outcome, principal } = args.contextValue as Context;
    outcome.operation = operation?.name?.value.slice(0, 64) ?? null;
    outcome.kind = operation?.operation ?? null;
    outcome.isPublic = principal === null && isPublicDocument(args.schema, args.document);
  };

  return {
    onExecute: ({ args }) => begin(args),
    onSubscribe: ({ args }) => begin(args),
    onExecutionResult: (payload) => {
      const { result } = payload;
      const context = payload.context as unknown as Context;
      if (isStream(result)) payload.setResult(finishEach(result, context));
      else if (result && !Array.isArray(result)) payload.setResult(finish(result as ExecutionResult, context));
    },
  };
}
