import { AdapterError, retryAfterMs, type Call, type Host } from '#contract';

/** A file or page of the source, whatever its status. */
export const get = (url: URL, headers: Readonly<Record<string, string>>, host: Host, call: Call): Promise<Response> =>
  host.fetch(url, { signal: call.signal, headers });

/** @throws AdapterError misconfigured where a page for people comes instead */
export function notAPage(response: Response, url: URL): void {
  if (/^text\/html\b/i.test(response.headers.get('content-type') ?? ''))
    throw new AdapterError('misconfigured', 'none', `${url.pathname} answers a page instead of the export: a login page or proxy?`);
}

/** What a status other than 200 means. */
export function failure(response: Response, url: URL, now: Date): AdapterError {
  const { status } = response;
  const asked = retryAfterMs(response, now);
  const pause = asked === undefined ? {} : { retryAfterMs: asked };
  if (status === 429 || status === 408 || (status === 503 && asked !== undefined))
    return new AdapterError('retryable', 'none', `the source asks for a pause (${status})`, pause);
  if (status >= 500) return new AdapterError('unavailable', 'none', `the source failed with ${status}`);
  if (status === 401 || status === 403)
    return new AdapterError('misconfigured', 'none', `the source does not accept the credentials (${status})`);
  return new AdapterError('misconfigured', 'none', `there is no file under ${url.pathname} (${status}): check the address in the config`);
}
