import { fitConnectSimulated, startFitConnectSimulator } from './fit-connect/simulator.ts';
import { graphqlSimulatedToken, startGraphqlSimulator } from './graphql/simulator.ts';
import { open311SimulatedKey, startOpen311Simulator } from './open311/simulator.ts';
import { startPvogSimulator } from './pvog/simulator.ts';
import { restSimulatedSecret, startRestSimulator } from './rest/simulator.ts';
import { redmineSimulated, startRedmineSimulator } from './redmine/simulator.ts';
import { soapSimulated, startSoapSimulator } from './soap/simulator.ts';
import { startXzufiSimulator } from './xzufi/simulator.ts';

/** A back office that runs for the conformance kit, and what its `conformance/city.yaml` and `samples.yaml` name as `$env`. */
export interface KitBackOffice {
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/*
 * How the back office of each shipped adapter is started for the conformance kit. A product joins with a line here and with
 * adapters/<product>/conformance/{city,samples}.yaml; `node src/cli.ts conformance --shipped <product>` then writes its report.json.
 */
export const kitBackOffices: Readonly<Record<string, () => Promise<KitBackOffice>>> = {
  async 'fit-connect'() {
    const { url, close } = await startFitConnectSimulator();
    const { sender, callbackSecret } = fitConnectSimulated;
    const addresses = { FIT_URL: url, FIT_TOKEN_URL: `${url}/token`, FIT_SUBMISSION_URL: `${url}/submission-api` };
    return { env: { ...addresses, FIT_SECRET: sender.clientSecret, FIT_CALLBACK_SECRET: callbackSecret }, close };
  },
  async graphql() {
    const { url, close } = await startGraphqlSimulator();
    return { env: { GRAPHQL_URL: url, GRAPHQL_ENDPOINT: `${url}/graphql`, GRAPHQL_TOKEN: graphqlSimulatedToken }, close };
  },
  async open311() {
    const { url, close } = await startOpen311Simulator();
    return { env: { OPEN311_URL: url, OPEN311_BASE: `${url}/open311/v2`, OPEN311_KEY: open311SimulatedKey }, close };
  },
  async pvog() {
    const { url, close } = await startPvogSimulator();
    return { env: { PVOG_URL: url, PVOG_CLIENT_ID: 'conformance-kit' }, close };
  },
  async redmine() {
    const { url, close } = await startRedmineSimulator();
    return { env: { REDMINE_URL: url, REDMINE_KEY: redmineSimulated.apiKey }, close };
  },
  async rest() {
    const { url, close } = await startRestSimulator();
    return { env: { REST_URL: url, REST_KEY: restSimulatedSecret, REST_WEBHOOK_SECRET: 'rest-simulator-webhook-secret' }, close };
  },
  async soap() {
    const { url, close } = await startSoapSimulator();
    return { env: { SOAP_URL: url, SOAP_SECRET: soapSimulated.secret }, close };
  },
  async xzufi() {
    const secret = 'xzufi-simulator-secret';
    const { url, close } = await startXzufiSimulator({ secret });
    return { env: { XZUFI_URL: `${url}/index.txt`, XZUFI_SECRET: secret }, close };
  },
};
