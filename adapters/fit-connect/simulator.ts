import { fetch as plainFetch } from 'undici';
import type { Json } from '#contract';
import { runSimulator } from '../simulation/command.ts';
import {
  startSimulator,
  type SimulatedAnswer,
  type SimulatedRequest,
  type Simulator,
  type SimulatorOptions,
} from '../simulation/server.ts';
import { parseRef } from './mapping.ts';
import { startCity, type SimulatedCity } from './simulated-city.ts';
import { openByHand, signByHand } from './simulated-jose.ts';
import { simulatedKeys, type SimulatedKeys } from './simulated-keys.ts';
import { createService, type SimulatedService, type StoredSubmission } from './simulated-service.ts';
import { fitConnectSimulated } from './simulated-world.ts';
import { NEW_SUBMISSIONS, signCallback } from './webhook.ts';

export { fitConnectSimulated } from './simulated-world.ts';

export interface FitConnectSimulatorOptions extends Omit<SimulatorOptions, 'file'> {
  /** How long a token holds, in seconds. @default 1800 */
  readonly tokenSeconds?: number;
  /** Requests per minute and client before 429. @default 10000 */
  readonly perMinute?: number;
  /** The destination publishes a key of 2048 bits. @default false */
  readonly weakKey?: boolean;
  /** JSON Schema of the data that the city takes. @default an object with an applicant's name */
  readonly schema?: Json;
}

/** A running FIT-Connect with one destination and the city behind it. */
export interface FitConnectSimulator extends Simulator {
  readonly service: SimulatedService;
  readonly city: SimulatedCity;
  readonly keys: SimulatedKeys;
}

const anyApplication: Json = {
  type: 'object',
  required: ['applicant'],
  properties: { applicant: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1 } } } },
};

/*
 * Three parties over real HTTP and with real keys of 4096 bits: the delivery service, the routing API, and the city, which is
 * called back on a server of its own and answers with the adapter's own subscriber. For tests, beside /_sim:
 *
 *   PUT /_city/cases/<case reference of the hub>/status   { "status": "forwarded" | "accepted" | "rejected" }
 *
 * A case under /_sim/cases stands for a submission that was sent; its key is the senderReference the city finds inside.
 */

/** Starts a simulated FIT-Connect on loopback. */
export async function startFitConnectSimulator(options: FitConnectSimulatorOptions = {}): Promise<FitConnectSimulator> {
  const { now = () => new Date(), tokenSeconds, perMinute, weakKey } = options;
  const keys = await simulatedKeys();
  const caseIds = new Map<number, string>();
  const numbers = new Map<string, number>();
  const calls = new Set<Promise<void>>();
  const closing = new AbortController();

  const service = createService({
    keys,
    now,
    ...(tokenSeconds === undefined ? {} : { tokenSeconds }),
    ...(perMinute === undefined ? {} : { perMinute }),
    ...(weakKey === undefined ? {} : { weakKey }),
    submitted(submission) {
      const open = (jwe: string | null): Json => JSON.parse(openByHand(jwe ?? '', keys.encryption) ?? 'null') as Json;
      const metadata = open(submission.metadata) as { additionalReferenceInfo?: { senderReference?: string } } | null;
      const content = { submissionId: submission.id, metadata: metadata as Json, data: open(submission.data) };
      const { id } = simulator.cases.create(metadata?.additionalReferenceInfo?.senderReference ?? null, 'submitted', content);
      caseIds.set(id, submission.caseId);
      numbers.set(submission.caseId, id);
      const work = callBack(submission)
        .catch(() => {})
        .finally(() => calls.delete(work));
      calls.add(work);
    },
  });

  async function callBack(submission: StoredSubmission): Promise<void> {
    const { id, caseId } = submission;
    const named = { destinationId: fitConnectSimulated.destination, submissionId: id, caseId };
    const body = JSON.stringify({ type: NEW_SUBMISSIONS, submissionIds: [id], submissions: [named] });
    const timestamp = String(Math.floor(now().getTime() / 1000));
    const headers = {
      'content-type': 'application/json',
      'callback-timestamp': timestamp,
      'callback-authentication': signCallback(fitConnectSimulated.callbackSecret, timestamp, body),
    };
    const response = await plainFetch(city.callbackUrl, { method: 'POST', headers, body, signal: closing.signal });
    if (response.ok) service.notified(submission);
  }

  async function decide(caseId: string, status: string): Promise<boolean> {
    if (status !== 'forwarded' && status !== 'accepted' && status !== 'rejected') return false;
    await Promise.all(calls);
    await city.decide(caseId, status);
    return true;
  }

  async function answer(request: SimulatedRequest): Promise<SimulatedAnswer> {
    const { url, method, body } = request;
    const ref = /^\/_city\/cases\/([^/]+)\/status$/.exec(url.pathname)?.[1];
    if (ref === undefined) return url.pathname.startsWith('/routing/') ? route(url, keys) : service.answer(request);
    const caseId = parseRef({ id: decodeURIComponent(ref) })?.caseId ?? '';
    const status = (body as { status?: Json } | null)?.status;
    const done = method === 'PUT' && typeof status === 'string' && (await decide(caseId, status).catch(() => false));
    const number = numbers.get(caseId);
    if (done && number !== undefined) simulator.cases.setStatus(number, status);
    return done ? { status: 200, body: { status } } : { status: 404, body: { error: 'no such case, or not to be decided so' } };
  }

  const { file: _, ...own } = options as SimulatorOptions;
  const simulator = await startSimulator(
    {
      path: ['submitted', 'forwarded', 'accepted'],
      answer,
      changed: ({ id, status }) => void decide(caseIds.get(id) ?? '', status).catch(() => {}),
    },
    own,
  );
  const city = await startCity({ url: simulator.url, keys, now, schema: options.schema ?? anyApplication });

  return {
    ...simulator,
    service,
    city,
    keys,
    async close() {
      closing.abort();
      await Promise.all(calls);
      await city.close();
      await simulator.close();
    },
  };
}

/** The routing API and the portal's keys: one route, for the region of the destination and nothing above or below it. */
function route(url: URL, keys: SimulatedKeys): SimulatedAnswer {
  const { destination, submissionHost, services, ars } = fitConnectSimulated;
  if (url.pathname === '/routing/jwks.json') return { status: 200, body: { keys: [keys.portal.published] } };
  if (url.pathname === '/routing/v1/info') return { status: 200, body: { version: { major: 2, minor: 0, patch: 0 } } };
  if (url.pathname !== '/routing/v1/routes') return { status: 404 };
  const leikaKey = url.searchParams.get('leikaKey') ?? '';
  const known = url.searchParams.get('ars') === ars && (services as readonly string[]).includes(leikaKey);
  const signed = {
    submissionHost,
    iss: 'https://portal.example',
    services: [
      {
        gebietIDs: [`urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:rs:${ars}`],
        leistungIDs: services.map((key) => `urn:de:fim:leika:leistung:${key}`),
      },
    ],
    destinationId: destination,
    iat: 1_700_000_000,
    jti: '0b1a4f3e-52f7-4b7e-8b2d-0f1c2d3e4f50',
  };
  const routes = known ? [{ destinationId: destination, destinationSignature: signByHand(signed, keys.portal, 'jwt') }] : [];
  return { status: 200, body: { count: routes.length, offset: 0, totalCount: routes.length, routes } };
}

if (import.meta.main) await runSimulator([], (options) => startFitConnectSimulator(options));
