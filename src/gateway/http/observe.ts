import type { Log } from '../../infra/log.ts';
import type { Metrics } from '../../infra/metrics.ts';
import type { Exchange } from './exchange.ts';

const methods = new Set(['GET', 'POST', 'OPTIONS', 'HEAD']);

/** Watches every exchange from its first byte to its last. */
export interface Observer {
  begin(exchange: Exchange, route: string): void;
}

/**
 * One log line and one measurement per request. Labels come from closed lists, so that no caller can make series; what a
 * caller wrote (variables, paths below a route, addresses) is in neither.
 */
export function createObserver(metrics: Metrics, log: Log): Observer {
  const seconds = metrics.histogram({
    name: 'http_request_seconds',
    help: 'Time from request to the end of the answer.',
    labels: ['route', 'method', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  const operations = metrics.counter({
    name: 'graphql_operations_total',
    help: 'GraphQL operations by kind and by the first error code of the answer.',
    labels: ['kind', 'code'],
  });
  const open = metrics.gauge({
    name: 'http_open',
    help: 'Requests being answered, streams among them.',
    labels: ['route'],
  });

  return {
    begin(exchange, route) {
      const { request, response, requestId } = exchange;
      const started = performance.now();
      const method = methods.has(request.method ?? '') ? (request.method as string) : 'OTHER';
      open.inc({ route });
      response.once('close', () => {
        const ms = performance.now() - started;
        const { operation, kind, code } = exchange.outcome;
        const status = response.headersSent ? response.statusCode : 499; // gone before we answered
        open.dec({ route });
        if (kind !== 'subscription') seconds.observe({ route, method, status: `${Math.floor(status / 100)}xx` }, ms / 1000);
        if (route === '/graphql' && method !== 'OPTIONS') operations.inc({ kind: kind ?? 'none', code: code ?? 'OK' });
        log.info({ requestId, method, route, status, ms: Math.round(ms * 10) / 10, operation, kind, code }, 'request');
      });
    },
  };
}
