import { AdapterError, readJson, type Call, type Host, type Json } from '#contract';
import type { OAuth } from './config.ts';
import { at } from './pointer.ts';

/** Life of a token whose answer does not say, in seconds. */
const DEFAULT_LIFE = 300;
/** A token is renewed before it ends: by a tenth of its life, at most this, in milliseconds. */
const LONGEST_MARGIN = 60_000;

export interface Tokens {
  get(call: Call): Promise<string>;
  /** Where it is still the current one, the next `get` asks anew. */
  forget(token: string): void;
}

/**
 * Access tokens by client credentials (RFC 6749, 4.4), kept until shortly before they end. One request at a time: whoever
 * needs a token meanwhile waits for it, and asks for itself only where the asking call was given up. Nothing that goes wrong
 * here has an effect: the request proper was not sent yet.
 */
export function createTokens(auth: OAuth, host: Host): Tokens {
  let current: { token: string; until: number } | null = null;
  let asking: { readonly token: Promise<string>; readonly signal: AbortSignal } | null = null;

  async function ask(call: Call): Promise<string> {
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (auth.scope !== undefined) form.set('scope', auth.scope);
    if (auth.audience !== undefined) form.set('audience', auth.audience);
    const headers = new Headers({ accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' });
    if (auth.clientAuth === 'post') {
      form.set('client_id', auth.clientId);
      form.set('client_secret', auth.secret);
    } else {
      // RFC 6749, 2.3.1: both parts are form-encoded first.
      const pair = [auth.clientId, auth.secret].map((part) => new URLSearchParams({ part }).toString().slice('part='.length));
      headers.set('authorization', `Basic ${Buffer.from(pair.join(':')).toString('base64')}`);
    }
    const response = await host
      .fetch(auth.tokenUrl, { method: 'POST', headers, body: form.toString(), signal: call.signal })
      .catch((error: unknown) => {
        throw error instanceof AdapterError ? new AdapterError(error.kind, 'none', `no token: ${error.message}`, { cause: error }) : error;
      });
    const answer = await readJson(response).catch(() => null);
    if (!response.ok) throw refused(response, answer);
    const token = at(answer, '/access_token');
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
      throw new AdapterError('misconfigured', 'none', 'auth.tokenUrl answers without an access_token: is it the token endpoint?');
    const seconds = Number(at(answer, '/expires_in') ?? DEFAULT_LIFE);
    const life = (Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_LIFE) * 1000;
    current = { token, until: host.now().getTime() + life - Math.min(LONGEST_MARGIN, life / 10) };
    return token;
  }

  return {
    async get(call) {
      for (;;) {
        if (current && host.now().getTime() < current.until) return current.token;
        const shared = asking;
        if (!shared) {
          const own = { token: ask(call).finally(() => asking === own && (asking = null)), signal: call.signal };
          asking = own;
          return own.token;
        }
        const waited = shared.token.then(
          (token) => ({ token }),
          (error: unknown) => ({ error }),
        );
        const found = await Promise.race([waited, aborted(call.signal)]);
        if ('token' in found) return found.token;
        if (call.signal.aborted) throw new AdapterError('unavailable', 'none', 'the call ended while it waited for a token');
        // Where the asking call was merely given up, this one asks for itself.
        if (!shared.signal.aborted) throw found.error;
      }
    },
    forget(token) {
      if (current?.token === token) current = null;
    },
  };
}

const aborted = (signal: AbortSignal): Promise<{ error: unknown }> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve({ error: signal.reason });
    signal.addEventListener('abort', () => resolve({ error: signal.reason }), { once: true });
  });

function refused({ status }: Response, answer: Json): AdapterError {
  const code = at(answer, '/error');
  const words = typeof code === 'string' && /^[a-z_]{1,40}$/.test(code) ? `${status} ${code}` : String(status);
  if (status === 429 || status === 408) return new AdapterError('retryable', 'none', `the token endpoint asks for a pause (${words})`);
  if (status >= 500) return new AdapterError('unavailable', 'none', `the token endpoint failed (${words})`);
  return new AdapterError(
    'misconfigured',
    'none',
    `the token endpoint does not accept the client (${words}): check auth in the city's file`,
  );
}
