import type { CryptoKey, JWK } from 'jose';
import { AdapterError, type Call } from '#contract';
import type { Ask } from './http.ts';
import { importEncryptionKey, importVerificationKey, type DestinationKey } from './seal.ts';

type Signal = Pick<Call, 'signal'>;

/** A destination (Zustellpunkt) as the delivery service describes it; what the adapter does not use is left out. */
export interface Destination {
  readonly status: string;
  readonly encryptionKid: string;
  readonly publicServices: readonly PublicService[];
}

export interface PublicService {
  readonly identifier: string;
  readonly submissionSchemas?: readonly { readonly schemaUri: string; readonly mimeType: string }[];
  readonly regions?: readonly string[];
}

/** URIs of the JSON schemas that a destination takes for a service. */
export const jsonSchemas = ({ submissionSchemas = [] }: PublicService): readonly string[] =>
  submissionSchemas.filter(({ mimeType }) => mimeType === 'application/json').map(({ schemaUri }) => schemaUri);

/** Destinations and keys, remembered for some minutes: they change rarely, and a key that changed is asked for by its new id. */
export interface Directory {
  /** @throws AdapterError misconfigured where there is none. With `fresh` it is asked for now. */
  destination(id: string, call: Signal, fresh?: 'fresh'): Promise<Destination>;
  encryptionKey(id: string, kid: string, call: Signal): Promise<DestinationKey>;
  /** Key that the destination's events are verified with. */
  signingKey(id: string, kid: string, call: Signal): Promise<CryptoKey>;
  /** Key that the delivery service's events are verified with. */
  serviceKey(kid: string, call: Signal): Promise<CryptoKey>;
  /** How many usable keys the delivery service publishes. */
  countServiceKeys(call: Signal): Promise<number>;
  forget(): void;
}

const REMEMBER_MS = 5 * 60_000;
/** An unknown key makes the directory look again, but not more often than this: events with made-up keys must not become requests. */
const LOOK_AGAIN_MS = 30_000;
const MOST_REMEMBERED = 500;

export function createDirectory(ask: Ask, now: () => Date): Directory {
  const remembered = new Map<string, { readonly value: unknown; readonly until: number }>();
  let jwksAt = Number.NEGATIVE_INFINITY;

  async function once<T>(name: string, find: () => Promise<T>): Promise<T> {
    const known = remembered.get(name);
    if (known && now().getTime() < known.until) return known.value as T;
    const value = await find();
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(name, { value, until: now().getTime() + REMEMBER_MS });
    return value;
  }

  async function findKey(id: string, kid: string, call: Signal): Promise<JWK> {
    const { status, body } = await ask({ method: 'GET', path: `/v2/destinations/${id}/keys/${encodeURIComponent(kid)}` }, call);
    if (status !== 200) throw new AdapterError('misconfigured', 'none', 'the destination does not have the key it is said to have');
    const jwk = body as JWK | null;
    if (jwk === null || typeof jwk !== 'object' || jwk.kid !== kid)
      throw new AdapterError('malformed', 'none', 'the key of the destination does not look like one');
    return jwk;
  }

  async function readServiceKeys(call: Signal): Promise<number> {
    const { status, body } = await ask({ method: 'GET', path: '/.well-known/jwks.json' }, call);
    const keys = (body as { keys?: unknown } | null)?.keys;
    if (status !== 200 || !Array.isArray(keys)) throw new AdapterError('malformed', 'none', 'there are no keys under submissionUrl');
    jwksAt = now().getTime();
    // A key that is refused is as good as absent: an event signed with it is not believed.
    const usable = await Promise.allSettled(
      (keys as JWK[]).map((jwk) => once(`service key ${jwk?.kid}`, async () => (await importVerificationKey(jwk)).key)),
    );
    return usable.filter(({ status: outcome }) => outcome === 'fulfilled').length;
  }

  return {
    async destination(id, call, fresh) {
      if (fresh) remembered.delete(`destination ${id}`);
      return once(`destination ${id}`, async () => {
        const { status, body } = await ask({ method: 'GET', path: `/v2/destinations/${id}` }, call);
        if (status !== 200)
          throw new AdapterError(
            'misconfigured',
            'none',
            `FIT-Connect knows no destination ${id}: check config.destination and submissionUrl`,
          );
        const found = body as Partial<Destination> | null;
        const services = found?.publicServices;
        if (
          typeof found?.status !== 'string' ||
          typeof found.encryptionKid !== 'string' ||
          !Array.isArray(services) ||
          !services.every(isService)
        )
          throw new AdapterError('malformed', 'none', 'the destination does not look like one of FIT-Connect');
        return found as Destination;
      });
    },
    encryptionKey: (id, kid, call) => once(`key ${id} ${kid}`, async () => importEncryptionKey(await findKey(id, kid, call))),
    signingKey: (id, kid, call) =>
      once(`signing key ${id} ${kid}`, async () => (await importVerificationKey(await findKey(id, kid, call))).key),
    async serviceKey(kid, call) {
      const known = remembered.get(`service key ${kid}`);
      if (known && now().getTime() < known.until) return known.value as CryptoKey;
      const unknown = new AdapterError(
        'malformed',
        'none',
        'an event of the case is signed with a key the delivery service does not publish',
      );
      if (now().getTime() - jwksAt < LOOK_AGAIN_MS) throw unknown;
      await readServiceKeys(call);
      const found = remembered.get(`service key ${kid}`);
      if (!found) throw unknown;
      return found.value as CryptoKey;
    },
    countServiceKeys: readServiceKeys,
    forget() {
      remembered.clear();
      jwksAt = Number.NEGATIVE_INFINITY;
    },
  };
}

const isService = (value: unknown): boolean => {
  const service = value as Partial<PublicService> | null;
  const schemas = service?.submissionSchemas ?? [];
  const regions = service?.regions ?? [];
  return (
    typeof service?.identifier === 'string' &&
    Array.isArray(schemas) &&
    schemas.every((schema) => typeof schema?.schemaUri === 'string' && typeof schema.mimeType === 'string') &&
    Array.isArray(regions) &&
    regions.every((region) => typeof region === 'string')
  );
};
