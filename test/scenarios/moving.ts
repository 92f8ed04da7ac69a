import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { restSimulatedSecret, startRestSimulator } from '../../adapters/rest/simulator.ts';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import type { StartOptions } from '../../src/main.ts';
import { ars, duesseldorf, neuss, startTestHub, type TestHub } from '../kit/hub.ts';
import { applicant, parkingFormIn, parkingPermit, submitMutation } from '../kit/samples.ts';

/* Somebody moves from Neuss to Düsseldorf: what the scenarios of moving share. */

export const registration = '99115005104000';

/** Canaries: they must turn up nowhere but in back offices, and sealed. */
export const mover = { familyName: 'Zugvogel-Ümlaut', givenNames: 'Friederike', dateOfBirth: '1987-02-13' } as const;

/** A registration in Düsseldorf by somebody who came from another municipality. */
export const registrationForm = (previous: object = { municipality: ars.neuss }) => ({
  moveInDate: '2026-11-20',
  newAddress: { street: 'Königsallee', houseNumber: '1a', postalCode: '40212', town: 'Düsseldorf' },
  previousAddress: { street: 'Oberstraße', houseNumber: '7', postalCode: '41460', town: 'Neuss', ...previous },
  dwelling: 'only',
  keepsPreviousDwelling: false,
  landlord: 'Vermietung Kanarienvogel GmbH',
  persons: [mover],
});

export interface SeenCase {
  readonly id: string;
  readonly reference: string;
  readonly kind: string;
  readonly outcome: { readonly code: string; readonly text: string } | null;
  readonly closedAt: string | null;
  readonly waiting: readonly {
    readonly step: string;
    readonly code: string;
    readonly awaits: string;
    readonly municipality: { readonly ars: string };
    readonly choices: readonly { readonly code: string; readonly text: string }[];
  }[];
  readonly history: { readonly nodes: readonly { readonly type: string; readonly facts: { readonly [name: string]: unknown } }[] };
}

const caseFields = `id reference kind outcome { code text(language: EN) } closedAt
  waiting { step code awaits municipality { ars } choices { code text(language: EN) } }
  history { nodes { type facts } }`;

export interface Towns {
  readonly hub: TestHub;
  readonly redmine: Awaited<ReturnType<typeof startRedmineSimulator>>;
  readonly rest: Awaited<ReturnType<typeof startRestSimulator>>;
  submit(service: string, place: string, form: object, persona?: string): Promise<string>;
  /** The case of an application; null if there is none or the persona may not see it. */
  caseOf(application: string, persona?: string): Promise<SeenCase | null>;
  answer(
    mutation: 'answerCase' | 'resolveClerkTask',
    id: string,
    step: string,
    choice: string,
    persona: string,
    fields?: string[],
  ): Promise<AnswerSeen>;
  statusOf(application: string): Promise<string | undefined>;
  /** The case of an application in the back office of its city. */
  filed(city: 'duesseldorf' | 'neuss', application: string): { readonly id: number; readonly status: string } | undefined;
  /** The back office of the city decides. */
  grant(city: 'duesseldorf' | 'neuss', application: string): void;
  close(): Promise<void>;
}

export interface AnswerSeen {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly replayed?: boolean;
}

/** Both cities with their back offices and a hub. */
export async function startTowns(
  options: Pick<StartOptions, 'now' | 'coordination'> & {
    readonly env?: Readonly<Record<string, string>>;
    /** Null: it is not connected. */
    readonly neuss?: null;
    /** Neuss's back office cannot be told to end a case. */
    readonly withoutWithdrawal?: boolean;
  } = {},
): Promise<Towns> {
  const redmine = await startRedmineSimulator();
  const rest = await startRestSimulator({ dialect: 'vorgaenge' });
  const { neuss: connected, withoutWithdrawal = false, env = {}, ...start } = options;
  const file = neuss({ baseUrl: rest.url, secret: restSimulatedSecret });
  if (withoutWithdrawal) delete (file.adapters.cases.config as { withdraw?: object }).withdraw;
  const hub = await startTestHub({
    ...start,
    coordination: { timing: { pollMs: 50 }, ...start.coordination },
    env,
    cities: {
      duesseldorf: duesseldorf({ baseUrl: redmine.url, apiKey: redmineSimulated.apiKey }),
      ...(connected === null ? {} : { neuss: file }),
    },
  });
  const offices = {
    duesseldorf: { cases: redmine.cases, granted: 'Resolved' },
    neuss: { cases: rest.cases, granted: 'genehmigt' },
  };
  /** Under which key an application travels to its back office. */
  const references = new Map<string, string>();
  const filed: Towns['filed'] = (city, application) => {
    const found = offices[city].cases.list().find(({ key }) => key === references.get(application));
    return found && { id: found.id, status: found.status };
  };
  return {
    hub,
    filed,
    redmine,
    rest,
    async submit(service, place, formData, persona = 'citizen-eid') {
      const offer = await hub.ask<{ municipality: { offer: { form: { revision: string } } } }>(
        'query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { form { revision } } } }',
        { ars: place, service },
      );
      const formRevision = offer.data?.municipality.offer.form.revision;
      const input = { service, place: { ars: place }, formRevision, applicant, formData, idempotencyKey: randomUUID() };
      const answer = await hub.ask<{ submitApplication: { application?: { id: string; receipt: { reference: string } } } }>(
        submitMutation,
        { input },
        persona,
      );
      const { application } = answer.data?.submitApplication ?? {};
      if (!application) throw new Error(`the submission was refused: ${JSON.stringify(answer)}`);
      const uuid = Buffer.from(application.id, 'base64url').toString().slice('Application:'.length);
      references.set(uuid, application.receipt.reference);
      return uuid;
    },
    async caseOf(application, persona = 'citizen-eid') {
      const answer = await hub.ask<{ cases: { nodes: (SeenCase & { application: { id: string } | null })[] } }>(
        `query { cases { nodes { application { id } ${caseFields} } } }`,
        {},
        persona,
      );
      if (!answer.data) throw new Error(JSON.stringify(answer.errors));
      const id = Buffer.from(`Application:${application}`).toString('base64url');
      return answer.data.cases.nodes.find((one) => one.application === null || one.application.id === id) ?? null;
    },
    async answer(mutation, id, step, choice, persona, fields) {
      const answer = await hub.ask<Record<string, AnswerSeen>>(
        `mutation ($input: AnswerCaseInput!) { ${mutation}(input: $input) { __typename ... on Problem { code message(language: EN) } ... on AnswerCaseSuccess { replayed } } }`,
        { input: { id, step, choice, ...(fields && { fields }) } },
        persona,
      );
      if (!answer.data) throw new Error(JSON.stringify(answer.errors));
      return answer.data[mutation]!;
    },
    async statusOf(application) {
      return (await hub.find(Buffer.from(`Application:${application}`).toString('base64url'), 'citizen-eid'))?.status;
    },
    grant(city, application) {
      const found = filed(city, application);
      if (!found) throw new Error(`${city} has no case of ${application}`);
      const { cases, granted } = offices[city];
      cases.setStatus(found.id, granted);
    },
    async close() {
      await hub.close();
      await redmine.close();
      await rest.close();
    },
  };
}

const patience = { timeout: 30_000, interval: 50 };

/** A permit in Neuss and a registration in Düsseldorf, both granted; the case that follows. */
export async function move(towns: Towns, previous?: object) {
  const permit = await towns.submit(parkingPermit, ars.neuss, parkingFormIn(ars.neuss));
  await expect.poll(() => towns.statusOf(permit), patience).toBe('RECEIVED');
  towns.grant('neuss', permit);
  await expect.poll(() => towns.statusOf(permit), patience).toBe('GRANTED');
  const application = await towns.submit(registration, ars.duesseldorf, registrationForm(previous));
  await expect.poll(() => towns.statusOf(application), patience).toBe('RECEIVED');
  towns.grant('duesseldorf', application);
  await expect.poll(() => towns.caseOf(application), patience).not.toBeNull();
  const { id } = (await towns.caseOf(application))!;
  const see = async (persona?: string) => (await towns.caseOf(application, persona))!;
  return { permit, application, id, see };
}
