import { AdapterError, type Call, type Host } from '#contract';
import type { RestConfig } from './config.ts';
import { createTokens } from './tokens.ts';

/** How a request proves who sends it. */
export interface Credentials {
  /** Adds what proves it to a request's headers or, where the back office will have it so, to its address. */
  apply(headers: Headers, url: URL, call: Call): Promise<void>;
  /** After a 401: true where another try with a new token may help. */
  renew?(headers: Headers): boolean;
}

export function createCredentials(auth: RestConfig['auth'], host: Host): Credentials {
  if (auth === 'none') return { apply: async () => {} };
  if ('query' in auth) return { apply: async (_, url) => url.searchParams.set(auth.query, auth.secret) };
  if ('header' in auth) return fixed(auth.header, auth.secret);
  if (auth.scheme === 'bearer') return fixed('authorization', `Bearer ${auth.secret}`);
  if (auth.scheme === 'basic') return fixed('authorization', `Basic ${base64(`${auth.user}:${auth.secret}`)}`);
  const tokens = createTokens(auth, host);
  return {
    apply: async (headers, _, call) => headers.set('authorization', `Bearer ${await tokens.get(call)}`),
    renew(headers) {
      const used = headers.get('authorization')?.replace(/^Bearer /, '');
      if (used !== undefined) tokens.forget(used);
      return true;
    },
  };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const fixed = (name: string, value: string): Credentials => ({ apply: async (headers) => headers.set(name, value) });

/** What a `401` or `403` means once nothing helped. */
export const notAccepted = (status: number): AdapterError =>
  new AdapterError('misconfigured', 'none', `the credentials or rights are not accepted (${status}): check auth in the city's file`);
