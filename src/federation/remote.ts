import {
  bulkhead,
  BulkheadRejectedError,
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  wrap,
} from 'cockatiel';
import { Pool, type Dispatcher } from 'undici';
import { decodeText } from '#contract';
import type { Asking, Reply, Request, Subgraph, Tree } from './engine/engine.ts';
import { SubgraphError } from './failure.ts';
import { readEvents } from './read-events.ts';

/*
 * The way to one city's subgraph, from the outside in:
 *
 *   deadline   `timeoutMs` from the moment of the call, waiting for its turn included
 *   bulkhead   `concurrency` calls at a time, four times as many wait; what comes on top is turned away
 *   breaker    after `failures` failures in a row nothing is sent for `halfOpenMs`; then one call tries for all
 *   pool       keep-alive connections, redirects not followed
 *
 * Nothing is sent twice: a query that failed is a null with its reason, and the caller decides. A mutation goes on to its
 * deadline when its caller goes away, since aborting it would leave its effect unknown.
 */

/** How hard a subgraph is pressed. */
export interface SubgraphLimits {
  /** @default 2000 */
  readonly timeoutMs: number;
  /** Calls at a time. @default 32 */
  readonly concurrency: number;
  /** Longest answer, in bytes. @default 4 MiB */
  readonly mostBytes: number;
  readonly breaker: { readonly failures: number; readonly halfOpenMs: number };
}

export const subgraphLimits: SubgraphLimits = {
  timeoutMs: 2000,
  concurrency: 32,
  mostBytes: 4 * 2 ** 20,
  breaker: { failures: 5, halfOpenMs: 10_000 },
};

/** Outcome of a call, for the metrics. */
export type SubgraphOutcome = 'ok' | SubgraphError['kind'];

export interface RemoteOptions {
  readonly name: string;
  readonly url: string;
  readonly limits: SubgraphLimits;
  /** Headers of each call, for example a token made for this subgraph. @default none */
  readonly headers?: (asking: Asking) => Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
  readonly onEnd?: (outcome: SubgraphOutcome, seconds: number) => void;
  readonly onBreaker?: (open: boolean) => void;
}

/** A city's subgraph over HTTP. */
export interface Remote extends Subgraph {
  readonly url: string;
  /** `open`: nothing is sent for a while. */
  breaker(): 'closed' | 'open' | 'half-open';
  /** Lets running calls finish, then closes the connections. */
  close(): Promise<void>;
}

/** Subscriptions to one subgraph at a time. */
const mostStreams = 1000;

/*
 * What is taken of an answer's errors. Each is told at every place where its entity stands, and every part of its path is compared
 * with others: unbounded, a short answer could keep the hub busy for long.
 */
const mostErrors = 200;
const longestPath = 64;
const longestKey = 256;

/** `too-long` is not among them: one caller's large questions must not cut off the city for everybody. */
const sick: ReadonlySet<string> = new Set(['unavailable', 'deadline', 'malformed']);

/** Nothing is opened before the first call. */
export function createRemote({ name, url, limits, headers, onEnd, onBreaker }: RemoteOptions): Remote {
  const { origin, pathname, search } = new URL(url);
  const path = `${pathname}${search}`;
  const pool = new Pool(origin, {
    connections: limits.concurrency,
    connect: { timeout: limits.timeoutMs },
    // The exact deadline is ours; these only end what it has forgotten.
    headersTimeout: limits.timeoutMs + 5000,
    bodyTimeout: limits.timeoutMs + 5000,
  });
  /** A stream holds its connection as long as somebody listens: it must not take one from the questions. */
  let streams: Pool | null = null;
  const breaker = circuitBreaker(
    // In half-open state the library takes an error that is not handled for a success, and an aborted call is none.
    handleWhen(
      (error) =>
        error instanceof SubgraphError && (sick.has(error.kind) || (error.kind === 'aborted' && breaker.state === CircuitState.HalfOpen)),
    ),
    { halfOpenAfter: limits.breaker.halfOpenMs, breaker: new ConsecutiveBreaker(limits.breaker.failures) },
  );
  breaker.onBreak(() => onBreaker?.(true));
  breaker.onReset(() => onBreaker?.(false));
  const guarded = wrap(bulkhead(limits.concurrency, limits.concurrency * 4), breaker);

  const fail = (kind: SubgraphError['kind'], message: string, cause?: unknown) => new SubgraphError(name, kind, message, { cause });

  async function send(over: Pool, request: Request, asking: Asking, signal: AbortSignal, accept: string): Promise<Dispatcher.ResponseData> {
    const own = headers ? await headers(asking) : {};
    const sent = await over.request({
      method: 'POST',
      path,
      signal,
      headers: {
        'content-type': 'application/json',
        accept,
        ...(asking.traceparent === null ? {} : { traceparent: asking.traceparent }),
        ...own,
      },
      body: JSON.stringify({ query: request.operation, variables: request.variables }),
    });
    if (sent.statusCode >= 500 || sent.statusCode === 429) {
      await sent.body.dump().catch(() => {});
      throw fail('unavailable', `answered ${sent.statusCode}`);
    }
    return sent;
  }

  async function once(request: Request, asking: Asking, signal: AbortSignal): Promise<Reply> {
    const sent = await send(pool, request, asking, signal, 'application/graphql-response+json, application/json;q=0.9');
    const bytes = await readBytes(sent.body);
    let parsed: unknown;
    try {
      parsed = JSON.parse(decodeText(bytes, { contentType: String(sent.headers['content-type'] ?? '') }));
    } catch (cause) {
      throw fail('malformed', `answered ${sent.statusCode} with something that is not JSON, or not in its charset`, cause);
    }
    return toReply(parsed);
  }

  async function readBytes(body: Dispatcher.ResponseData['body']): Promise<Buffer> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > limits.mostBytes) throw fail('too-long', `answered more than ${limits.mostBytes} bytes`);
      parts.push(part);
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** A GraphQL answer, or a SubgraphError that says what is wrong with it. */
  function toReply(parsed: unknown): Reply {
    const { data, errors } = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as { data?: unknown; errors?: unknown };
    const listed: readonly unknown[] = Array.isArray(errors) ? errors.slice(0, mostErrors) : [];
    if (typeof data !== 'object' || Array.isArray(data) || (data === null && listed.length === 0)) {
      if (data === undefined && listed.length > 0) return { data: null, errors: listed.map(toError) };
      throw fail('malformed', 'answered something that is not a GraphQL answer');
    }
    return { data: data as Tree | null, errors: listed.map(toError) };
  }

  function toError(error: unknown): Reply['errors'][number] {
    const { message, path: at, extensions } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
    const code = (extensions as { code?: unknown } | null | undefined)?.code;
    const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) && code !== 'INTERNAL_SERVER_ERROR' ? { code } : {};
    const text = typeof message === 'string' ? message.slice(0, 300) : 'an error without a message';
    const isKey = (key: unknown): key is string | number =>
      typeof key === 'number' || (typeof key === 'string' && key.length <= longestKey);
    const place = Array.isArray(at) && at.length <= longestPath && at.every(isKey) ? at : undefined;
    return { message: text, path: place, cause: new SubgraphError(name, 'code' in known ? 'refused' : 'failed', text, known) };
  }

  const toFailure = (error: unknown, signal: AbortSignal, caller: AbortSignal | null): SubgraphError => {
    if (error instanceof SubgraphError) return error;
    if (error instanceof BrokenCircuitError) return fail('left-alone', 'failed repeatedly and is left alone for a while');
    if (error instanceof BulkheadRejectedError) return fail('busy', 'too many calls wait for it');
    if (signal.aborted)
      return caller?.aborted ? fail('aborted', 'the caller went away') : fail('deadline', `no answer within ${limits.timeoutMs} ms`);
    return fail(
      'unavailable',
      error instanceof Error ? `cannot be reached (${(error as NodeJS.ErrnoException).code ?? error.name})` : 'cannot be reached',
      error,
    );
  };

  return {
    name,
    url,
    breaker: () => (breaker.state === CircuitState.Closed ? 'closed' : breaker.state === CircuitState.HalfOpen ? 'half-open' : 'open'),

    async ask(request, asking) {
      const since = performance.now();
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), limits.timeoutMs);
      const leave = () => abort.abort();
      const follows = request.kind === 'query' ? asking.signal : null;
      if (follows?.aborted) abort.abort();
      else follows?.addEventListener('abort', leave);
      let outcome: SubgraphOutcome = 'ok';
      try {
        return await guarded.execute(async () => {
          try {
            return await once(request, asking, abort.signal);
          } catch (error) {
            throw toFailure(error, abort.signal, follows);
          }
        }, abort.signal);
      } catch (error) {
        const failure = toFailure(error, abort.signal, follows);
        outcome = failure.kind;
        return { data: null, errors: [{ message: failure.message, cause: failure }] };
      } finally {
        clearTimeout(timer);
        follows?.removeEventListener('abort', leave);
        onEnd?.(outcome, (performance.now() - since) / 1000);
      }
    },

    async *follow(request, asking) {
      const abort = new AbortController();
      const leave = () => abort.abort();
      if (asking.signal?.aborted) return;
      asking.signal?.addEventListener('abort', leave);
      try {
        const timer = setTimeout(leave, limits.timeoutMs);
        streams ??= new Pool(origin, { connections: mostStreams, connect: { timeout: limits.timeoutMs }, bodyTimeout: 0 });
        const stream = await send(streams, request, asking, abort.signal, 'text/event-stream')
          .catch((error: unknown) => {
            throw toFailure(error, abort.signal, asking.signal);
          })
          .finally(() => clearTimeout(timer));
        if (!String(stream.headers['content-type']).startsWith('text/event-stream'))
          throw fail('malformed', 'answered a subscription with no event stream');
        for await (const event of readEvents(stream.body, limits.mostBytes)) yield toReply(event);
      } catch (error) {
        if (!asking.signal?.aborted) throw toFailure(error, abort.signal, asking.signal);
      } finally {
        asking.signal?.removeEventListener('abort', leave);
        abort.abort();
      }
    },

    async close() {
      await Promise.all([pool.close(), streams?.close()]);
    },
  };
}
