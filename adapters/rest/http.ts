import { AdapterError, isJson, readJson, retryAfterMs, type Call, type Host, type Json } from '#contract';
import { createCredentials, notAccepted } from './auth.ts';
import type { RestConfig } from './config.ts';
import { toFieldProblems } from './mapping.ts';
import { reader, scalar } from './value.ts';

/** A body with its type, as it goes over the wire. */
export interface Content {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer> | string;
}

export interface Question {
  readonly method: string;
  /** Below baseUrl; or an address on the same host, as the back office gave it. */
  readonly path: string;
  readonly body?: Json;
  /** Instead of body: what is not JSON. */
  readonly content?: Content;
  /** The idempotency key, where it goes into a header. */
  readonly key?: string;
  /** True where cases are read, which are set aside one by one: see `Reading`. @default false */
  readonly lenient?: boolean;
}

export interface Reply {
  readonly status: number;
  /** What was asked, without credentials. */
  readonly url: string;
  readonly headers: Headers;
  readonly body: Json;
}

export type Ask = (question: Question, call: Call) => Promise<Reply>;

/*
 * What an answer means, for back offices that keep to HTTP:
 *
 *   2xx with JSON       taken, unless errors.when says it is an error; without a body it is null
 *   2xx without JSON    a login page or a proxy stands in front: misconfigured
 *   3xx                 the address is not the interface: misconfigured, nothing happened
 *   401                 with oauth2: once more with a new token; then, as 403: misconfigured, nothing happened
 *   404, 410            handed back: the caller knows what was asked for
 *   408, 425, 429       asks for a pause, nothing happened
 *   409 under a key     the same key is being worked on: its effect is unknown until it is asked again
 *   other 4xx           refused, nothing happened; with the fields to correct, where it names them; or not there, where errors.kinds says so
 *   503 + Retry-After   asks for a pause, nothing happened; any other 5xx may come after the work: effect unknown for a write
 */
export function createAsk(config: RestConfig, host: Host): Ask {
  const base = new URL(config.baseUrl);
  const credentials = createCredentials(config.auth, host);
  const keyHeader = typeof config.idempotency === 'object' && 'header' in config.idempotency ? config.idempotency.header : null;
  const [failed, code] = [reader(config.errors?.when), reader(config.errors?.code)];

  async function send(question: Question, address: URL, call: Call, again: boolean): Promise<Response> {
    const { method, body, key } = question;
    const headers = new Headers({ accept: config.mediaType, ...config.headers, ...config.secretHeaders });
    const content = question.content ?? (body === undefined ? null : { type: config.mediaType, bytes: JSON.stringify(body) });
    if (content) headers.set('content-type', content.type);
    if (key !== undefined && keyHeader) headers.set(keyHeader, key);
    const url = new URL(address);
    await credentials.apply(headers, url, call);
    const response = await host.fetch(url, { method, signal: call.signal, headers, ...(content ? { body: content.bytes } : {}) });
    return response.status === 401 && again && credentials.renew?.(headers) ? send(question, address, call, false) : response;
  }

  /** Null: the code says that what was asked for is not there. */
  async function refused(status: number, body: Json, unsure: 'none' | 'unknown'): Promise<AdapterError | null> {
    const said = scalar(await code(body));
    const stated = (said === null ? undefined : config.errors?.kinds?.[said]) ?? 'rejected';
    if (stated === 'missing') return null;
    const fields = await toFieldProblems(body, config);
    const words = stated === 'misconfigured' ? 'the back office refuses the hub itself' : 'the back office refused';
    // A back office that says it broke does not say when: it may have been after the work.
    return new AdapterError(stated, stated === 'unavailable' ? unsure : 'none', `${words} (${status})`, {
      ...(Object.keys(fields).length > 0 && stated === 'rejected' ? { fields } : {}),
      ...(said !== null && /^[\w.:-]{1,60}$/.test(said) ? { evidence: `code ${said}` } : {}),
    });
  }

  return async (question, call) => {
    const { method, key, lenient = false } = question;
    const address = addressOf(base, question.path);
    const response = await send(question, address, call, true);
    const { status, headers } = response;
    const unsure = method === 'GET' ? 'none' : 'unknown';
    const missing: Reply = { status: 404, url: address.href, headers, body: null };
    const orRefuse = (refusal: AdapterError | null): Reply => {
      if (refusal) throw refusal;
      return missing;
    };
    if (status === 404 || status === 410) return missing;
    if (status >= 200 && status < 300) {
      const body = await readJson(response, unsure, { lenient });
      const refusal = await readAfter(unsure, async () => (holds(await failed(body)) ? { is: await refused(status, body, unsure) } : null));
      if (refusal) return orRefuse(refusal.is);
      return { status, url: address.href, headers, body };
    }
    const asked = retryAfterMs(response, host.now());
    const pause = asked === undefined ? {} : { retryAfterMs: asked };
    if (status === 429 || status === 408 || status === 425 || (status === 503 && asked !== undefined))
      throw new AdapterError('retryable', 'none', `the back office asks for a pause (${status})`, pause);
    if (status >= 500) throw new AdapterError('unavailable', unsure, `the back office failed with ${status}`);
    if (status === 401 || status === 403) throw notAccepted(status);
    if (status >= 300 && status < 400)
      throw new AdapterError('misconfigured', 'none', `the back office redirects (${status}): is baseUrl complete?`);
    if (status === 409 && key !== undefined && keyHeader)
      throw new AdapterError('retryable', 'unknown', 'the same key is being worked on', pause);
    return orRefuse(await refused(status, isJson(response) ? await readJson(response, 'none').catch(() => null) : null, unsure));
  };
}

/** Reads what an answer says after the work. Where that fails, as an expression of the config may, it does not mean that nothing was done. */
export async function readAfter<T>(effect: 'none' | 'unknown', read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AdapterError) || error.effect === effect) throw error;
    const { kind, message, evidence } = error;
    throw new AdapterError(kind, effect, message, { cause: error, ...(evidence === undefined ? {} : { evidence }) });
  }
}

/** @throws AdapterError misconfigured where an address that the back office gave leads to another host. */
function addressOf(base: URL, path: string): URL {
  const url = new URL(path.startsWith('/') ? base.href.replace(/\/+$/, '') + path : path);
  if (url.origin === base.origin) return url;
  throw new AdapterError(
    'misconfigured',
    'none',
    'the next page is on another host, where the credentials do not belong: it was not asked',
  );
}

/** What `errors.when` finds counts as an error unless it is false, null, 0 or empty. */
const holds = (value: Json | undefined): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value));
