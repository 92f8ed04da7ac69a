import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '#contract';
import type { SimulatedCase, SimulatedCases } from '../simulation/cases.ts';
import { runSimulator } from '../simulation/command.ts';
import {
  startSimulator,
  type SimulatedAnswer,
  type SimulatedRequest,
  type Simulator,
  type SimulatorOptions,
} from '../simulation/server.ts';
import { dialects, type Dialect, type DialectName } from './dialects.ts';
import { at, build } from './pointer.ts';
import { sign } from './webhook.ts';

export interface RestSimulatorOptions extends SimulatorOptions {
  /** @default 'antraege' */
  readonly dialect?: DialectName;
  /** The one key, token or password it knows. @default 'rest-simulator-secret' */
  readonly secret?: string;
  /** Whom it tells of changes. @default nobody */
  readonly webhook?: WebhookTarget;
}

/** Where notifications go, signed as Standard Webhooks describe. */
export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
}

/** A running simulator that can be told where its notifications go. */
export interface RestSimulator extends Simulator {
  setWebhook(target: WebhookTarget | null): void;
}

export const restSimulatedSecret = 'rest-simulator-secret';

/** Pauses before a notification is sent again, in milliseconds. */
const NOTIFY_AGAIN_MS = [200, 1_000, 5_000, 15_000];

/** Starts a simulated back office on loopback that speaks JSON over HTTP in one of the dialects. */
export async function startRestSimulator(options: RestSimulatorOptions = {}): Promise<RestSimulator> {
  const { dialect: name = 'antraege', secret = restSimulatedSecret } = options;
  const dialect: Dialect = dialects[name];
  const closing = new AbortController();
  let webhook = options.webhook ?? null;

  async function notify(one: SimulatedCase, target: WebhookTarget): Promise<void> {
    const body = JSON.stringify(toCase(one, dialect));
    const id = `msg_${randomUUID()}`;
    for (const pause of [0, ...NOTIFY_AGAIN_MS]) {
      await sleep(pause, undefined, { signal: closing.signal });
      const timestamp = Math.floor(Date.now() / 1000);
      const headers = {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': sign(target.secret, id, timestamp, body),
      };
      const response = await fetch(target.url, { method: 'POST', headers, body, signal: closing.signal }).catch(() => null);
      if (response?.ok) return;
    }
  }

  const simulator = await startSimulator(
    {
      path: dialect.statuses,
      answer: (request, cases) => answer(request, cases, dialect, secret),
      changed(one) {
        // Whoever is not reached in the end still finds the change by asking.
        if (webhook) notify(one, webhook).catch(() => {});
      },
    },
    options,
  );
  return {
    ...simulator,
    setWebhook: (target) => void (webhook = target),
    async close() {
      closing.abort();
      await simulator.close();
    },
  };
}

function answer(request: SimulatedRequest, cases: SimulatedCases, dialect: Dialect, secret: string): SimulatedAnswer {
  const { method, url, body } = request;
  if (!knows(request.headers, dialect.auth, secret)) return { status: 401, body: { error: 'unknown credentials' } };
  if (url.pathname === '/health') return { status: 200, body: { status: 'up' } };
  if (body === undefined) return { status: 400, body: { error: 'not JSON' } };
  if (url.pathname === dialect.path)
    return method === 'POST' ? create(request, cases, dialect) : { status: 200, body: search(url, cases, dialect) };
  const [, id, suffix] = new RegExp(`^${dialect.path}/(\\d+)(/\\w+)?$`).exec(url.pathname) ?? [];
  const found = id === undefined ? null : cases.find(Number(id));
  if (!found) return { status: 404, body: { error: 'unknown' } };
  if (method === 'GET') return { status: 200, body: wrapped(found, dialect) };
  const { withdraw } = dialect;
  if (method !== withdraw.method || (suffix ?? '') !== withdraw.suffix) return { status: 405, body: { error: 'not here' } };
  // Withdrawing twice is withdrawing.
  const withdrawn = found.status === withdraw.status ? found : (cases.setStatus(found.id, withdraw.status) ?? found);
  return { status: 200, body: wrapped(withdrawn, dialect) };
}

function knows(headers: Headers, auth: Dialect['auth'], secret: string): boolean {
  if ('header' in auth) return headers.get(auth.header) === secret;
  if (auth.scheme === 'bearer') return headers.get('authorization') === `Bearer ${secret}`;
  return headers.get('authorization') === `Basic ${Buffer.from(`${auth.user}:${secret}`).toString('base64')}`;
}

function create({ headers, body }: SimulatedRequest, cases: SimulatedCases, dialect: Dialect): SimulatedAnswer {
  const content = body ?? {};
  const problems = [
    ...dialect.required.flatMap((field) =>
      textAt(content, field).trim() === '' ? [[field, 'Bitte machen Sie hier eine Angabe.'] as const] : [],
    ),
    ...Object.entries(dialect.longest).flatMap(([field, most]) =>
      textAt(content, field).length > most ? [[field, `Höchstens ${most} Zeichen.`] as const] : [],
    ),
  ];
  if (problems.length > 0) return { status: 422, body: refusal(problems, dialect) };
  const native = 'header' in dialect.key;
  const named = 'header' in dialect.key ? headers.get(dialect.key.header) : at(content, dialect.key.field);
  const key = typeof named === 'string' ? named : null;
  const before = native && key !== null ? cases.list().find((one) => one.key === key) : undefined;
  if (before && !isDeepStrictEqual(before.content, content))
    return { status: 422, body: { error: 'this key was used for another request' } };
  const made = before ?? cases.create(key, dialect.statuses[0] ?? '', content);
  return { status: before ? 200 : 201, body: wrapped(made, dialect), headers: before ? { 'idempotency-replayed': 'true' } : {} };
}

const textAt = (content: Json, field: string): string => {
  const value = at(content, field);
  return typeof value === 'string' ? value : '';
};

function refusal(problems: readonly (readonly [field: string, text: string])[], { errors }: Dialect): Json {
  const name = (field: string) => (errors.dotted ? field.slice(1).replaceAll('/', '.') : field);
  return build([
    [
      errors.items,
      problems.map(([field, text]) =>
        build([
          [errors.field, name(field)],
          [errors.text, text],
        ]),
      ),
    ],
  ]);
}

function search(url: URL, cases: SimulatedCases, dialect: Dialect): Json {
  const { query, key } = dialect;
  const asked = (name: string) => url.searchParams.get(name);
  const limit = Number(asked(query.limit) ?? 20);
  const ids = asked(query.ids)?.split(',').map(Number);
  let found = cases.list().toSorted((a, b) => a.updatedAt.getTime() - b.updatedAt.getTime() || a.id - b.id);
  if ('query' in key && asked(key.query) !== null) found = found.filter((one) => one.key === asked(key.query));
  if (ids) found = found.filter(({ id }) => ids.includes(id));
  if ('since' in query) {
    const since = Date.parse(asked(query.since) ?? '1970-01-01');
    const page = found.filter(({ updatedAt }) => updatedAt.getTime() >= since).slice(Number(asked(query.offset) ?? 0));
    return build([[dialect.list, page.slice(0, limit).map((one) => toCase(one, dialect))]]);
  }
  // The place is how many changes were read: every version of every case is one.
  const after = Number(asked(query.cursor) || 0);
  const changes = ids
    ? found
    : found.filter((one) => cases.changeNumber(one.id) > after).toSorted((a, b) => cases.changeNumber(a.id) - cases.changeNumber(b.id));
  const page = changes.slice(0, limit);
  const last = page.at(-1);
  return build([
    [dialect.list, page.map((one) => toCase(one, dialect))],
    [query.next, String(last && !ids ? cases.changeNumber(last.id) : after)],
  ]);
}

const wrapped = (one: SimulatedCase, dialect: Dialect): Json =>
  dialect.case.in === '' ? toCase(one, dialect) : build([[dialect.case.in, toCase(one, dialect)]]);

function toCase(one: SimulatedCase, { case: fields, key, numberOf }: Dialect): Json {
  return build([
    [fields.id, one.id],
    [fields.number, numberOf(one.id)],
    [fields.status, one.status],
    [fields.updatedAt, one.updatedAt.toISOString()],
    ...(fields.version === undefined ? [] : [[fields.version, one.version] as const]),
    ...('query' in key ? [[`/${key.query}`, one.key] as const] : []),
  ]);
}

const isDialect = (name: string): name is DialectName => Object.hasOwn(dialects, name);

if (import.meta.main) {
  await runSimulator(['dialect', 'secret'], (options, { dialect = 'antraege', secret }) => {
    if (!isDialect(dialect)) throw new Error(`--dialect is one of ${Object.keys(dialects).join(', ')}, not ${dialect}`);
    return startRestSimulator({ ...options, dialect, ...(secret === undefined ? {} : { secret }) });
  });
}
