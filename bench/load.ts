import { createHistogram } from 'node:perf_hooks';
import autocannon from 'autocannon';

/** Requests of one round of load. */
export interface Load {
  readonly url: string;
  /** Keep-alive connections; each has one request under way at a time. */
  readonly clients: number;
  readonly seconds: number;
  /** Sent in turn. `[<id>]` in a body becomes a new id each time. */
  readonly requests: readonly { readonly path: string; readonly body: string }[];
  /** Instead of `requests`, for each connection its own. */
  readonly requestsOf?: (connection: number) => readonly { readonly path: string; readonly body: string }[];
  /** One access token for each connection. */
  readonly tokens?: readonly string[];
  /** A text that every right answer holds. */
  readonly expected: string;
  /** Right answers that a round has at the least. @default 1 */
  readonly least?: number;
}

/** What a round of load saw; latencies in milliseconds. */
export interface Seen {
  readonly count: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

/**
 * One round of load from this process.
 * @throws where a single answer was not as expected: a fast wrong answer must not count
 */
export async function load({ url, clients, seconds, requests, requestsOf, tokens, expected, least = 1 }: Load): Promise<Seen> {
  const histogram = createHistogram();
  let connection = 0;
  let wrong: string | undefined;
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const running = autocannon(
      {
        url,
        connections: clients,
        duration: seconds,
        // The end is looked for at each sample.
        sampleInt: 100,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        requests: requests.map(({ path, body }) => ({ path, body })),
        idReplacement: requests.some(({ body }) => body.includes('[<id>]')),
        setupClient: (client) => {
          const token = tokens?.[connection % tokens.length];
          const own = requestsOf?.(connection);
          connection += 1;
          if (own)
            client.setRequests(
              own.map(({ path, body }) => ({ path, body, method: 'POST', headers: { 'content-type': 'application/json' } })),
            );
          if (token !== undefined) client.setHeaders({ 'content-type': 'application/json', authorization: `Bearer ${token}` });
        },
        verifyBody: (body) => {
          const right = String(body).includes(expected);
          if (!right) wrong ??= String(body).slice(0, 500);
          return right;
        },
      },
      (error: Error | null, done) => (error ? reject(error) : resolve(done)),
    );
    // The library's own latencies are whole milliseconds.
    running.on('response', (_client, _status, _bytes, ms) => histogram.record(Math.max(1, Math.round(ms * 1000))));
  });
  const failed = result.errors + result.timeouts + result.non2xx + result.mismatches;
  if (failed > 0 || result['2xx'] < least)
    throw new Error(
      `${url}: ${failed} of ${result.requests.total} answers were wrong (${result.errors} errors, ${result.timeouts} timeouts, ${result.non2xx} with another status): ${wrong ?? 'no body'}`,
    );
  return {
    count: result['2xx'],
    seconds: result.duration,
    p50: histogram.percentile(50) / 1000,
    p99: histogram.percentile(99) / 1000,
  };
}
