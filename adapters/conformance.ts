import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sftpSimulated, startSftpSimulator } from './filedrop/simulator.ts';
import { fitConnectSimulated, startFitConnectSimulator } from './fit-connect/simulator.ts';
import { graphqlSimulatedToken, startGraphqlSimulator } from './graphql/simulator.ts';
import { open311SimulatedKey, startOpen311Simulator } from './open311/simulator.ts';
import { startPvogSimulator } from './pvog/simulator.ts';
import { restSimulatedSecret, startRestSimulator } from './rest/simulator.ts';
import { redmineSimulated, startRedmineSimulator } from './redmine/simulator.ts';
import { soapSimulated, startSoapSimulator } from './soap/simulator.ts';
import { startSqlOffice } from './sql/simulator.ts';
import { startXzufiSimulator } from './xzufi/simulator.ts';

/** A back office that runs for the conformance kit, and what its `conformance/city.yaml` and `samples.yaml` name as `$env`. */
export interface KitBackOffice {
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** For samples that run commands. */
const commands = { PATH: process.env['PATH'] ?? '', NODE: process.execPath };

/** A database is real or it is nothing: without a server the SQL adapter has no row here, and its report is renewed where there is one. */
const database = process.env['TEST_MARIADB_URL'];

/*
 * How the back office of each shipped adapter is started for the conformance kit. A product joins with a line here and with
 * adapters/<product>/conformance/{city,samples}.yaml; `node src/cli.ts conformance --shipped <product>` then writes its report.json.
 */
export const kitBackOffices: Readonly<Record<string, () => Promise<KitBackOffice>>> = {
  async filedrop() {
    const folder = mkdtempSync(join(tmpdir(), 'staedtebund-filedrop-'));
    const { url, hostKey, close } = await startSftpSimulator({ folder, clerk: true });
    return {
      env: {
        ...commands,
        FILEDROP_URL: url,
        FILEDROP_HOST_KEY: hostKey,
        FILEDROP_PASSWORD: sftpSimulated.password,
        FILEDROP_FOLDER: folder,
      },
      async close() {
        await close();
        rmSync(folder, { recursive: true });
      },
    };
  },
  async 'fit-connect'() {
    const simulator = await startFitConnectSimulator();
    const { url } = simulator;
    const { sender, callbackSecret } = fitConnectSimulated;
    const addresses = { FIT_URL: url, FIT_TOKEN_URL: `${url}/token`, FIT_SUBMISSION_URL: `${url}/submission-api` };
    return { env: { ...addresses, FIT_SECRET: sender.clientSecret, FIT_CALLBACK_SECRET: callbackSecret }, close: () => simulator.close() };
  },
  async graphql() {
    const simulator = await startGraphqlSimulator();
    const { url } = simulator;
    return {
      env: { GRAPHQL_URL: url, GRAPHQL_ENDPOINT: `${url}/graphql`, GRAPHQL_TOKEN: graphqlSimulatedToken },
      close: () => simulator.close(),
    };
  },
  async open311() {
    const simulator = await startOpen311Simulator();
    const { url } = simulator;
    return {
      env: { OPEN311_URL: url, OPEN311_BASE: `${url}/open311/v2`, OPEN311_KEY: open311SimulatedKey },
      close: () => simulator.close(),
    };
  },
  async pvog() {
    const simulator = await startPvogSimulator();
    const { url } = simulator;
    return { env: { PVOG_URL: url, PVOG_CLIENT_ID: 'conformance-kit' }, close: () => simulator.close() };
  },
  async redmine() {
    const simulator = await startRedmineSimulator();
    const { url } = simulator;
    return { env: { REDMINE_URL: url, REDMINE_KEY: redmineSimulated.apiKey }, close: () => simulator.close() };
  },
  async rest() {
    const simulator = await startRestSimulator();
    const { url } = simulator;
    return {
      env: { REST_URL: url, REST_KEY: restSimulatedSecret, REST_WEBHOOK_SECRET: 'rest-simulator-webhook-secret' },
      close: () => simulator.close(),
    };
  },
  async soap() {
    const simulator = await startSoapSimulator();
    const { url } = simulator;
    return { env: { SOAP_URL: url, SOAP_SECRET: soapSimulated.secret }, close: () => simulator.close() };
  },
  ...(database
    ? {
        async sql() {
          const { url, user, password, adminUrl, close } = await startSqlOffice(database);
          return { env: { ...commands, SQL_URL: url, SQL_USER: user, SQL_PASSWORD: password, SQL_ADMIN_URL: adminUrl }, close };
        },
      }
    : {}),
  async xzufi() {
    const secret = 'xzufi-simulator-secret';
    const simulator = await startXzufiSimulator({ secret });
    const { url } = simulator;
    return { env: { XZUFI_URL: `${url}/index.txt`, XZUFI_SECRET: secret }, close: () => simulator.close() };
  },
};
