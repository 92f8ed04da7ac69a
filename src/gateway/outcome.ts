import { getOperationAST, GraphQLError, type ExecutionResult, type GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Log } from '../infra/log.ts';
import type { Context } from './context.ts';
import { asGraphQLError, publicError } from './errors.ts';
import { isPublicDocument } from './public-document.ts';
import { untilExpired } from './until-expired.ts';

/** True for what only a subscription answers. */
const isStream = (result: unknown): result is AsyncIterable<ExecutionResult> =>
  typeof result === 'object' && result !== null && Symbol.asyncIterator in result;

/**
 * An error because of which nothing ran, variables that do not fit among them: answered with 400, but for who takes
 * `application/json` with the 200 that GraphQL over HTTP wants there.
 */
function requestError(error: GraphQLError): GraphQLError {
  if (error.extensions['http'] !== undefined || error.originalError !== undefined) return error;
  const { message, nodes, source, positions, extensions } = error;
  const place = { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null };
  return new GraphQLError(message, { ...place, extensions: { ...extensions, http: { status: 400, spec: true } } });
}

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
    const { requestId, language, helpUrl } = context;
    const onUnexpected = (cause: unknown) => log.error({ requestId, err: cause }, 'unexpected error in a resolver');
    const told = publicError(error, { requestId, language, helpUrl, onUnexpected });
    shown.add(told);
    return told;
  };

  const finish = (result: ExecutionResult, context: Context): ExecutionResult => {
    const ran = result.data !== undefined;
    const errors = result.errors?.map((error) => toPublic(ran ? error : requestError(error), context));
    const code = errors?.[0]?.extensions['code'];
    if (typeof code === 'string') context.outcome.code = code;
    const extensions = { ...result.extensions, ...ownExtensions(context, context.outcome.cost) };
    context.outcome.extensions = extensions;
    return { ...result, ...(errors && { errors }), extensions };
  };

  async function* finishEach(results: AsyncIterable<ExecutionResult>, context: Context): AsyncGenerator<ExecutionResult> {
    try {
      for await (const result of untilExpired(results, context.principal?.expiresAt)) yield finish(result, context);
    } catch (error) {
      // The stream itself broke: say so as its last event, then it is complete.
      if (!context.signal.aborted) yield finish({ errors: [asGraphQLError(error)] }, context);
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
    // What a mutation did is told at any length.
    if (outcome.kind !== 'query') outcome.charactersLeft = Infinity;
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
    // What the engine or a plugin refused before there was anything to execute comes by no other way.
    onResultProcess: (payload) => {
      const { result } = payload;
      if (isStream(result) || Array.isArray(result)) return;
      const { errors } = result as ExecutionResult;
      if (errors && !errors.every((error) => shown.has(error)))
        payload.setResult(finish(result as ExecutionResult, payload.serverContext as unknown as Context));
    },
  };
}
