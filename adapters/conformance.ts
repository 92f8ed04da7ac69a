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
