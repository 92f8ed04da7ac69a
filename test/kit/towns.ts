import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, describe } from 'vitest';
import { restSimulatedSecret, startRestSimulator, type RestSimulator } from '../../adapters/rest/simulator.ts';
import { newPostgresDatabase } from './databases.ts';
import { ars as known, neuss, startTestHub, type TestHub } from './hub.ts';
import { applicant, submitMutation } from './samples.ts';
import { describeWithService } from './services.ts';

/** Several cities on one hub, each with a back office of its own: what scenarios of cases between cities need. */

/** ARS of the towns; Munich's catalogue is a DLDB with other keys. */
export const townArs = { ...known, muenchen: '091620000000' } as const;
export type TownName = keyof typeof townArs;

const names: Readonly<Record<TownName, string>> = { duesseldorf: 'Düsseldorf', koeln: 'Köln', neuss: 'Neuss', muenchen: 'München' };

const catalogueOf = (town: TownName) =>
  town === 'muenchen'
    ? {
        format: 'dldb',
        files: { services: resolve('cities/offers/muenchen-dldb.json'), forms: resolve('cities/offers/muenchen-forms.yaml') },
      }
    : { format: 'offers', files: { offers: resolve(`cities/offers/${town}.yaml`) } };

/** Statuses of the simulated back offices, and what they mean. */
const statusMap = {
  neu: 'received',
  'in Prüfung': 'in_review',
  genehmigt: 'granted',
  abgelehnt: 'refused',
  zurückgezogen: 'withdrawn',
} as const;

export interface TownsOptions {
  readonly towns: readonly TownName[];
  /** More of a town's file, for example `treaties`. */
  readonly more?: Partial<Record<TownName, object>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** A case as the API shows it. */
export interface SeenCase {
  readonly id: string;
  readonly reference: string;
  readonly kind: string;
  readonly outcome: { readonly code: string; readonly text: string } | null;
  readonly participants: readonly { readonly ars: string }[];
  readonly waiting: readonly SeenStep[];
  readonly history: {
    readonly nodes: readonly {
      readonly type: string;
      readonly municipality: { readonly ars: string };
      readonly facts: Readonly<Record<string, unknown>>;
    }[];
  };
}

export interface SeenStep {
  readonly step: string;
  readonly code: string;
  readonly awaits: string;
  readonly text: string;
  readonly municipality: { readonly ars: string };
  readonly choices: readonly { readonly code: string; readonly text: string }[];
}

/** A submission that was taken. */
export interface Submitted {
  readonly id: string;
  readonly uuid: string;
  /** Travels to the back office. */
  readonly reference: string;
}

export interface Towns {
  readonly hub: TestHub;
  readonly offices: Readonly<Record<string, RestSimulator>>;
  /** Applies in a town with the form as the town offers it; the answer as it is. */
  apply(town: TownName, service: string, formData: object, persona?: string): Promise<Record<string, unknown>>;
  /** The same; fails the test where it is refused. */
  submit(town: TownName, service: string, formData: object, persona?: string): Promise<Submitted>;
  /** The case of an application as somebody sees it. */
  caseOf(application: Submitted, persona?: string): Promise<SeenCase | null>;
  findCase(reference: string, persona: string): Promise<SeenCase | null>;
  answer(town: TownName, reference: string, step: string, choice: string): Promise<Record<string, unknown>>;
  tasks(town: TownName): Promise<readonly (SeenStep & { readonly case: { readonly reference: string } })[]>;
  status(application: Submitted, persona?: string): Promise<string | undefined>;
  /** The cases of a town's back office that came from an application. */
  filed(town: TownName, application: Submitted): readonly { readonly id: number; readonly status: string; readonly content: unknown }[];
  /** Its back office decides. */
  decide(town: TownName, application: Submitted, status: keyof typeof statusMap): void;
  close(): Promise<void>;
}

const step = 'step code awaits text(language: EN) municipality { ars } choices { code text(language: DE) }';
const caseFields = `id reference kind outcome { code text(language: DE) } participants { ars } waiting { ${step} }
  history { nodes { type municipality { ars } facts } }`;

/** Starts the towns; close them in afterAll. */
export async function startTowns({ towns, more = {}, env = {} }: TownsOptions): Promise<Towns> {
  const offices = Object.fromEntries(
    await Promise.all(towns.map(async (town) => [town, await startRestSimulator({ dialect: 'vorgaenge' })] as const)),
  );
  const office = (town: TownName): RestSimulator => {
    const found = offices[town];
    if (!found) throw new Error(`${town} was not started`);
    return found;
  };
  const cities = towns.map((town) => {
    const base = neuss({ baseUrl: office(town).url, secret: restSimulatedSecret }, { statusMap });
    return [town, { ...base, ars: townArs[town], name: names[town], catalogue: catalogueOf(town), ...more[town] }] as const;
  });
  const hub = await startTestHub({ cities: Object.fromEntries(cities), env });

  const filed: Towns['filed'] = (town, { reference }) =>
    office(town)
      .cases.list()
      .filter(({ key }) => key?.includes(reference));

  const towns_: Towns = {
    hub,
    offices,
    filed,
    async apply(town, service, formData, persona = 'citizen') {
      const offer = await hub.ask<{ municipality: { offer: { form: { revision: string } } } }>(
        'query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { form { revision } } } }',
        { ars: townArs[town], service },
      );
      const formRevision = offer.data?.municipality.offer.form.revision;
      const input = { service, place: { ars: townArs[town] }, formRevision, applicant, formData, idempotencyKey: randomUUID() };
      const answer = await hub.ask<{ submitApplication: Record<string, unknown> }>(submitMutation, { input }, persona);
      if (!answer.data) throw new Error(JSON.stringify(answer));
      return answer.data.submitApplication;
    },
    async submit(town, service, formData, persona) {
      const answer = await towns_.apply(town, service, formData, persona);
      const application = answer['application'] as { id: string; receipt: { reference: string } } | undefined;
      if (!application) throw new Error(`the submission was refused: ${JSON.stringify(answer)}`);
      return {
        id: application.id,
        uuid: Buffer.from(application.id, 'base64url').toString().slice('Application:'.length),
        reference: application.receipt.reference,
      };
    },
    async caseOf({ id }, persona = 'citizen') {
      const answer = await hub.ask<{ application: { case: SeenCase | null } | null }>(
        `query ($id: ID!) { application(id: $id) { case { ${caseFields} } } }`,
        { id },
        persona,
      );
      if (answer.errors) throw new Error(JSON.stringify(answer.errors));
      return answer.data?.application?.case ?? null;
    },
    async findCase(reference, persona) {
      const answer = await hub.ask<{ case: SeenCase | null }>(
        `query ($id: ID!) { case(id: $id) { ${caseFields} } }`,
        { id: reference },
        persona,
      );
      if (answer.errors) throw new Error(JSON.stringify(answer.errors));
      return answer.data?.case ?? null;
    },
    async answer(town, reference, name, choice) {
      const answer = await hub.ask<{ answerCase: Record<string, unknown> }>(
        `mutation ($input: AnswerCaseInput!) { answerCase(input: $input) {
          __typename ... on AnswerCaseSuccess { replayed } ... on Problem { code message(language: EN) } } }`,
        { input: { id: reference, step: name, choice } },
        `clerk-${town}`,
      );
      if (!answer.data) throw new Error(JSON.stringify(answer));
      return answer.data.answerCase;
    },
    async tasks(town) {
      const answer = await hub.ask<{ clerkTasks: { nodes: (SeenStep & { case: { reference: string } })[] } }>(
        `{ clerkTasks { nodes { ${step} case { reference } } } }`,
        {},
        `clerk-${town}`,
      );
      if (!answer.data) throw new Error(JSON.stringify(answer));
      return answer.data.clerkTasks.nodes;
    },
    status: async ({ id }, persona) => (await hub.find(id, persona))?.status,
    decide(town, application, status) {
      const [found] = filed(town, application);
      if (!found) throw new Error(`${town} has no such case`);
      office(town).cases.setStatus(found.id, status);
    },
    async close() {
      await hub.close();
      await Promise.all(Object.values(offices).map((one) => one.close()));
    },
  };
  return towns_;
}

/** A town's own system: gets events by webhook, and does with each what it is told. Away, it takes no connection. */
export interface TownSystem {
  readonly url: string;
  readonly taken: {
    readonly id: string;
    readonly type: string;
    readonly subject: string;
    readonly facts: Readonly<Record<string, unknown>>;
    readonly at: number;
  }[];
  setAway(away: boolean): void;
  close(): Promise<void>;
}

/** Starts one; `act` runs after each new event was taken. */
export async function startTownSystem(act: (event: TownSystem['taken'][number]) => Promise<void> = async () => {}): Promise<TownSystem> {
  const taken: TownSystem['taken'] = [];
  let away = false;
  const server = createServer((request, response) => {
    if (away) return void request.socket.destroy();
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { id, type, subject, data } = JSON.parse(body) as { id: string; type: string; subject: string; data: Record<string, unknown> };
      response.writeHead(204).end();
      if (taken.some((one) => one.id === id)) return;
      const event = { id, subject, type: type.replace(/^de\.staedtebund\.|\.v1$/g, ''), facts: data, at: Date.now() };
      taken.push(event);
      void act(event);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    taken,
    setAway: (given) => void (away = given),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** One suite on the embedded ports and, where they are, on PostgreSQL and on Kafka. `environment` makes what the hub is told. */
export function describeOnEachPort(title: string, suite: (environment: () => Promise<Readonly<Record<string, string>>>) => void): void {
  // oxlint-disable-next-line vitest/valid-title -- the suites give their titles
  describe(`${title}, embedded`, () => {
    suite(async () => ({}));
  });
  describeWithService('postgres', `${title}, PostgreSQL`, (server) => {
    const databases: { remove(): Promise<void> }[] = [];
    // Hooks run in reverse: the suite's own, which closes the hub, before this one.
    afterAll(async () => {
      for (const database of databases) await database.remove();
    });
    suite(async () => {
      const database = await newPostgresDatabase(server);
      databases.push(database);
      // A key of its own: without one, PostgreSQL keeps no pseudonyms.
      return { STORE_URL: database.url, FACTS_KEY: randomBytes(32).toString('base64') };
    });
  });
  describeWithService('kafka', `${title}, Kafka`, (url) => suite(async () => ({ BUS_URL: url })));
}
