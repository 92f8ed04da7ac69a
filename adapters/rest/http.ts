import { AdapterError, type Call, type Host, type Json } from '#contract';
import type { RestConfig } from './config.ts';
import { toFieldProblems } from './mapping.ts';

export interface Question {
  readonly method: string;
  readonly path: string;
  readonly body?: Json;
  /** The idempotency key, where it goes into a header. */
  readonly key?: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

export type Ask = (question: Question, call: Call) => Promise<Reply>;

/*
 * What an answer means, for back offices that keep to HTTP:
 *
 *   2xx with JSON       taken; without a body it is null
 *   2xx without JSON    a login page or a proxy stands in front: misconfigured
 *   3xx                 the address is not the interface: misconfigured, nothing happened
 *   401, 403            credentials or rights: misconfigured, nothing happened
 *   404, 410            handed back: the caller knows what was asked for
 *   408, 425, 429       asks for a pause, nothing happened
 *   409 under a key     the same key is being worked on: its effect is unknown until it is asked again
 *   other 4xx           refused, nothing happened; with the fields to correct, where it names them
 *   503 + Retry-After   asks for a pause, nothing happened; any other 5xx may come after the work: effect unknown for a write
 */
export function createAsk(config: RestConfig, host: Host): Ask {
  const base = config.baseUrl.replace(/\/+$/, '');
  const [authName, authValue] = credentials(config.auth);
  const keyHeader = typeof config.idempotency === 'object' && 'header' in config.idempotency ? config.idempotency.header : null;

  return async ({ method, path, body, key }, call) => {
    const headers = new Headers({ accept: 'application/json', [authName]: authValue });
    if (body !== undefined) headers.set('content-type', 'application/json');
    if (key !== undefined && keyHeader) headers.set(keyHeader, key);
    const response = await host.fetch(base + path, {
      method,
      signal: call.signal,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { status } = response;
    const unsure = method === 'GET' ? 'none' : 'unknown';
    if (status === 404 || status === 410) return { status, headers: response.headers, body: null };
    if (status >= 200 && status < 300) return { status, headers: response.headers, body: await parse(response, unsure) };
    const retryAfterMs = retryAfter(response, host.now());
    const pause = retryAfterMs === undefined ? {} : { retryAfterMs };
    if (status === 429 || status === 408 || status === 425 || (status === 503 && retryAfterMs !== undefined))
      throw new AdapterError('retryable', 'none', `the back office asks for a pause (${status})`, pause);
    if (status >= 500) throw new AdapterError('unavailable', unsure, `the back office failed with ${status}`);
    if (status === 401 || status === 403)
      throw new AdapterError('misconfigured', 'none', `the credentials or rights are not accepted (${status})`);
    if (status >= 300 && status < 400)
      throw new AdapterError('misconfigured', 'none', `the back office redirects (${status}): is baseUrl complete?`);
    if (status === 409 && key !== undefined && keyHeader)
      throw new AdapterError('retryable', 'unknown', 'the same key is being worked on', pause);
    const fields = isJson(response) ? toFieldProblems((await response.json().catch(() => null)) as Json, config) : {};
    throw new AdapterError('rejected', 'none', `the back office refused (${status})`, Object.keys(fields).length > 0 ? { fields } : {});
  };
}

function credentials(auth: RestConfig['auth']): [string, string] {
  if ('header' in auth) return [auth.header, auth.secret];
  if (auth.scheme === 'bearer') return ['authorization', `Bearer ${auth.secret}`];
  return ['authorization', `Basic ${Buffer.from(`${auth.user}:${auth.secret}`).toString('base64')}`];
}

const isJson = (response: Response): boolean => /^application\/([\w.-]+\+)?json\b/i.test(response.headers.get('content-type') ?? '');

async function parse(response: Response, effect: 'none' | 'unknown'): Promise<Json> {
  const text = await response.text();
  if (text === '') return null;
  if (!isJson(response))
    throw new AdapterError('misconfigured', effect, 'it answers a page instead of JSON: a login page or proxy in front?');
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new AdapterError('malformed', effect, 'the answer is cut off or is not JSON');
  }
}

function retryAfter(response: Response, now: Date): number | undefined {
  const text = response.headers.get('retry-after');
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
