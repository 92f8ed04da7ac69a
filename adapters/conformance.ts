import { restSimulatedSecret, startRestSimulator } from './rest/simulator.ts';
import { redmineSimulated, startRedmineSimulator } from './redmine/simulator.ts';

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
  async redmine() {
    const { url, close } = await startRedmineSimulator();
    return { env: { REDMINE_URL: url, REDMINE_KEY: redmineSimulated.apiKey }, close };
  },
  async rest() {
    const { url, close } = await startRestSimulator();
    return { env: { REST_URL: url, REST_KEY: restSimulatedSecret, REST_WEBHOOK_SECRET: 'rest-kit-webhook-secret' }, close };
  },
};
