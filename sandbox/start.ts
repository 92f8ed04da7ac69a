import { mkdirSync, writeFileSync } from 'node:fs';
import { loadCities } from '../src/cities/load.ts';
import { adapters } from '../adapters/index.ts';
import { runUntilStopped, startHub } from '../src/main.ts';
import { startBackoffices } from './backoffices.ts';
import { startIssuer } from './issuer.ts';
import { choosePort, issuerName, type ChosenPort } from './ports.ts';
import { startRegistryOffices } from './registry.ts';

const started = Date.now();
const say = (text = '') => console.log(text);

/** The whole product on one machine: embedded ports, four cities with simulated back offices, an issuer of access tokens. */
async function startSandbox() {
  say('Städtebund sandbox: starting four simulated back offices and an issuer of access tokens …');
  const backoffices = await startBackoffices({ folder: './data/sandbox' });
  const env = { ...process.env, ...backoffices.env };
  const citiesDir = process.env['CITIES_DIR'] ?? './cities';
  const { cities } = await loadCities({ folder: citiesDir, adapters, env });
  const host = process.env['HOST'] || '127.0.0.1';
  const wished = process.env['PORT'];
  const ports = { hub: wished ? null : await choosePort('hub', host), issuer: await choosePort('issuer', host) };
  const issuer = await startIssuer({ cities: cities.map(({ city }) => city), host, port: ports.issuer.port, name: issuerName });
  const oidc = { OIDC_ISSUER: issuer.name, OIDC_JWKS_URL: issuer.jwksUrl, OIDC_AUDIENCE: 'staedtebund' };
  const known = { ...backoffices.env, ...oidc, ISSUER_URL: issuer.url };
  writeEnv(known);
  say('Reading municipalities, postal codes, services and the cities’ offers …');
  const hub = await startHub({
    LOG_LEVEL: 'warn',
    NODE_ENV: 'development',
    ...env,
    CITIES_DIR: citiesDir,
    ...oidc,
    ...(ports.hub ? { PORT: String(ports.hub.port) } : {}),
  });
  backoffices.notify(hub.url);
  writeEnv({ ...known, HUB_URL: hub.url });
  const offices = startRegistryOffices({ hub: hub.url, issuer: issuer.url }, { cities: cities.map(({ city }) => city) });
  say(`
Ready after ${((Date.now() - started) / 1000).toFixed(1)} s. Cities: ${cities.map(({ city }) => city.name).join(', ')}

  GraphQL     ${hub.url}/graphql
  GraphiQL    ${hub.url}/graphiql      (three examples to start from)
  Schema      ${hub.url}/schema.graphql
  Health      ${hub.url}/health/ready
  Metrics     ${hub.url}/metrics
  Tokens      ${issuer.hint}
              personas: ${issuer.personas.map(({ name }) => name).join(', ')}
${otherAddresses({ hub: hub.url, issuer: issuer.url }, ports)}
1  Who issues the resident parking permit at postal code 40213, and what does it cost?

curl -s ${hub.url}/graphql -H 'content-type: application/json' -d '{"query":"{ competence(service: \\"99108001001000\\", place: { postalCode: \\"40213\\" }) { ... on Competence { offer { municipality { name } competentAuthority { name } fees { cents currency channel } } } ... on Problem { code message } } }"}'

2  What do the cities offer for parking?

curl -s ${hub.url}/graphql -H 'content-type: application/json' -d '{"query":"{ services(search: \\"anwohnerparken\\", first: 3) { nodes { key name offers { nodes { municipality { name } maturityLevel } } } } }"}'

3  Which postal code belongs to two municipalities?

curl -s ${hub.url}/graphql -H 'content-type: application/json' -d '{"query":"{ competence(service: \\"99108001001000\\", place: { postalCode: \\"52538\\" }) { ... on AmbiguousPlace { message(language: EN) candidates { name ars } } } }"}'

4  Somebody with a parking permit in Köln moves to Düsseldorf: both cities and their back offices take part.

npx node sandbox/move.ts
npx node sandbox/watch.ts <case>

Stop with Ctrl-C.`);
  return {
    async close() {
      await offices.stop();
      await hub.close();
      await issuer.stop();
      await backoffices.close();
    },
  };
}

/** What the command line needs to reach the simulated back offices: `npx staedtebund --env-file data/sandbox/.env check`. */
function writeEnv(values: Readonly<Record<string, string>>): void {
  mkdirSync('data/sandbox', { recursive: true, mode: 0o700 });
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync('data/sandbox/.env', lines.join(''), { mode: 0o600 });
}

/** What is to be known where not both ports are those that the documents name; else nothing. */
function otherAddresses(
  urls: { readonly hub: string; readonly issuer: string },
  ports: { readonly hub: ChosenPort | null; readonly issuer: ChosenPort },
): string {
  const taken = [ports.hub, ports.issuer].flatMap((one) => (one && one.port !== one.usual ? [one.usual] : []));
  const others = [urls.hub, urls.issuer].some((url, index) => !url.endsWith(`:${4000 + index}`));
  if (!others) return '';
  return `
${taken.map((port) => `Port ${port} is taken. `).join('')}The commands of the documents name http://127.0.0.1:4000 and http://127.0.0.1:4001: read
${urls.hub} and ${urls.issuer} there. Both stand in data/sandbox/.env, as HUB_URL and ISSUER_URL; the commands below fit as they are.
`;
}

await runUntilStopped(startSandbox);
