import type { Server } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import type { ClaimsIssuer } from '../identity/claims-issuer.ts';
import type { Identity } from '../identity/identity.ts';
import { canonicalJson, sha256 } from '../infra/ids.ts';
import type { Log } from '../infra/log.ts';
import type { Metrics } from '../infra/metrics.ts';
import type { Ports } from '../infra/open.ts';
import type { Context, Features } from './context.ts';
import { executePlugin } from './execute.ts';
import { federatedPlugin, generationPlugin } from './federated.ts';
import { createAnswers } from './http/answers.ts';
import { failure } from './errors.ts';
import { answer, answerFailure } from './http/exchange.ts';
import { graphiqlRoute } from './http/graphiql.ts';
import { graphqlRoute } from './http/graphql.ts';
import { liveRoute, readyRoute } from './http/health.ts';
import { landingRoute } from './http/landing.ts';
import { createObserver } from './http/observe.ts';
import { operatorCheck } from './http/operators.ts';
import { problemsRoute } from './http/problem-pages.ts';
import { createRateLimit, type RateLimit } from './http/rate.ts';
import { createHttpServer, type Routes, type ServerLimits } from './http/server.ts';
import { webhookRoute } from './http/webhook.ts';
import { documentCaches, limitPlugins, type OperationLimits } from './limits.ts';
import { outcomePlugin } from './outcome.ts';
import { documentIdName, persistedPlugin, readPersistedDocuments, type PersistedDocuments } from './persisted.ts';
import { schemaRoute } from './published.ts';
import { createSchema, joinedSchema } from './schema.ts';

/** What may be set about the gateway. */
export interface GatewaySettings {
  /** Address under which the world reaches the hub, without a slash at the end; links in answers begin with it. @default no links */
  readonly publicUrl?: string;
  /** Longest body of a GraphQL request or webhook, in bytes. @default 262_144 */
  readonly mostBytes?: number;
  /** Null: callers are not counted. @default 6000 requests per caller and minute */
  readonly rateLimit?: RateLimit | null;
  /** Set where a proxy in front adds the caller's address to X-Forwarded-For; without one anybody could write it. @default false */
  readonly behindProxy?: boolean;
  readonly operations?: OperationLimits;
  /** Documents that may be asked by their hash; `only`: anonymous callers may ask no others. @default none */
  readonly persisted?: { readonly file: string | null; readonly only: boolean };
  readonly server?: ServerLimits;
  /** False: no GraphiQL. @default true */
  readonly playground?: boolean;
  /** Event streams that one caller may have open at this hub. @default 32 */
  readonly streamsPerCaller?: number;
  /** Longest answer to a query, in bytes. @default 1_000_000 */
  readonly mostAnswerBytes?: number;
  /** Lets whoever sends it as a bearer token read figures and the parts of readiness. @default only callers on this machine may */
  readonly operationsToken?: string | null;
}

/** What the gateway shows and what it stands on. */
export interface GatewayDeps extends Features {
  readonly identity: Identity;
  /** Signs what cities are told of a caller. */
  readonly claims: ClaimsIssuer;
  readonly ports: Pick<Ports, 'store' | 'cache' | 'bus'>;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The executable schema, where it is shared with the graph of subgraphs. @default one of its own */
  readonly schema?: GraphQLSchema;
  readonly settings?: GatewaySettings;
}

/** The hub's outer face. */
export interface Gateway {
  /** Not listening yet: `server.listen(port, host)` is up to the host. */
  readonly server: Server;
  /** Takes no more requests, ends subscriptions, lets running requests finish. @param graceMs longest wait, default 10 s */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Joins schema, resolvers, limits and routes into one HTTP server. yoga's own limit on bodies is off, since it pipes every
 * body through a stream and costs more than the rest of the request; ours reads the body once, in front of it.
 */
export function createGateway(deps: GatewayDeps): Gateway {
  const {
    catalogue,
    applications,
    coordination,
    events,
    cities,
    rows,
    federation,
    identity,
    claims,
    ports,
    log,
    metrics,
    settings = {},
  } = deps;
  const mostBytes = settings.mostBytes ?? 262_144;
  const { publicUrl } = settings;

  const schema = deps.schema ?? createSchema();
  const { file = null, only = false } = settings.persisted ?? {};
  const noteMisfit = (hash: string, complaint: string) =>
    log.warn(
      { document: hash, complaint },
      'a persisted document does not fit the hub’s own schema: it is refused until a subgraph answers it',
    );
  const persisted: PersistedDocuments = file === null ? new Map() : readPersistedDocuments(file, schema, federation && noteMisfit);

  const yoga = createYoga<Context>({
    schema,
    graphqlEndpoint: '/graphql',
    extraParamNames: [documentIdName],
    plugins: [
      persistedPlugin(persisted, only),
      ...limitPlugins(settings.operations),
      outcomePlugin(log),
      executePlugin,
      ...(federation ? [generationPlugin(schema), federatedPlugin(schema)] : []),
    ],
    maxRequestBodySize: false,
    parserAndValidationCache: documentCaches(),
    // outcomePlugin masks, with the request id; yoga's own masking knows none.
    maskedErrors: false,
    batching: false,
    cors: false,
    multipart: false,
    graphiql: false,
    landingPage: false,
    logging: { debug: () => {}, info: () => {}, warn: () => {}, error: (error: unknown) => log.warn({ err: error }, 'graphql-yoga') },
  });

  const sdl = joinedSchema();
  /** Hubs that share a cache share answers only where they would answer alike. */
  const deployment = sha256(canonicalJson([sdl, publicUrl ?? null, cities.list().map(({ id, ars }) => `${id} ${ars}`)]));
  const playground = settings.playground === false ? null : graphiqlRoute();
  const graphql = graphqlRoute({
    yoga,
    features: { catalogue, applications, coordination, events, cities, rows, ...(federation && { federation }) },
    identity,
    mostBytes,
    mostStreams: settings.streamsPerCaller ?? 32,
    mostAnswerBytes: settings.mostAnswerBytes ?? 1_000_000,
    answers: createAnswers({
      cache: ports.cache,
      revision: () => `${deployment} ${catalogue.revision()} ${federation?.current()?.id ?? ''}`,
    }),
    rate: settings.rateLimit === null ? null : createRateLimit(ports.cache, settings.rateLimit ?? {}),
    address: ({ request }) =>
      (settings.behindProxy &&
        String(request.headers['x-forwarded-for'] ?? '')
          .split(',')
          .at(-1)
          ?.trim()) ||
      (request.socket.remoteAddress ?? ''),
    forBrowsers: playground ? '/graphiql' : '/',
  });
  const graphiql: Routes = playground ? { '/graphiql': playground, '/graphiql/*': playground } : {};
  const isOperator = operatorCheck(settings.operationsToken ?? null);

  const http = createHttpServer(
    {
      '/': landingRoute(playground !== null),
      '/graphql': graphql,
      ...graphiql,
      '/schema.graphql': schemaRoute(sdl),
      '/.well-known/jwks.json': (exchange) =>
        answer(exchange, 200, 'application/jwk-set+json', JSON.stringify(claims.jwks()), { 'cache-control': 'public, max-age=300' }),
      '/problems': problemsRoute,
      '/problems/*': problemsRoute,
      '/health/live': liveRoute,
      '/health/ready': readyRoute(ports, cities, () => http.draining(), isOperator, federation),
      '/metrics': async (exchange) => {
        if (!isOperator(exchange))
          return answerFailure(exchange, failure('OPERATORS_ONLY', exchange.language), { 'www-authenticate': 'Bearer' });
        const { contentType, text } = await metrics.render();
        answer(exchange, 200, contentType, text, { 'cache-control': 'no-store' });
      },
      '/hooks/*': webhookRoute(applications, mostBytes),
    },
    {
      observer: createObserver(metrics, log),
      log,
      helpUrl: (code) => (publicUrl ? `${publicUrl}/problems/${code}` : null),
      limits: { ...settings.server, ...(settings.behindProxy ? { connectionsPerAddress: null } : {}) },
    },
  );
  return { server: http.server, stop: (graceMs = 10_000) => http.drain(graceMs) };
}
