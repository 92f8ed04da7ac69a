import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Language } from '#contract';
import type { Outcome, RequestIds } from '../context.ts';
import type { Failure } from '../errors.ts';

/** One HTTP request and its answer, with what is known of it. */
export interface Exchange extends RequestIds {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly language: Language;
  /** The page that explains a code; null if the hub does not know its own address. */
  readonly helpUrl: (code: string) => string | null;
  /** Aborts when the connection closes or the server stops. */
  readonly signal: AbortSignal;
  outcome: Outcome;
  /** Called where the answer becomes a stream: it is then no longer counted among the requests in hand. */
  leaveHand: () => void;
}

/** Answers one route. What it throws becomes a public failure. */
export type Route = (exchange: Exchange) => Promise<void> | void;

/** Answers with a body and its type. */
export function answer(
  { response, request }: Pick<Exchange, 'request' | 'response'>,
  status: number,
  type: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Answers with JSON that no cache may keep. */
export const answerJson = (exchange: Exchange, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void =>
  answer(exchange, status, 'application/json; charset=utf-8', JSON.stringify(body), { 'cache-control': 'no-store', ...headers });

/** Answers with a failure in the shape of a GraphQL answer, so that clients read one kind of error only. */
export function answerFailure(exchange: Exchange, told: Failure, headers: Readonly<Record<string, string>> = {}): void {
  exchange.outcome.code ??= told.code;
  const helpUrl = exchange.helpUrl(told.code);
  const extensions = {
    code: told.code,
    ...(told.retryable && { retryable: true }),
    requestId: exchange.requestId,
    ...(helpUrl !== null && { helpUrl }),
  };
  answerJson(exchange, told.status, { errors: [{ message: told.message, extensions }] }, headers);
}
