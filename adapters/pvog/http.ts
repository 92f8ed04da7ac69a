import { setTimeout as sleep } from 'node:timers/promises';
import { AdapterError, isJson, readJson, retryAfterMs, type Call, type Host, type Json } from '#contract';
import type { PvogConfig } from './config.ts';

/** Asks the search service; the answer's JSON. */
export type Ask = (path: string, query: Readonly<Record<string, string>>, call: Call) => Promise<Json>;

/** How often one question is asked again after a pause it was told to make. */
const MOST_PAUSES = 3;
/** A pause that the service asks for without saying how long, in milliseconds. */
const OWN_PAUSE_MS = 2_000;

/**
 * One request after the other with the configured pause between them. 429, and 503 with Retry-After, are waited out here,
 * since a listing that begins anew asks everything again; a pause that does not fit before the deadline ends the call as
 * retryable with that pause.
 */
export function createAsk({ baseUrl, clientId, pauseMs }: PvogConfig, host: Host): Ask {
  const base = baseUrl.replace(/\/+$/, '');
  let last = Promise.resolve();

  const inTurn = (call: Call): Promise<void> => {
    const turn = last.then(() => pause(pauseMs, call));
    // The next one waits for the pause, not for its failure.
    last = turn.catch(() => {});
    return turn;
  };

  return async (path, query, call) => {
    for (let pauses = 0; ; pauses++) {
      await inTurn(call);
      const response = await host.fetch(`${base}${path}?${new URLSearchParams(query)}`, {
        signal: call.signal,
        headers: { accept: 'application/json', 'accept-language': 'de', 'pvog-sud-api-client-id': clientId },
      });
      const { status } = response;
      if (status === 200) return parse(response, path);
      const asked = retryAfterMs(response, host.now());
      if (status !== 429 && !(status === 503 && asked !== undefined)) throw failure(status, path);
      const ms = asked ?? OWN_PAUSE_MS;
      if (pauses >= MOST_PAUSES || host.now().getTime() + ms >= call.deadline.getTime())
        throw new AdapterError('retryable', 'none', `PVOG asks for a pause (${status})`, { retryAfterMs: ms });
      await pause(ms, call);
    }
  };
}

/** Ends with the call. */
const pause = (ms: number, { signal }: Call): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => {
    throw new AdapterError('retryable', 'none', 'the call ended in a pause between two questions', { retryAfterMs: ms });
  });

function failure(status: number, path: string): AdapterError {
  if (status >= 500) return new AdapterError('unavailable', 'none', `PVOG failed with ${status}`);
  if (status === 408) return new AdapterError('retryable', 'none', 'PVOG was too slow for itself (408)');
  if (status === 401 || status === 403) return new AdapterError('misconfigured', 'none', `PVOG does not accept the clientId (${status})`);
  if (status === 404 || status === 410)
    return new AdapterError(
      'misconfigured',
      'none',
      `PVOG does not know ${path} (${status}): check baseUrl, or the service has a new version`,
    );
  if (status >= 300 && status < 400) return new AdapterError('misconfigured', 'none', `PVOG redirects (${status}): is baseUrl current?`);
  return new AdapterError('rejected', 'none', `PVOG refused ${path} (${status})`);
}

async function parse(response: Response, path: string): Promise<Json> {
  if (!isJson(response)) throw new AdapterError('misconfigured', 'none', `${path} answers a page instead of JSON: a proxy in front?`);
  return readJson(response);
}
