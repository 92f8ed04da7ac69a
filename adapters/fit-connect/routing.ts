import { compactVerify, decodeProtectedHeader, type JWK } from 'jose';
import { z } from 'zod';
import { AdapterError, decodeText, readJson, type Call, type Host, type Json } from '#contract';
import type { FitConnectConfig } from './config.ts';
import { USER_AGENT } from './http.ts';
import { leikaUrn } from './mapping.ts';
import { importVerificationKey } from './seal.ts';

type Signal = Pick<Call, 'signal'>;

export interface Routing {
  /** The destination for a service in a municipality. @throws AdapterError misconfigured where there is none, or none to be believed. */
  find(leikaKey: string, ars: string, call: Signal): Promise<string>;
  /** Whether the routing API and the keys answer: null, or what is wrong. */
  check(call: Signal): Promise<string | null>;
}

const REMEMBER_MS = 5 * 60_000;
const REGION = /^urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:rs:(\d{2,12})$/;

const signedShape = z.object({
  submissionHost: z.string(),
  destinationId: z.string(),
  services: z.array(z.object({ gebietIDs: z.array(z.string()), leistungIDs: z.array(z.string()) })),
});

/*
 * Routes are asked for the municipality first, then for the regions above it (12, 9, 5, 3, 2 digits). The list itself comes
 * unsigned; what binds a destination to a service, a region and a delivery service is `destinationSignature`, and only that
 * is believed. Otherwise whoever can change the list gets the applications.
 */
export function createRouting(routing: NonNullable<FitConnectConfig['routing']>, submissionUrl: string, host: Host): Routing {
  const base = routing.baseUrl.replace(/\/+$/, '');
  const submissionHost = routing.submissionHost ?? new URL(submissionUrl).host;
  const found = new Map<string, { readonly id: string; readonly until: number }>();

  async function get(url: string, call: Signal): Promise<Json> {
    const response = await host.fetch(url, { signal: call.signal, headers: { accept: 'application/json', 'user-agent': USER_AGENT } });
    const { status } = response;
    if (status === 404) return null;
    if (status === 429) throw new AdapterError('retryable', 'none', 'the routing API asks for a pause');
    if (status >= 500) throw new AdapterError('unavailable', 'none', `the routing API failed with ${status}`);
    if (status !== 200) throw new AdapterError('misconfigured', 'none', `the routing API answers ${status}: check config.routing`);
    return readJson(response);
  }

  async function verify(signature: string, destinationId: string, leikaKey: string, ars: string, call: Signal): Promise<void> {
    const refuse = (why: string) => new AdapterError('misconfigured', 'none', `the destination found by routing is not believed: ${why}`);
    let header: { alg?: unknown; typ?: unknown; kid?: unknown };
    try {
      header = decodeProtectedHeader(signature);
    } catch {
      throw refuse('its signature is not a token');
    }
    if (header.alg !== 'PS512' || header.typ !== 'jwt') throw refuse('its signature is not of type jwt with PS512');
    const keys = ((await get(routing.keysUrl, call)) as { keys?: readonly JWK[] } | null)?.keys;
    const jwk = Array.isArray(keys) ? (keys as JWK[]).find(({ kid }) => kid === header.kid) : undefined;
    if (!jwk) throw refuse('config.routing.keysUrl does not publish the key it is signed with');
    const { key } = await importVerificationKey(jwk);
    const { payload } = await compactVerify(signature, key, { algorithms: ['PS512'] }).catch(() => {
      throw refuse('its signature does not hold');
    });
    const signed = signedShape.safeParse(parse(payload));
    if (!signed.success) throw refuse('what is signed does not describe a destination');
    if (signed.data.destinationId !== destinationId) throw refuse('the signature is of another destination');
    if (signed.data.submissionHost !== submissionHost) throw refuse(`it is signed for another delivery service than ${submissionHost}`);
    const covers = signed.data.services.some(
      ({ gebietIDs, leistungIDs }) =>
        leistungIDs.includes(leikaUrn(leikaKey)) && gebietIDs.some((urn) => ars.startsWith(REGION.exec(urn)?.[1] ?? '-')),
    );
    if (!covers) throw refuse(`it is not signed for ${leikaKey} in ${ars}`);
  }

  async function find(leikaKey: string, ars: string, call: Signal): Promise<string> {
    const name = `${leikaKey} ${ars}`;
    const known = found.get(name);
    if (known && host.now().getTime() < known.until) return known.id;
    for (const digits of [12, 9, 5, 3, 2]) {
      const query = new URLSearchParams({ leikaKey, ars: ars.slice(0, digits), offset: '0', limit: '100' });
      const routes = ((await get(`${base}/routes?${query}`, call)) as { routes?: unknown } | null)?.routes ?? [];
      if (!Array.isArray(routes)) throw new AdapterError('malformed', 'none', 'the routing API’s answer has no routes');
      if (routes.length === 0) continue;
      const [{ destinationId, destinationSignature } = {}] = routes as { destinationId?: unknown; destinationSignature?: unknown }[];
      if (routes.length > 1)
        throw new AdapterError(
          'misconfigured',
          'none',
          `${routes.length} destinations take ${leikaKey} in ${ars}: choose one as config.destination`,
        );
      if (typeof destinationId !== 'string' || typeof destinationSignature !== 'string')
        throw new AdapterError('malformed', 'none', 'a route lacks its destination or signature');
      await verify(destinationSignature, destinationId, leikaKey, ars, call);
      const id = destinationId.toLowerCase();
      found.set(name, { id, until: host.now().getTime() + REMEMBER_MS });
      return id;
    }
    throw new AdapterError('misconfigured', 'none', `the routing API knows no destination for ${leikaKey} in ${ars}`);
  }

  return {
    find,
    async check(call) {
      const version = ((await get(`${base}/info`, call)) as { version?: unknown } | null)?.version;
      if (version === undefined) return 'config.routing.baseUrl: there is no routing API';
      const keys = ((await get(routing.keysUrl, call)) as { keys?: unknown } | null)?.keys;
      return Array.isArray(keys) && keys.length > 0 ? null : 'config.routing.keysUrl: there are no keys';
    },
  };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeText(bytes));
  } catch {
    return null;
  }
}
