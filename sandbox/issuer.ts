import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** A made-up person or system of the sandbox and what its tokens say. */
export interface Persona {
  readonly name: string;
  readonly text: string;
  readonly claims: { readonly roles: readonly string[]; readonly acr?: string; readonly ars?: string };
}

/** How the sandbox's issuer runs. */
export interface IssuerOptions {
  /** @default 0, any free port */
  readonly port?: number;
  /** Address to listen on; `0.0.0.0` where the sandbox runs in a container. Tokens name 127.0.0.1 either way. @default 127.0.0.1 */
  readonly host?: string;
  /** Its name, which tokens carry in `iss`. A name that stays lets persons stay the same at any port. @default its address */
  readonly name?: string;
  /** What tokens carry in `aud`. @default 'staedtebund' */
  readonly audience?: string;
  /** Cities that get a clerk, `clerk-<id>`. */
  readonly cities?: readonly { readonly id: string; readonly ars: string; readonly name: string }[];
  /** How long a token holds, in seconds. @default 3600 */
  readonly lifetimeSeconds?: number;
}

/** A running issuer. */
export interface Issuer {
  /** Its address. */
  readonly url: string;
  /** What its tokens carry in `iss`. */
  readonly name: string;
  /** Where its keys are. */
  readonly jwksUrl: string;
  readonly personas: readonly Persona[];
  /** A signed access token. @param lifetimeSeconds @default that of the issuer */
  token(persona: string, lifetimeSeconds?: number): Promise<string>;
  /** How a person gets a token, for the console. */
  readonly hint: string;
  stop(): Promise<void>;
}

const substantial = 'http://eidas.europa.eu/LoA/substantial';
const high = 'http://eidas.europa.eu/LoA/high';

const personasFor = (cities: NonNullable<IssuerOptions['cities']>): Persona[] => [
  { name: 'citizen', text: 'Erika Mustermann, assurance level substantial', claims: { roles: ['citizen'], acr: substantial } },
  { name: 'citizen2', text: 'Max Mustermann, assurance level substantial', claims: { roles: ['citizen'], acr: substantial } },
  { name: 'citizen-low', text: 'someone with a password only', claims: { roles: ['citizen'], acr: 'low' } },
  {
    name: 'citizen-eid',
    text: 'Erika Mustermann with the online identity card, assurance level high',
    claims: { roles: ['citizen'], acr: high },
  },
  { name: 'portal', text: 'a portal that acts for citizens', claims: { roles: ['portal'], acr: substantial } },
  { name: 'state', text: "a state's reporting", claims: { roles: ['state'] } },
  { name: 'operator', text: 'someone who runs the hub', claims: { roles: ['operator'] } },
  ...cities.map(({ id, ars, name }) => ({ name: `clerk-${id}`, text: `clerk of ${name}`, claims: { roles: ['city'], ars } })),
];

const readForm = async (request: IncomingMessage): Promise<URLSearchParams> => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > 4096) break;
  }
  return new URLSearchParams(text);
};

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', 'access-control-allow-origin': '*' })
    .end(JSON.stringify(body));
};

/**
 * Starts a small real OIDC issuer on the loopback: discovery document, JWKS and a token endpoint (client credentials,
 * RFC 6749 §4.4, with the persona as client id). It asks for no password, so it is for the sandbox only. Its key is new at
 * every start: tokens of an earlier run do not verify.
 */
export async function startIssuer(options: IssuerOptions = {}): Promise<Issuer> {
  const audience = options.audience ?? 'staedtebund';
  const lifetime = options.lifetimeSeconds ?? 3600;
  const personas = personasFor(options.cities ?? []);
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const kid = randomUUID();
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }] };
  let url = '';
  let issuer = '';

  const sign = ({ name, claims }: Persona, seconds = lifetime): Promise<string> =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' })
      .setIssuer(issuer)
      .setSubject(name)
      .setAudience(audience)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(`${seconds}s`)
      .sign(privateKey);

  const grant = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = await readForm(request);
    const persona = personas.find(({ name }) => name === form.get('client_id'));
    if (form.get('grant_type') !== 'client_credentials') return answer(response, 400, { error: 'unsupported_grant_type' });
    if (!persona) return answer(response, 401, { error: 'invalid_client', personas: personas.map(({ name }) => name) });
    answer(response, 200, { access_token: await sign(persona), token_type: 'Bearer', expires_in: lifetime });
  };

  const server = createServer((request, response) => {
    const route = `${request.method} ${request.url?.split('?')[0]}`;
    if (route === 'GET /.well-known/openid-configuration')
      return answer(response, 200, {
        issuer,
        jwks_uri: `${url}/jwks`,
        token_endpoint: `${url}/token`,
        grant_types_supported: ['client_credentials'],
        response_types_supported: ['token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        token_endpoint_auth_methods_supported: ['none'],
      });
    if (route === 'GET /jwks') return answer(response, 200, jwks);
    if (route === 'GET /') return answer(response, 200, { hint: hint(), personas });
    if (route !== 'POST /token') return answer(response, 404, { error: 'not_found' });
    grant(request, response).catch(() => response.destroy());
  });
  const hint = () => `curl -s -d grant_type=client_credentials -d client_id=citizen ${url}/token`;

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  issuer = options.name ?? url;

  return {
    url,
    name: issuer,
    jwksUrl: `${url}/jwks`,
    personas,
    hint: hint(),
    token: (name, lifetimeSeconds) => {
      const persona = personas.find((entry) => entry.name === name);
      if (!persona) throw new Error(`No persona ${name}; there are ${personas.map((entry) => entry.name).join(', ')}`);
      return sign(persona, lifetimeSeconds);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
