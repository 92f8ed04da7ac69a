import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import {
  AdapterError,
  readChanges,
  type Adapter,
  type AdapterDefinition,
  type Attachment,
  type Call,
  type CaseChange,
  type CasePort,
  type CaseRef,
  type CaseSnapshot,
  type Host,
  type Json,
  type OfferRecord,
} from '#contract';
import { officeArs, signNotification } from './office.ts';

/** Config of the good adapter. */
export const goodConfig = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).meta({ 'x-hub': 'endpoint', description: 'Address of the office.' }),
  token: z.string().min(8).meta({ 'x-hub': 'secret', description: 'Token of the hub’s account.' }),
  webhookSecret: z.string().min(8).meta({ 'x-hub': 'secret', description: 'Shared secret of notifications.' }),
  idempotency: z.enum(['native', 'lookup']).default('native').describe('Whether the office honours keys or is asked for them.'),
  desk: z.string().min(1).default('citizens').describe('The desk that gets the applications.'),
});
export type GoodConfig = z.output<typeof goodConfig>;

/** What a broken adapter is made from. */
export interface GoodParts {
  readonly config: GoodConfig;
  readonly host: Host;
  /** Asks the office. */
  readonly ask: Ask;
}

export type Ask = (
  method: string,
  path: string,
  call: Call,
  body?: Json | Uint8Array<ArrayBuffer>,
) => Promise<{ status: number; body: Json }>;

interface Shown {
  readonly id: string;
  readonly key: string;
  readonly number: string;
  readonly status: string;
  readonly version: number;
  readonly updatedAt: string;
}

const MOST_IDS = 20;
const REPLAY_WINDOW_MS = 300_000;

/** What an answer means, and whether a write may have landed. */
export const createAsk =
  (config: GoodConfig, host: Host): Ask =>
  async (method, path, call, body) => {
    const response = await host.fetch(config.baseUrl + path, {
      method,
      signal: call.signal,
      headers: { authorization: `Bearer ${config.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
    });
    const { status } = response;
    const unsure = method === 'GET' ? 'none' : 'unknown';
    const pause = response.headers.get('retry-after');
    if (status === 429 || (status === 503 && pause !== null))
      throw new AdapterError('retryable', 'none', `the office asks for a pause (${status})`, { retryAfterMs: Number(pause ?? 1) * 1000 });
    if (status >= 500) throw new AdapterError('unavailable', unsure, `the office failed with ${status}`);
    if (status === 401 || status === 403) throw new AdapterError('misconfigured', 'none', 'the token is not accepted');
    if (status === 404 || status === 204) return { status, body: null };
    if (!response.headers.get('content-type')?.includes('json'))
      throw new AdapterError('misconfigured', unsure, 'it answers a page instead of JSON: a login page in front?');
    const parsed = await response.json().catch(() => {
      throw new AdapterError('malformed', unsure, 'the answer is cut off or is not JSON');
    });
    if (status >= 400) throw new AdapterError('rejected', 'none', `the office refused (${status})`, { fields: fieldsOf(parsed as Json) });
    return { status, body: parsed as Json };
  };

const fieldsOf = (body: Json): Record<string, string> => (body as { fields?: Record<string, string> } | null)?.fields ?? {};

function toSnapshot(found: Json | undefined, effect: 'none' | 'unknown' = 'none'): CaseSnapshot & { key: string } {
  const one = found as unknown as Partial<Shown> | null | undefined;
  const updatedAt = new Date(one?.updatedAt ?? Number.NaN);
  if (typeof one?.id !== 'string' || typeof one.status !== 'string' || Number.isNaN(updatedAt.getTime()))
    throw new AdapterError('malformed', effect, 'the answer is no case of the office');
  const ref = { id: one.id, publicNumber: one.number ?? one.id };
  return { ref, nativeStatus: one.status, version: String(one.version), updatedAt, key: one.key ?? '' };
}

const toChange = (found: Json): CaseChange => {
  const { ref, nativeStatus, version, updatedAt } = toSnapshot(found);
  return { ref, nativeStatus, version, updatedAt, id: `${ref.id} ${version}` };
};

const idOf = (found: Json): string | null => {
  const { id } = (found ?? {}) as { id?: unknown };
  return typeof id === 'string' ? id : null;
};

function listOf(body: Json): readonly Json[] {
  const { items } = (body ?? {}) as { items?: readonly Json[] };
  if (!Array.isArray(items)) throw new AdapterError('malformed', 'none', 'the answer has no list');
  return items;
}

/** Whatever becomes of a document: the case it belongs to is there. */
function caseStands(error: unknown): never {
  if (!(error instanceof AdapterError) || error.effect !== 'none') throw error;
  const { kind, message, retryAfterMs } = error;
  throw new AdapterError(kind, 'unknown', message, retryAfterMs === undefined ? {} : { retryAfterMs });
}

const ownsPath = ({ status }: { status: number }, what: string): void => {
  if (status === 404) throw new AdapterError('misconfigured', 'none', `the office does not know ${what}: check baseUrl`);
};

/** An adapter for the office of office.ts that keeps every promise of the contract and has every port. */
export function createGood(config: GoodConfig, host: Host, ask: Ask = createAsk(config, host)): Adapter {
  const list = async (path: string, call: Call, what: string): Promise<readonly Json[]> => {
    const reply = await ask('GET', path, call);
    ownsPath(reply, what);
    return listOf(reply.body);
  };

  const found = async (key: string, call: Call): Promise<CaseRef | null> => {
    const cases = (await list(`/keys/${encodeURIComponent(key)}`, call, 'keys')).map((one) => toSnapshot(one));
    return cases.find((one) => one.key === key)?.ref ?? null;
  };

  const uploaded = async (ref: CaseRef, document: Attachment, call: Call): Promise<boolean> => {
    const bytes = new Uint8Array(await new Response(document.open()).arrayBuffer());
    const { status } = await ask('PUT', `/documents/${encodeURIComponent(ref.id)}/${document.id}`, call, bytes).catch(caseStands);
    return status === 204;
  };

  const submit: CasePort['submit'] = async ({ applicant, attachments = [], submittedAt, ...application }, call) => {
    const content = { ...application, submittedAt: submittedAt.toISOString(), applicant: applicant as unknown as Json };
    const made = await call.step('case', async () => {
      const before = config.idempotency === 'lookup' ? await found(call.key, call) : null;
      if (before) return { ref: before as unknown as Json, replayed: true };
      const { status, body } = await ask('PUT', `/keys/${encodeURIComponent(call.key)}`, call, content);
      if (status === 404) throw new AdapterError('misconfigured', 'none', 'the office does not know keys: check baseUrl');
      return { ref: toSnapshot(body, 'unknown').ref as unknown as Json, replayed: status === 200 };
    });
    const ref = made.ref as unknown as CaseRef;
    const undone: string[] = [];
    for (const document of attachments) {
      const arrived = await call.step(`document ${document.id}`, () => uploaded(ref, document, call));
      if (!arrived) undone.push(document.id);
    }
    return { ref, taken: 'now', replayed: made.replayed, ...(undone.length > 0 ? { undone } : {}) };
  };

  return {
    start: async () => {},
    stop: async () => {},
    async check(call) {
      const since = performance.now();
      const { status, body } = await ask('GET', '/health', call);
      const { system, desks } = (body ?? {}) as { system?: unknown; desks?: readonly string[] };
      const reached = status === 200 && typeof system === 'string';
      const known = desks?.includes(config.desk) ?? false;
      const ms = Math.round(performance.now() - since);
      const probes = [
        { name: 'credentials', ok: reached, ms, ...(reached ? {} : { hint: 'baseUrl is no office' }) },
        { name: 'desk', ok: known, ms, ...(known ? {} : { hint: `desk: the office has ${desks?.join(', ') ?? 'none'}` }) },
      ];
      return { ok: reached && known, probes, ...(reached ? { system } : {}) };
    },
    catalogue: {
      async *listOffers(call) {
        for (let page = 0, more = true; more; page++) {
          const reply = await ask('GET', `/offers?page=${page}`, call);
          ownsPath(reply, 'offers');
          const items = listOf(reply.body).map(toOffer);
          const further = (reply.body as { more?: unknown }).more;
          if (typeof further !== 'boolean')
            throw new AdapterError('malformed', 'none', 'a page of offers does not say whether more follow');
          more = further;
          yield { items, next: String(page + 1) };
        }
      },
    },
    cases: {
      traits: {
        maxBatch: MOST_IDS,
        idempotency: config.idempotency,
        attachments: { maxBytes: 1_000_000, mediaTypes: ['application/pdf'] },
      },
      submit,
      ...(config.idempotency === 'lookup' ? { findByKey: (keys, call) => Promise.all(keys.map((key) => found(key, call))) } : {}),
      async loadCases(refs, call) {
        const path = `/cases?ids=${refs.map(({ id }) => encodeURIComponent(id)).join(',')}`;
        const cases = (await list(path, call, 'cases')).map((one) => toSnapshot(one));
        return refs.map(({ id }) => {
          const one = cases.find(({ ref }) => ref.id === id);
          return one ? { ref: one.ref, nativeStatus: one.nativeStatus, version: one.version, updatedAt: one.updatedAt } : null;
        });
      },
      async withdraw(ref, _reason, call) {
        const { status } = await ask('PUT', `/withdrawals/${encodeURIComponent(ref.id)}`, call, {});
        if (status === 404) throw new AdapterError('rejected', 'none', 'the office does not have this case any more');
      },
    },
    changes: {
      traits: { ordering: 'per-case', overlapMs: 0, everyMs: 1000 },
      async *pull(from, call) {
        for (let after = Number(from ?? 0), more = true; more;) {
          const reply = await ask('GET', `/changes?after=${after}`, call);
          ownsPath(reply, 'changes');
          const found = listOf(reply.body);
          const { next } = reply.body as { next?: unknown };
          if (typeof next !== 'number') throw new AdapterError('malformed', 'none', 'a page of changes has no place to go on');
          more = found.length > 0;
          after = next;
          yield { ...(await readChanges(found, toChange, idOf)), next: String(after) };
        }
      },
    },
    webhook: {
      traits: { auth: 'signature', replayWindowMs: REPLAY_WINDOW_MS },
      async receive({ headers, raw }) {
        const moment = headers.get('x-moment') ?? '';
        const expected = Buffer.from(signNotification(config.webhookSecret, moment, raw));
        const given = Buffer.from(headers.get('x-signature') ?? '');
        if (given.length !== expected.length || !timingSafeEqual(given, expected))
          throw new AdapterError('rejected', 'none', 'the notification was refused: its signature does not hold');
        if (!(Math.abs(host.now().getTime() - Date.parse(moment)) <= REPLAY_WINDOW_MS))
          throw new AdapterError('rejected', 'none', 'the notification was refused: it is old');
        return { changes: listOf(parse(raw)).map(toChange) };
      },
    },
    events: {
      types: ['move.registered'],
      async receive(event, call) {
        const { status } = await ask('PUT', `/events/${encodeURIComponent(call.key)}`, call, { type: event.type, facts: event.facts });
        if (status === 404) throw new AdapterError('misconfigured', 'none', 'the office takes no events: check baseUrl');
      },
    },
    rows: {
      traits: { maxBatch: MOST_IDS },
      fields: ['Municipality.parkingPlaces'],
      async load({ rows }, call) {
        const values = await list(`/rows?rows=${rows.join(',')}`, call, 'rows');
        if (values.length !== rows.length) throw new AdapterError('malformed', 'none', 'the office answers another number of rows');
        return rows.map((ars, index) => {
          const value = values[index] ?? null;
          return value === null || ars !== officeArs ? null : { ars, value };
        });
      },
    },
  };
}

function toOffer(found: Json): OfferRecord {
  const { key, name, revision, longest } = (found ?? {}) as Record<string, unknown>;
  if (typeof key !== 'string' || typeof name !== 'string' || typeof revision !== 'string')
    throw new AdapterError('malformed', 'none', 'the answer is no offer of the office');
  return {
    localKey: key,
    serviceKey: null,
    name: { de: name },
    authority: { name: 'Bürgeramt' },
    channels: ['ONLINE'],
    maturityLevel: 3,
    fees: [],
    requiredDocuments: [],
    assuranceLevel: 'NONE',
    appointment: 'NONE',
    form: { revision, schema: { type: 'object', properties: { note: { type: 'string', maxLength: Number(longest) } } } },
  };
}

function parse(raw: Uint8Array): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw)) as Json;
  } catch {
    throw new AdapterError('malformed', 'none', 'the notification is not JSON');
  }
}

/** The good adapter as a product. */
export const good: AdapterDefinition<GoodConfig> = {
  id: 'good',
  version: '1.1.0',
  contract: ['1.0'],
  config: goodConfig,
  expects: { system: 'Test Office', versions: '1' },
  create: createGood,
};

/** The good adapter with one thing wrong. */
export const breakGood = (
  change: (adapter: Adapter, parts: GoodParts) => Partial<Adapter>,
  definition: Partial<AdapterDefinition<GoodConfig>> = {},
): AdapterDefinition => {
  const made: AdapterDefinition<GoodConfig> = {
    ...good,
    ...definition,
    create(config, host) {
      const ask = createAsk(config, host);
      const adapter = createGood(config, host, ask);
      return { ...adapter, ...change(adapter, { config, host, ask }) };
    },
  };
  return made;
};
