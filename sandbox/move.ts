import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { findSandbox, openApi } from './api.ts';

/*
 * A move, told to the sandbox that runs in this folder: Erika Mustermann has a resident parking permit in Köln, moves to
 * Düsseldorf and registers there. Prints the id of the case that follows between the two cities, and how to watch it.
 */

const koeln = '053150000000';
const duesseldorf = '051110000000';
const permit = '99108001001000';
const registration = '99115005104000';
const patienceMs = 180_000;

const say = (text: string) => console.log(text);

const today = new Date().toISOString().slice(0, 10);
const permitForm = {
  licencePlate: 'K-EM 1234',
  vehicleHolder: 'self',
  residence: { street: 'Venloer Straße', houseNumber: '10', postalCode: '50672', town: 'Köln' },
  validityMonths: 12,
  startDate: today,
  mainResidenceConfirmed: true,
};
const registrationForm = {
  moveInDate: today,
  newAddress: { street: 'Königsallee', houseNumber: '1a', postalCode: '40212', town: 'Düsseldorf' },
  previousAddress: { municipality: koeln, street: 'Venloer Straße', houseNumber: '10', postalCode: '50672', town: 'Köln' },
  dwelling: 'only',
  keepsPreviousDwelling: false,
  landlord: 'Beispiel Wohnen GmbH',
  persons: [{ familyName: 'Mustermann', givenNames: 'Erika', dateOfBirth: '1964-08-12' }],
};

/** @throws Error saying what the sandbox is missing */
async function main(): Promise<void> {
  const api = openApi(findSandbox(), 'citizen-eid');

  async function apply(service: string, place: string, formData: object): Promise<string> {
    const { municipality } = await api.ask<{ municipality: { offer: { form: { revision: string } } | null } | null }>(
      'query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { form { revision } } } }',
      { ars: place, service },
    );
    const formRevision = municipality?.offer?.form.revision;
    const applicant = { name: 'Erika Mustermann', email: 'erika@example.org' };
    const { submitApplication } = await api.ask<{ submitApplication: { application?: { id: string }; message?: string } }>(
      `mutation ($input: SubmitApplicationInput!) { submitApplication(input: $input) {
        ... on SubmitApplicationSuccess { application { id } } ... on Problem { message(language: EN) } } }`,
      { input: { service, place: { ars: place }, formRevision, applicant, formData, idempotencyKey: randomUUID() } },
    );
    if (!submitApplication.application) throw new Error(submitApplication.message ?? 'the application was refused');
    return submitApplication.application.id;
  }

  async function granted(id: string): Promise<void> {
    const over = AbortSignal.timeout(patienceMs);
    const query = 'subscription ($id: ID!) { applicationChanged(id: $id) { status } }';
    for await (const { applicationChanged } of api.follow<{ applicationChanged: { status: string } }>(query, { id }, over)) {
      say(`    ${applicationChanged.status}`);
      if (applicationChanged.status === 'GRANTED') return;
    }
    throw new Error('the hub has ended the subscription');
  }

  say('Erika Mustermann applies for a resident parking permit in Köln …');
  await granted(await apply(permit, koeln, permitForm));
  say('… moves to Düsseldorf, and registers there …');
  const application = await apply(registration, duesseldorf, registrationForm);
  await granted(application);
  for (const until = Date.now() + patienceMs; Date.now() < until; await sleep(300)) {
    const { application: found } = await api.ask<{ application: { case: { reference: string } | null } }>(
      'query ($id: ID!) { application(id: $id) { case { reference } } }',
      { id: application },
    );
    if (!found.case) continue;
    say(`… and Köln is told: case ${found.case.reference}\n\nWatch it:  npx node sandbox/watch.ts ${found.case.reference}`);
    return;
  }
  throw new Error('no case has begun: is Köln connected, and is the move in Düsseldorf marked?');
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
