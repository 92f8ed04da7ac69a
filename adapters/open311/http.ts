import { AdapterError, legalXml, parseJson, readText, retryAfterMs, type Call, type Host, type Json } from '#contract';
import type { Open311Config } from './config.ts';
import { toFieldProblems } from './mapping.ts';
import { at, fromXml, problemsOf, textOf } from './records.ts';

export interface Question {
  /** Below baseUrl, without the format; parts are encoded already. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Present for a new request. */
  readonly form?: URLSearchParams;
  /** True where requests are read, which are set aside one by one: see `Reading`. @default false */
  readonly lenient?: boolean;
}

/** Null where the server answers 404 or 410. */
export type Ask = (question: Question, call: Call) => Promise<Json>;

/*
 * What an answer means (GeoReport v2 lists the errors under each method):
 *
 *   2xx                 taken; without the format that was asked for, a page or proxy stands in front: misconfigured
 *   400                 refused, with texts for people in it; other 4xx as well
 *   401, 403            the key, the rights or the jurisdiction: misconfigured
 *   404, 410            not there: null
 *   408, 425, 429, 503 with Retry-After   later, nothing happened
 *   other 5xx           may come after the work: effect unknown for a new request
 */
export function createAsk(config: Open311Config, host: Host): Ask {
  const base = config.baseUrl.replace(/\/+$/, '');

  return async ({ path, query = {}, form, lenient = false }, call) => {
    const url = new URL(`${base}/${path}.${config.format}`);
    if (config.jurisdiction !== undefined && !form) url.searchParams.set('jurisdiction_id', config.jurisdiction);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const headers = new Headers({ accept: `application/${config.format}` });
    if (form) headers.set('content-type', 'application/x-www-form-urlencoded; charset=utf-8');
    const unsure = form ? 'unknown' : 'none';
    const response = await host.fetch(url, {
      method: form ? 'POST' : 'GET',
      headers,
      signal: call.signal,
      ...(form ? { body: form.toString() } : {}),
    });
    const { status } = response;
    if (status === 404 || status === 410) return null;
    if (status >= 200 && status < 300) return read(response, config.format, unsure, lenient);
    const asked = retryAfterMs(response, host.now());
    const pause = asked === undefined ? {} : { retryAfterMs: asked };
    if (status === 408 || status === 425 || status === 429 || (status === 503 && asked !== undefined))
      throw new AdapterError('retryable', 'none', `the server asks for a pause (${status})`, pause);
    if (status >= 500) throw new AdapterError('unavailable', unsure, `the server failed with ${status}`);
    if (status >= 300 && status < 400)
      throw new AdapterError('misconfigured', 'none', `the server redirects (${status}): is baseUrl complete, with its version?`);
    const said = await read(response, config.format, 'none').catch(() => null);
    const code = textOf(at(problemsOf(said)[0], '/code'));
    const evidence = code !== null && /^[\w.-]{1,20}$/.test(code) ? { evidence: `code ${code}` } : {};
    if (status === 401 || status === 403)
      throw new AdapterError('misconfigured', 'none', `apiKey or jurisdiction are not accepted (${status})`, evidence);
    const fields = toFieldProblems(said, config);
    throw new AdapterError('rejected', 'none', `the server refused the request (${status})`, {
      ...evidence,
      ...(Object.keys(fields).length > 0 ? { fields } : {}),
    });
  };
}

async function read(response: Response, format: 'json' | 'xml', effect: 'none' | 'unknown', lenient = false): Promise<Json> {
  const type = response.headers.get('content-type') ?? '';
  const text = await readText(response, effect, { lenient });
  if (!(format === 'json' ? /\b(json|javascript)\b/i : /\bxml\b/i).test(type) || /\bx?html\b/i.test(type))
    throw new AdapterError('misconfigured', effect, `it answers something else than ${format}: a page or a proxy in front?`);
  return format === 'xml' ? fromXml(lenient ? legalXml(text) : text, effect) : parseJson(text, effect, { lenient });
}
