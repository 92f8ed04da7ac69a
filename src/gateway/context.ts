import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Language } from '#contract';
import { refuse } from '#contract';
import type { Applications } from '../applications/applications.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Cities } from '../cities/cities.ts';
import type { Coordination } from '../coordination/coordination.ts';
import type { Events } from '../events/events.ts';
import type { Federation } from '../federation/federation.ts';
import type { Generation } from '../federation/generation.ts';
import type { Rows } from '../federation/rows/rows.ts';
import type { Principal } from '../identity/identity.ts';
import type { RateState } from './http/rate.ts';
import { createLoaders, type Loaders } from './loaders.ts';

/** The features that the API shows. */
export interface Features {
  readonly catalogue: Catalogue;
  readonly applications: Applications;
  readonly coordination: Coordination;
  readonly events: Events;
  readonly cities: Cities;
  /** Contract fields that cities answer for their own rows. */
  readonly rows: Rows;
  /** Subgraphs of cities; absent if the hub answers alone. */
  readonly federation?: Federation;
}

/** What a request is known by, in logs, events and the back office. */
export interface RequestIds {
  readonly requestId: string;
  /** W3C Trace Context of the hub's own span. */
  readonly traceparent: string;
}

/** What every resolver gets. */
export interface Context extends RequestIds {
  readonly principal: Principal | null;
  readonly features: Features;
  readonly loaders: Loaders;
  /** The state of the graph that this request runs on to its end; null if there are no subgraphs. */
  readonly generation: Generation | null;
  /** Language of error messages, from Accept-Language. */
  readonly language: Language;
  /** Aborts when the caller is gone or the hub stops. */
  readonly signal: AbortSignal;
  readonly helpUrl: (code: string) => string | null;
  /** Where the caller stands with its requests per minute; null if nobody counts. */
  readonly rate: RateState | null;
  /** Set while the operation runs, for log and metrics. */
  readonly outcome: Outcome;
}

/** What log and metrics say about an operation. */
export interface Outcome {
  operation: string | null;
  kind: 'query' | 'mutation' | 'subscription' | null;
  code: string | null;
  /** Values that the answer may hold; null if nothing was to be counted. */
  cost: number | null;
  /** Asks for the public catalogue only, and may be answered to others too. */
  isPublic: boolean;
  /** How much longer the answer may get; below zero, it is too long. Infinity: as long as it is. */
  charactersLeft: number;
  /** As the answer holds them. */
  extensions: Readonly<Record<string, unknown>> | null;
}

/** Before anything is known. */
export const noOutcome = (): Outcome => ({
  operation: null,
  kind: null,
  code: null,
  cost: null,
  isPublic: false,
  charactersLeft: Infinity,
  extensions: null,
});

const wellFormedId = /^[\w.-]{8,64}$/;
const wellFormedTrace = /^00-([\da-f]{32})-[\da-f]{16}-([\da-f]{2})$/;

/**
 * Ids of a request: the caller's where they are well formed, so that one id finds a call in the portal's log and in ours.
 * Without `x-request-id` the trace id serves as request id.
 */
export function requestIds(headers: IncomingHttpHeaders): RequestIds {
  const given = headers['x-request-id'];
  const trace = wellFormedTrace.exec(String(headers['traceparent'] ?? ''));
  // UUIDs come from a pool that Node fills at once; random bytes would be a system call for each request.
  const random = () => randomUUID().replaceAll('-', '');
  const valid = trace && !/^0+$/.test(trace[1] ?? '');
  const traceId = valid ? (trace[1] as string) : random();
  const flags = valid ? trace[2] : '01';
  return {
    requestId: typeof given === 'string' && wellFormedId.test(given) ? given : traceId,
    traceparent: `00-${traceId}-${random().slice(16)}-${flags}`,
  };
}

/** English where the caller prefers it to German, else German. */
export const languageOf = (headers: IncomingHttpHeaders): Language => (/^\s*en\b/i.test(headers['accept-language'] ?? '') ? 'EN' : 'DE');

/** The context of one request. `exchange` is asked for its signal only where something listens to it. */
export const createContext = (
  exchange: RequestIds & { readonly signal: AbortSignal },
  given: Pick<Context, 'principal' | 'features' | 'language' | 'helpUrl' | 'rate' | 'generation'>,
): Context => ({
  ...given,
  requestId: exchange.requestId,
  traceparent: exchange.traceparent,
  get signal() {
    return exchange.signal;
  },
  loaders: createLoaders(given.features, given.principal, { traceparent: exchange.traceparent }),
  outcome: noOutcome(),
});

/**
 * Who asks.
 * @throws HubError PROBLEM UNAUTHENTICATED for an anonymous caller.
 */
export function getPrincipal(context: Context): Principal {
  if (!context.principal) throw refuse({ code: 'UNAUTHENTICATED' });
  return context.principal;
}
