import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBackoffices } from '../../sandbox/backoffices.ts';
import { startIssuer, type Issuer } from '../../sandbox/issuer.ts';
import { startHub, type RunningHub } from '../../src/main.ts';
import { applicant, ask, parkingFormIn, parkingPermit, submitMutation } from './samples.ts';

/** The cities of the sandbox, each with its back office, and applications that do not move any more. */
export interface SandboxHub {
  readonly hub: RunningHub;
  readonly issuer: Issuer;
  /** Global ids of the applications. */
  readonly applications: readonly string[];
  /** Ids of cases between cities. */
  readonly cases: readonly string[];
  close(): Promise<void>;
}

const towns = [
  { id: 'duesseldorf', name: 'Düsseldorf', ars: '051110000000' },
  { id: 'koeln', name: 'Köln', ars: '053150000000' },
  { id: 'neuss', name: 'Neuss', ars: '051620024024' },
  { id: 'muenchen', name: 'München', ars: '091620000000' },
] as const;

const registration = '99115005104000';
const registrationForm = {
  moveInDate: new Date().toISOString().slice(0, 10),
  newAddress: { street: 'Königsallee', houseNumber: '1a', postalCode: '40212', town: 'Düsseldorf' },
  previousAddress: { municipality: '053150000000', street: 'Venloer Straße', houseNumber: '10', postalCode: '50672', town: 'Köln' },
  dwelling: 'only',
  keepsPreviousDwelling: false,
  landlord: 'Beispiel Wohnen GmbH',
  persons: [{ familyName: 'Mustermann', givenNames: 'Erika', dateOfBirth: '1964-08-12' }],
};

/** Until `read` says yes. */
async function until(what: string, read: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 240; tries += 1, await sleep(500)) if (await read()) return;
  throw new Error(`Not in two minutes: ${what}`);
}

/** Larger than what random documents need: the limits are not what they look for. */
const roomy = { depth: 60, aliases: 2000, tokens: 15_000, values: 1e12 };

/** Starts it; the back offices have granted everything before it is answered. */
export async function startSandboxHub(): Promise<SandboxHub> {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-sandbox-'));
  const backoffices = await startBackoffices({ processAfterMs: 200 });
  const issuer = await startIssuer({ cities: towns });
  const hub = await startHub(
    {
      ...backoffices.env,
      STORE_URL: `sqlite:${join(folder, 'hub.db')}`,
      CITIES_DIR: './cities',
      PORT: '0',
      OIDC_ISSUER: issuer.url,
      OIDC_AUDIENCE: 'staedtebund',
      LOG_LEVEL: 'error',
      NODE_ENV: 'development',
    },
    { gateway: { rateLimit: null, operations: roomy }, logTo: new Writable({ write: (_, __, done) => done() }) },
  );

  async function apply(persona: string, service: string, ars: string, formData: object): Promise<string> {
    const token = await issuer.token(persona);
    const revisionOf =
      'query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { form { revision } } } }';
    const offer = await ask<{ municipality: { offer: { form: { revision: string } } } }>(hub.url, revisionOf, { ars, service });
    const formRevision = offer.data?.municipality.offer.form.revision;
    const input = { service, place: { ars }, formRevision, applicant, formData, idempotencyKey: `${persona}-${service}-${ars}` };
    const answer = await ask<{ submitApplication: { application?: { id: string } } }>(hub.url, submitMutation, { input }, token);
    const id = answer.data?.submitApplication.application?.id;
    if (!id) throw new Error(`the submission was refused: ${JSON.stringify(answer)}`);
    return id;
  }

  try {
    const applications = [
      await apply('citizen', parkingPermit, towns[0].ars, parkingFormIn(towns[0].ars)),
      await apply('citizen-eid', parkingPermit, towns[1].ars, parkingFormIn(towns[1].ars)),
      await apply('citizen-eid', registration, towns[0].ars, registrationForm),
    ];
    const koeln = await issuer.token('clerk-koeln');
    const statuses = '{ viewer { applications { nodes { status } } } cases { nodes { id } } }';
    type Seen = { viewer: { applications: { nodes: readonly { status: string }[] } }; cases: { nodes: readonly { id: string }[] } };
    let cases: readonly string[] = [];
    await until('everything granted, and a case begun', async () => {
      const all = await Promise.all(
        ['citizen', 'citizen-eid'].map(async (name) => ask<Seen>(hub.url, statuses, {}, await issuer.token(name))),
      );
      cases = (await ask<Seen>(hub.url, statuses, {}, koeln)).data?.cases.nodes.map(({ id }) => id) ?? [];
      return cases.length > 0 && all.every(({ data }) => data?.viewer.applications.nodes.every(({ status }) => status === 'GRANTED'));
    });
    return {
      hub,
      issuer,
      applications,
      cases,
      async close() {
        await hub.close();
        await issuer.stop();
        await backoffices.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await hub.close();
    await issuer.stop();
    await backoffices.close();
    throw error;
  }
}
