import { AdapterError, isJson, readJson, readText, retryAfterMs, type Call, type Host, type Json } from '#contract';

/** The same failure with another effect. */
export const withEffect = (error: AdapterError, effect: 'none' | 'unknown'): AdapterError =>
  new AdapterError(error.kind, effect, error.message, {
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    cause: error,
  });

/** Whose access it is: a sender's client or, on the city's side, a subscriber's. */
export interface Access {
  readonly tokenUrl: string;
  readonly submissionUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Below submissionUrl, for example `/v2/submissions`. */
  readonly path: string;
  readonly json?: Json;
  /** A compact JWE or JWS, sent as `application/jose`. */
  readonly jose?: string;
  /** `jose`: the answer is a compact JWE, handed back as text. @default JSON */
  readonly takes?: 'jose';
}

/** `problem` is the last part of the type of a problem document (RFC 7807), for example `submission-not-found`. */
export interface Reply {
  readonly status: number;
  readonly body: Json;
  readonly problem?: string;
}

export type Ask = (question: Question, call: Pick<Call, 'signal'>) => Promise<Reply>;

/** FIT-Connect turns away requests that do not say who asks (403). */
export const USER_AGENT = 'staedtebund-fit-connect/1.0.0';

const PROBLEMS = /^https:\/\/schema\.fitko\.de\/fit-connect\/submission-api\/problems\/([a-z0-9-]{1,60})$/;
/** A token is replaced this long before it ends, so that none ends on its way. */
const TOKEN_MARGIN_MS = 30_000;

/*
 * What an answer means:
 *
 *   2xx with JSON or 204   taken
 *   2xx without JSON       a login page or a proxy stands in front: misconfigured
 *   3xx                    not the interface itself: misconfigured, nothing happened
 *   400, 422               refused, nothing happened
 *   401                    the token is thrown away and the request made once more; again: misconfigured
 *   403                    rights: misconfigured, nothing happened
 *   404, 409, 410          handed back with their problem: the caller knows what was asked for
 *   429                    asks for a pause, nothing happened; so does 503 with Retry-After
 *   other 5xx              may come after the work: effect unknown for a write
 */
export function createAsk(access: Access, { fetch, now }: Pick<Host, 'fetch' | 'now'>): Ask {
  const base = access.submissionUrl.replace(/\/+$/, '');
  let token: { readonly text: string; readonly until: number } | null = null;

  async function authorise(call: Pick<Call, 'signal'>): Promise<string> {
    if (token && now().getTime() < token.until) return token.text;
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: access.clientId,
      client_secret: access.clientSecret,
    });
    const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', 'user-agent': USER_AGENT };
    const response = await send(access.tokenUrl, { method: 'POST', headers, body: body.toString(), signal: call.signal }, 'none');
    if (response.status === 400 || response.status === 401)
      throw new AdapterError('misconfigured', 'none', 'clientId and clientSecret are not accepted under tokenUrl');
    refuseFailures(response, 'none', now());
    if (response.status === 404) throw new AdapterError('misconfigured', 'none', 'there are no tokens under tokenUrl');
    const answer = (await readJson(response)) as { access_token?: unknown; expires_in?: unknown } | null;
    if (typeof answer?.access_token !== 'string')
      throw new AdapterError('malformed', 'none', 'the answer of tokenUrl holds no access_token');
    const seconds = typeof answer.expires_in === 'number' ? answer.expires_in : 300;
    token = { text: answer.access_token, until: now().getTime() + Math.max(seconds * 500, seconds * 1000 - TOKEN_MARGIN_MS) };
    return token.text;
  }

  /** As fetch, but a request whose failure leaves nothing that counts says so. */
  async function send(url: string, init: RequestInit, unsure: 'none' | 'unknown'): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (error) {
      if (!(error instanceof AdapterError) || error.effect === unsure || error.effect === 'none') throw error;
      throw withEffect(error, unsure);
    }
  }

  return async ({ method, path, json, jose, takes }, call) => {
    const unsure = method === 'GET' ? 'none' : 'unknown';
    const once = async (): Promise<Response> => {
      const headers = new Headers({
        accept: takes ? 'application/jose, application/problem+json' : 'application/json, application/problem+json',
        'user-agent': USER_AGENT,
        authorization: `Bearer ${await authorise(call)}`,
      });
      const body = jose ?? (json === undefined ? undefined : JSON.stringify(json));
      if (body !== undefined) headers.set('content-type', jose === undefined ? 'application/json' : 'application/jose');
      return send(base + path, { method, headers, signal: call.signal, ...(body === undefined ? {} : { body }) }, unsure);
    };
    let response = await once();
    if (response.status === 401) {
      token = null;
      response = await once();
    }
    const { status } = response;
    refuseFailures(response, unsure, now());
    if (status === 204) return { status, body: null };
    if (status < 300)
      return { status, body: takes && isJose(response) ? await readText(response, unsure) : await readJson(response, unsure) };
    const problem = await problemOf(response);
    if (status === 404 || status === 409 || status === 410) return { status, body: null, ...(problem === undefined ? {} : { problem }) };
    throw new AdapterError('rejected', 'none', `FIT-Connect refused (${status}${problem === undefined ? '' : `, ${problem}`})`);
  };
}

function refuseFailures(response: Response, unsure: 'none' | 'unknown', now: Date): void {
  const { status } = response;
  const asked = retryAfterMs(response, now);
  const pause = asked === undefined ? {} : { retryAfterMs: asked };
  if (status === 429) throw new AdapterError('retryable', 'none', 'FIT-Connect asks for a pause: its rate limit is reached', pause);
  if (status === 503 && asked !== undefined) throw new AdapterError('retryable', 'none', 'FIT-Connect is under maintenance', pause);
  if (status >= 500) throw new AdapterError('unavailable', unsure, `FIT-Connect failed with ${status}`);
  if (status === 401) throw new AdapterError('misconfigured', 'none', 'FIT-Connect does not accept the token it was given');
  if (status === 403)
    throw new AdapterError('misconfigured', 'none', 'the client lacks rights: connect it to the destination in the self-service portal');
  if (status >= 300 && status < 400) throw new AdapterError('misconfigured', 'none', 'FIT-Connect redirects: is the address complete?');
}

const isJose = (response: Response): boolean => /^application\/jose\b/i.test(response.headers.get('content-type') ?? '');

/** Only the type: title, detail and instance of a problem may quote what was sent. */
async function problemOf(response: Response): Promise<string | undefined> {
  if (!isJson(response)) return undefined;
  const body = (await readJson(response).catch(() => null)) as { type?: unknown } | null;
  return typeof body?.type === 'string' ? PROBLEMS.exec(body.type)?.[1] : undefined;
}
