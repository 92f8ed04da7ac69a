import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '#contract';

/** A case of the office, with the key it was made under and what was submitted. */
export interface OfficeCase {
  readonly id: string;
  readonly key: string;
  readonly content: Json;
  status: string;
  version: number;
  updatedAt: Date;
  readonly documents: Map<string, number>;
}

export interface OfficeOptions {
  readonly token?: string;
  /** The same key again makes a second case, as offices do that only keep it. @default false */
  readonly forgetful?: boolean;
  /** Whoever it does not know is shown empty lists instead of the door. @default false */
  readonly anonymous?: boolean;
  /** Others who work there: they make a case so often, in milliseconds, and move the one before on. @default nobody */
  readonly othersEveryMs?: number;
  /** With the first case that the kit makes, somebody else makes one too. @default false */
  readonly oneOther?: boolean;
}

/** A running office. */
export interface Office {
  readonly url: string;
  readonly cases: ReadonlyMap<string, OfficeCase>;
  /** How often each event took effect. */
  readonly events: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly raw: Buffer;
}

interface Answer {
  readonly status: number;
  readonly body?: Json;
}

export const officeToken = 'office-token-1234';
export const officeWebhookSecret = 'office-webhook-secret';
export const officeArs = '051110000000';

const statuses = ['NEW', 'CHECKING', 'GRANTED'] as const;
const MOST_IDS = 20;
const MOST_BYTES = 1024 * 1024;

/** Signature of a notification: HMAC-SHA256 over moment and body. */
export const signNotification = (secret: string, moment: string, body: string | Uint8Array): string =>
  createHmac('sha256', secret).update(`${moment}.`).update(body).digest('hex');

/*
 * A back office over HTTP that has every ability an adapter may have: a paged catalogue with forms, cases under a key with
 * documents, numbered changes, events of others, rows of its own. Under /_office stand the doings of a clerk that the samples name: move
 * a case, read it, count what a key made, change a form.
 */
export async function startOffice(options: OfficeOptions = {}): Promise<Office> {
  const { token = officeToken, forgetful = false, anonymous = false, othersEveryMs, oneOther = false } = options;
  const cases = new Map<string, OfficeCase>();
  const log: { readonly id: string; readonly status: string; readonly version: number; readonly updatedAt: Date }[] = [];
  const events = new Map<string, number>();
  let formRevision = 1;

  const changed = (one: OfficeCase) => {
    one.version++;
    one.updatedAt = new Date();
    log.push({ id: one.id, status: one.status, version: one.version, updatedAt: one.updatedAt });
  };
  const shown = ({ id, key, status, version, updatedAt }: OfficeCase): Json => ({
    id,
    key,
    number: `A-${id}`,
    status,
    version,
    updatedAt: updatedAt.toISOString(),
  });
  const byKey = (key: string) => [...cases.values()].filter((one) => one.key === key);

  /** A case that somebody else makes. */
  function makeOther(): void {
    const before = cases.get(String(cases.size));
    const id = String(cases.size + 1);
    const one = { id, key: `other-${id}`, content: null, status: statuses[0], version: 0, updatedAt: new Date(), documents: new Map() };
    cases.set(id, one);
    changed(one);
    if (before?.key.startsWith('other-')) {
      before.status = statuses[1];
      changed(before);
    }
  }
  let otherIsDue = oneOther;

  function submit(key: string, body: Json): Answer {
    const [before] = byKey(key);
    if (before && !forgetful) return { status: 200, body: shown(before) };
    const content = body as { applicant?: { name?: string } } | null;
    if (!content?.applicant?.name?.trim()) return { status: 422, body: { fields: { '/applicant/name': 'Bitte nennen Sie Ihren Namen.' } } };
    const made: OfficeCase = {
      id: String(cases.size + 1),
      key,
      content: body,
      status: statuses[0],
      version: 0,
      updatedAt: new Date(),
      documents: new Map(),
    };
    cases.set(made.id, made);
    changed(made);
    if (otherIsDue) makeOther();
    otherIsDue = false;
    return { status: 201, body: shown(made) };
  }

  function offers(page: number): Json {
    const names = ['Bewohnerparkausweis', 'Halteverbot', 'Geburtsurkunde'];
    const name = names[page];
    return {
      items: name === undefined ? [] : [{ key: name.toLowerCase(), name, revision: String(formRevision), longest: 100 + formRevision }],
      more: page + 1 < names.length,
    };
  }

  const api: Record<string, (asked: Asked, id: string, rest: string) => Answer> = {
    'GET health': () => ({ status: 200, body: { system: 'Test Office 1.0', desks: ['citizens', 'traffic'] } }),
    'GET offers': ({ url }) => ({ status: 200, body: offers(Number(url.searchParams.get('page') ?? 0)) }),
    'PUT keys': ({ raw }, key) => submit(key, JSON.parse(raw.toString('utf8')) as Json),
    'GET keys': (_, key) => ({ status: 200, body: { items: byKey(key).map(shown) } }),
    'GET cases': ({ url }) => {
      const ids = (url.searchParams.get('ids') ?? '').split(',');
      if (ids.length > MOST_IDS) return { status: 400, body: { error: `more than ${MOST_IDS} ids` } };
      return { status: 200, body: { items: ids.flatMap((id) => cases.get(id) ?? []).map(shown) } };
    },
    'PUT documents': ({ raw }, id, document) => {
      cases.get(id)?.documents.set(document, raw.length);
      return { status: cases.has(id) ? 204 : 404 };
    },
    'PUT withdrawals': (_, id) => {
      const one = cases.get(id);
      if (!one) return { status: 404 };
      if (one.status !== 'WITHDRAWN') {
        one.status = 'WITHDRAWN';
        changed(one);
      }
      return { status: 200, body: shown(one) };
    },
    'GET changes': ({ url }) => {
      const after = Number(url.searchParams.get('after') ?? 0);
      const page = log.slice(after, after + 5);
      const items = page.map((one) => ({ ...one, number: `A-${one.id}`, updatedAt: one.updatedAt.toISOString() }));
      return { status: 200, body: { items, next: after + page.length } };
    },
    'PUT events': (_, id) => {
      if (!events.has(id)) events.set(id, 1);
      return { status: 204 };
    },
    'POST events': (_, id) => {
      events.set(id, (events.get(id) ?? 0) + 1);
      return { status: 204 };
    },
    'GET rows': ({ url }) => ({
      status: 200,
      body: { items: (url.searchParams.get('rows') ?? '').split(',').map((ars) => (ars === officeArs ? { places: 12 } : null)) },
    }),
  };

  const clerk: Record<string, (id: string, rest: string) => Answer> = {
    advance(id, status) {
      const one = cases.get(id);
      if (!one) return { status: 404 };
      one.status = status || statuses[(statuses.indexOf(one.status as 'NEW') + 1) % statuses.length] || statuses[0];
      changed(one);
      return { status: 200, body: one.status };
    },
    read: (id) => {
      const one = cases.get(id);
      return one ? { status: 200, body: { key: one.key, content: one.content, documents: [...one.documents.keys()] } } : { status: 404 };
    },
    count: (key) => ({ status: 200, body: byKey(key).length }),
    total: () => ({ status: 200, body: cases.size }),
    'count-events': (id) => ({ status: 200, body: events.get(id) ?? 0 }),
    'change-form': () => ({ status: 200, body: ++formRevision }),
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://office');
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
      size += part.length;
      if (size <= MOST_BYTES) parts.push(part);
    }
    const [first = '', second = '', ...others] = url.pathname.slice(1).split('/').map(decodeURIComponent);
    const asked = { method: request.method ?? 'GET', url, headers: request.headers, raw: Buffer.concat(parts) };
    const answer = (): Answer => {
      if (first === '_office') return clerk[second]?.(others[0] ?? '', others[1] ?? '') ?? { status: 404 };
      const known = request.headers.authorization === `Bearer ${token}`;
      if (!known && anonymous && asked.method === 'GET' && first !== 'health')
        return { status: 200, body: { items: [], more: false, next: 0 } };
      if (!known) return { status: 401, body: { error: 'unknown token' } };
      return api[`${asked.method} ${first}`]?.(asked, second, others[0] ?? '') ?? { status: 404 };
    };
    const { status, body } = answer();
    response.writeHead(status, { 'content-type': 'application/json' }).end(body === undefined ? '' : JSON.stringify(body));
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const others = othersEveryMs === undefined ? undefined : setInterval(makeOther, othersEveryMs);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cases,
    events,
    async close() {
      clearInterval(others);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
