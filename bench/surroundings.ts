import { startBackoffices } from '../sandbox/backoffices.ts';
import { startIssuer } from '../sandbox/issuer.ts';
import { serveParent } from './parent.ts';

/* What stands around a hub: the cities' back offices, which let cases rest, and an issuer of access tokens. */
const backoffices = await startBackoffices({ processAfterMs: 24 * 3_600_000 });
const issuer = await startIssuer({ cities: [{ id: 'duesseldorf', name: 'Düsseldorf', ars: '051110000000' }] });

/** Environment that connects a hub to them. */
export type Surroundings = Record<string, string>;

const env: Surroundings = { ...backoffices.env, OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: 'staedtebund' };
serveParent(env, { token: (persona: string) => issuer.token(persona) }, async () => {
  await issuer.stop();
  await backoffices.close();
});
