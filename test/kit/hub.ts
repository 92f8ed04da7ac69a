import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { startIssuer, type Issuer } from '../../sandbox/issuer.ts';
import { startHub, type RunningHub, type StartOptions } from '../../src/main.ts';
import { applicant, ask, parkingFormIn, parkingPermit, submitMutation, type Answer } from './samples.ts';

export interface TestHubOptions extends Omit<StartOptions, 'logTo'> {
  /** Cities by id: their file as YAML, or as what YAML would say. */
  readonly cities: Readonly<Record<string, object>>;
  /** Values for `$env` references, and STORE_URL, BUS_URL, CACHE_URL where they are not the embedded ones. */
  readonly env?: Readonly<Record<string, string>>;
  /** Another hub whose folder, store and issuer it shares: a second process of the same installation, or the same one restarted. */
  readonly like?: TestHub;
}

/** A hub as `npm start` runs it, on ports and folders of its own. */
export interface TestHub {
  readonly hub: RunningHub;
  readonly url: string;
  readonly issuer: Issuer;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Everything it logged so far. */
  logged(): string;
  ask<T>(query: string, variables?: unknown, persona?: string): Promise<Answer<T>>;
  /** Submits a parking permit; fails the test where it is refused. */
  submit(ars: string, idempotencyKey: string, over?: Record<string, unknown>): Promise<Submitted>;
  find(id: string, persona?: string): Promise<SeenApplication | null>;
  close(): Promise<void>;
}

/** What a submission came to. */
export interface Submitted {
  readonly id: string;
  /** The application's, as events name it. */
  readonly uuid: string;
  /** What the back office gets it under. */
  readonly key: string;
  readonly replayed: boolean;
}

export interface SeenApplication {
  readonly status: string;
  readonly parkedReason: string | null;
  readonly caseNumber: string | null;
  readonly history: { readonly nodes: readonly { readonly type: string; readonly status: string | null }[] };
}

/** Hubs of several tests may share one Kafka at a time: each has groups of its own, the same after a restart. */
const ownGroups = (folder: string, { BUS_URL: url }: Readonly<Record<string, string>>): { BUS_URL?: string } =>
  url?.startsWith('kafka://') ? { BUS_URL: `${url}${url.includes('?') ? '&' : '?'}groupPrefix=${basename(folder)}.` } : {};

/** Quick enough for tests: a dead worker's jobs wait one second instead of ten. */
const quick: StartOptions = {
  applications: { timing: { leaseMs: 1000, pollMs: 50 }, retry: { firstMs: 100, settleMs: 200, longestMs: 1000 } },
  gateway: { rateLimit: null },
};

/** Starts a hub; close it in afterAll. */
export async function startTestHub(options: TestHubOptions): Promise<TestHub> {
  const { cities, like, env: given = {}, ...start } = options;
  const folder = like?.folder ?? mkdtempSync(join(tmpdir(), 'staedtebund-hub-'));
  const issuer =
    like?.issuer ??
    (await startIssuer({ cities: Object.entries(cities).map(([id, city]) => ({ id, name: id, ars: (city as { ars: string }).ars })) }));
  const citiesDir = join(folder, 'cities');
  mkdirSync(citiesDir, { recursive: true });
  // YAML holds JSON.
  for (const [id, city] of Object.entries(cities)) writeFileSync(join(citiesDir, `${id}.yaml`), JSON.stringify(city, null, 2));
  const env = {
    STORE_URL: `sqlite:${join(folder, 'hub.db')}`,
    ...like?.env,
    ...given,
    ...ownGroups(folder, given),
  };
  const lines: string[] = [];
  const hub = await startHub(
    {
      ...env,
      CITIES_DIR: citiesDir,
      PORT: '0',
      OIDC_ISSUER: issuer.url,
      OIDC_AUDIENCE: 'staedtebund',
      LOG_LEVEL: 'debug',
      NODE_ENV: 'development',
    },
    {
      ...quick,
      ...start,
      logTo: new Writable({
        write(chunk: Buffer, _, done) {
          lines.push(chunk.toString());
          done();
        },
      }),
    },
  );
  const test: TestHub = {
    hub,
    url: hub.url,
    issuer,
    folder,
    env,
    logged: () => lines.join(''),
    ask: async (query, variables, persona) =>
      ask(hub.url, query, variables, persona === undefined ? undefined : await issuer.token(persona)),
    async submit(ars, idempotencyKey, over = {}) {
      const offer = await test.ask<{ municipality: { offer: { form: { revision: string } } } }>(
        'query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { form { revision } } } }',
        { ars, service: parkingPermit },
      );
      const formRevision = offer.data?.municipality.offer.form.revision;
      const input = {
        service: parkingPermit,
        place: { ars },
        formRevision,
        applicant,
        formData: parkingFormIn(ars),
        idempotencyKey,
        ...over,
      };
      const answer = await test.ask<{
        submitApplication: { replayed: boolean; application?: { id: string; receipt: { reference: string } } };
      }>(submitMutation, { input }, 'citizen');
      const { application, replayed } = answer.data?.submitApplication ?? {};
      if (!application) throw new Error(`the submission was refused: ${JSON.stringify(answer)}`);
      return {
        id: application.id,
        uuid: Buffer.from(application.id, 'base64url').toString().slice('Application:'.length),
        key: application.receipt.reference,
        replayed: replayed ?? false,
      };
    },
    async find(id, persona = 'citizen') {
      const answer = await test.ask<{ application: SeenApplication | null }>(
        'query ($id: ID!) { application(id: $id) { status parkedReason caseNumber history { nodes { type status } } } }',
        { id },
        persona,
      );
      if (answer.errors) throw new Error(JSON.stringify(answer.errors));
      return answer.data?.application ?? null;
    },
    async close() {
      await hub.close();
      if (like) return;
      await issuer.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return test;
}

const offers = (city: string) => ({ format: 'offers', files: { offers: resolve('cities/offers', `${city}.yaml`) } });
const limits = { concurrency: 4, timeoutMs: 2000, retries: 0, breaker: { failures: 1000, halfOpenMs: 200 } };

/** ARS of the cities below. */
export const ars = { duesseldorf: '051110000000', koeln: '053150000000', neuss: '051620024024' } as const;

/** Düsseldorf on a Redmine: looked up by key. */
export const duesseldorf = (
  config: { baseUrl: string; apiKey: string; project?: string; tracker?: number; keyField?: number },
  more: object = {},
) => ({
  ars: ars.duesseldorf,
  name: 'Düsseldorf',
  since: '2026-11-01',
  catalogue: offers('duesseldorf'),
  adapters: {
    cases: {
      product: 'redmine',
      services: ['*'],
      config: { project: 'permits', tracker: 1, keyField: 1, withdrawnStatus: 'Withdrawn', pullEveryMs: 1000, ...config },
      statusMap: { New: 'received', 'In Progress': 'in_review', Resolved: 'granted', Withdrawn: 'withdrawn' },
      limits,
      ...more,
    },
  },
});

/** Neuss on a REST back office: looked up by key, or with neither look-up nor key. */
export const neuss = (config: { baseUrl: string; secret: string; idempotency?: 'none' }, more: object = {}) => ({
  ars: ars.neuss,
  name: 'Neuss',
  since: '2026-11-01',
  catalogue: offers('neuss'),
  adapters: {
    cases: {
      product: 'rest',
      services: ['*'],
      config: {
        baseUrl: config.baseUrl,
        auth: { scheme: 'bearer', secret: config.secret },
        idempotency: config.idempotency ?? {
          lookup: '/fachverfahren/vorgaenge?absenderReferenz={key}',
          items: '/treffer',
          key: '/absenderReferenz',
        },
        submit: {
          path: '/fachverfahren/vorgaenge',
          body: {
            '/vorgang/absenderReferenz': '/key',
            '/vorgang/leistungsschluessel': '/service',
            '/vorgang/person/anzeigename': '/applicant/name',
            '/vorgang/inhalt': '/formData',
          },
        },
        case: { id: '/kennung', number: '/zeichen', status: '/status/code', updatedAt: '/status/seit', in: '/vorgang' },
        load: { path: '/fachverfahren/vorgaenge/{id}' },
        changes: { path: '/fachverfahren/vorgaenge?seit={since}&max={limit}&start={offset}', items: '/treffer', everyMs: 1000 },
        withdraw: { method: 'PATCH', path: '/fachverfahren/vorgaenge/{id}', body: { '/grund': '/reason' } },
        health: { path: '/health' },
        errors: { items: '/meldungen', field: '/pfad', text: '/text' },
      },
      statusMap: { neu: 'received', 'in Prüfung': 'in_review', genehmigt: 'granted', zurückgezogen: 'withdrawn' },
      limits,
      ...more,
    },
  },
});
