import { AdapterError, isJson, readJson, retryAfterMs, type Call, type Host, type Json } from '#contract';
import type { RedmineConfig } from './config.ts';

/** One request to Redmine's REST API. */
export type Ask = (method: 'GET' | 'POST' | 'PUT', path: string, call: Call, body?: Json) => Promise<Reply>;

export interface Reply {
  readonly status: number;
  readonly body: Json;
}

/*
 * What an answer means:
 *
 *   2xx with JSON       taken; 204 has no body
 *   2xx without JSON    a login page or a proxy stands in front: misconfigured
 *   3xx                 the address is not Redmine's own: misconfigured, nothing happened
 *   400, 422            refused, nothing happened; `errors` says why
 *   401, 403            key or rights: misconfigured, nothing happened
 *   404                 handed back, the caller knows what was asked for
 *   429                 asks for a pause, nothing happened
 *   503 + Retry-After   as 429; any other 5xx may come after the work was done: effect unknown for a write
 */
export function createAsk(config: RedmineConfig, host: Host): Ask {
  const base = config.baseUrl.replace(/\/+$/, '');

  return async (method, path, call, body) => {
    const response = await host.fetch(`${base}${path}`, {
      method,
      signal: call.signal,
      headers: { accept: 'application/json', 'content-type': 'application/json', 'x-redmine-api-key': config.apiKey },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { status } = response;
    const unsure = method === 'GET' ? 'none' : 'unknown';
    if (status === 404 || status === 204) return { status, body: null };
    if (status >= 200 && status < 300) {
      if (!isJson(response))
        throw new AdapterError('misconfigured', unsure, `${path.split('?')[0]} answers a page instead of JSON: a login page or proxy?`);
      // Issues are read one by one: see toIssueShown.
      return { status, body: await readJson(response, unsure, { lenient: method === 'GET' }) };
    }
    const asked = retryAfterMs(response, host.now());
    const pause = asked === undefined ? {} : { retryAfterMs: asked };
    if (status === 429) throw new AdapterError('retryable', 'none', 'Redmine asks for a pause', pause);
    if (status === 503 && asked !== undefined) throw new AdapterError('retryable', 'none', 'Redmine is under maintenance', pause);
    if (status >= 500) throw new AdapterError('unavailable', unsure, `Redmine failed with ${status}`);
    if (status === 401 || status === 403)
      throw new AdapterError('misconfigured', 'none', status === 401 ? 'the API key is not accepted' : 'the account lacks rights');
    if (status >= 300 && status < 400) throw new AdapterError('misconfigured', 'none', 'Redmine redirects: is baseUrl complete?');
    throw new AdapterError('rejected', 'none', `Redmine refused (${status})`, await reasons(response));
  };
}

/** Redmine names its own fields, never the value: safe to show, and all a clerk of the city needs to find the mistake. */
async function reasons(response: Response): Promise<{ fields?: Record<string, string> }> {
  if (!isJson(response)) return {};
  const body = (await readJson(response).catch(() => null)) as { errors?: unknown } | null;
  const errors = Array.isArray(body?.errors) ? body.errors.filter((error) => typeof error === 'string') : [];
  return errors.length === 0 ? {} : { fields: { '': errors.join('; ').slice(0, 500) } };
}
