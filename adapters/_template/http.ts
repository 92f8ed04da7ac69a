import { AdapterError, isJson, readJson, retryAfterMs, type Call, type Host, type Json } from '#contract';
import type { TicketingConfig } from './config.ts';

export interface Reply {
  readonly status: number;
  readonly body: Json;
}

export type Ask = (method: 'GET' | 'POST' | 'PUT', path: string, call: Call, body?: Json) => Promise<Reply>;

/*
 * The one place that knows what an answer means. Two questions decide what the hub does next:
 *
 *   kind    whose turn is it? `retryable` try later · `unavailable` it is broken · `rejected` the applicant must change
 *           something · `misconfigured` the operator must · `malformed` it does not speak as it should · `unsupported` cannot be
 *   effect  did the write land? `none` surely not · `unknown` nobody can tell: the hub looks the key up before anything else
 *           and never sends blindly again · `done` it did, and still something is wrong
 *
 * When in doubt about a write, `unknown`. A read never has an effect. No message holds what was sent: it may be a person's
 * name. host.fetch throws by itself where nothing answers, a certificate does not hold or an answer breaks off.
 */
export function createAsk(config: TicketingConfig, host: Host): Ask {
  const base = config.baseUrl.replace(/\/+$/, '');

  return async (method, path, call, body) => {
    const response = await host.fetch(base + path, {
      method,
      // Without the signal a call goes on after its deadline.
      signal: call.signal,
      headers: { accept: 'application/json', 'content-type': 'application/json', authorization: `Bearer ${config.token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { status } = response;
    const unsure = method === 'GET' ? 'none' : 'unknown';
    // Handed back: the caller knows whether a case or a whole path is missing.
    if (status === 404 || status === 410) return { status, body: null };
    // Lenient: one ticket in another charset is set aside by itself, instead of stopping the list it stands in.
    if (status >= 200 && status < 300) return { status, body: await readJson(response, unsure, { lenient: method === 'GET' }) };
    const asked = retryAfterMs(response, host.now());
    const pause = asked === undefined ? {} : { retryAfterMs: asked };
    if (status === 408 || status === 425 || status === 429 || (status === 503 && asked !== undefined))
      throw new AdapterError('retryable', 'none', `Ticketing asks for a pause (${status})`, pause);
    // Any other 5xx may come after the work was done.
    if (status >= 500) throw new AdapterError('unavailable', unsure, `Ticketing failed with ${status}`);
    if (status === 401 || status === 403)
      throw new AdapterError('misconfigured', 'none', `the token is not accepted or lacks rights (${status})`);
    if (status >= 300 && status < 400)
      throw new AdapterError('misconfigured', 'none', `Ticketing redirects (${status}): is baseUrl complete?`);
    throw new AdapterError('rejected', 'none', `Ticketing refused (${status})`, await reasons(response));
  };
}

/** Their field problems, by JSON pointer into the application: the names of the applicant's form. */
async function reasons(response: Response): Promise<{ fields?: Record<string, string> }> {
  if (!isJson(response)) return {};
  const body = (await readJson(response).catch(() => null)) as { errors?: unknown } | null;
  const errors = Array.isArray(body?.errors) ? (body.errors as { field?: unknown; message?: unknown }[]).slice(0, 100) : [];
  const fields = errors.flatMap(({ field, message }) =>
    typeof message === 'string' ? [[pointerTo(typeof field === 'string' ? field : ''), message.slice(0, 300)]] : [],
  );
  return fields.length === 0 ? {} : { fields: Object.fromEntries(fields) as Record<string, string> };
}

/** Where a field of theirs comes from: the way back of toTicket in mapping.ts. Empty: the application as a whole. */
function pointerTo(field: string): string {
  if (field === 'requester.name') return '/applicant/name';
  if (field === 'requester.email') return '/applicant/email';
  return field.startsWith('form.') ? `/formData/${field.slice('form.'.length).replaceAll('.', '/')}` : '';
}
