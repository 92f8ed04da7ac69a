import { randomUUID } from 'node:crypto';
import { fitConnectSimulated, problem, type ServiceAnswer, type ServiceRequest } from './simulated-world.ts';

export type Role = 'sender' | 'subscriber';

export interface TokenOptions {
  readonly now: () => Date;
  /** How long a token holds, in seconds. @default 1800 */
  readonly tokenSeconds?: number;
  /** Requests per minute and client before 429. @default 10000 */
  readonly perMinute?: number;
}

/** What a request with a token may do, and the rate limit headers of its answer; or how it is turned away. */
type Admission = { readonly role: Role; readonly limits: Readonly<Record<string, string>> } | { readonly refused: ServiceAnswer };

/** The authorisation server: client credentials in the body, opaque tokens that end, a rate limit per client. */
export function createTokens({ now, tokenSeconds = 1800, perMinute = 10_000 }: TokenOptions) {
  const { sender, subscriber } = fitConnectSimulated;
  const clients = { sender, subscriber };
  const tokens = new Map<string, { readonly role: Role; readonly until: number }>();
  const used = new Map<string, number>();

  function give({ text }: ServiceRequest): ServiceAnswer {
    const form = new URLSearchParams(text);
    const [id, secret] = [form.get('client_id'), form.get('client_secret')];
    const role = (['sender', 'subscriber'] as const).find((one) => clients[one].clientId === id && clients[one].clientSecret === secret);
    if (form.get('grant_type') !== 'client_credentials') return { status: 400, body: { error: 'unsupported_grant_type' } };
    if (!role) return { status: 401, body: { error: 'invalid_client' } };
    const access_token = randomUUID();
    tokens.set(access_token, { role, until: now().getTime() + tokenSeconds * 1000 });
    const scope = `https://schema.fitko.de/fit-connect/oauth/scopes/${role === 'sender' ? 'send-submissions' : 'subscribe-destinations'}`;
    return { status: 200, body: { access_token, token_type: 'Bearer', expires_in: tokenSeconds, scope } };
  }

  function admit({ headers }: ServiceRequest): Admission {
    const bearer = /^Bearer (.+)$/.exec(headers.get('authorization') ?? '')?.[1] ?? '';
    const token = tokens.get(bearer);
    if (!token || token.until <= now().getTime()) return { refused: problem(401, 'unauthorized', 'The token is not valid') };
    const minute = `${token.role} ${Math.floor(now().getTime() / 60_000)}`;
    const count = (used.get(minute) ?? 0) + 1;
    used.set(minute, count);
    const remaining = String(Math.max(0, perMinute - count));
    const limits = { 'ratelimit-limit': String(perMinute), 'ratelimit-remaining': remaining, 'ratelimit-reset': '60' };
    if (count <= perMinute) return { role: token.role, limits };
    return { refused: { ...problem(429, 'rate-limit', 'Too many requests'), headers: { ...limits, 'retry-after': '1' } } };
  }

  return { give, admit, revoke: (): void => tokens.clear() };
}
