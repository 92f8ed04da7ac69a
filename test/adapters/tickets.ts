import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import type { Json } from '#contract';

/** A ticket as this system keeps it. */
export interface Ticket {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly body: Json;
  state: string;
  /** Wall clock of Berlin, without an offset. */
  changed: string;
  readonly files: { readonly name: string; readonly type: string; readonly content: string }[];
}

/** What the system does on request of a test. */
export interface Behaviour {
  tokenLife: number;
  tokenStatus: number;
  /** Where the header Link leads. */
  nextHost: string | null;
  /** Names of files it does not take. */
  refusedFiles: readonly string[];
  /** Answers a submission with 200 and this. */
  submitAnswer: Json | undefined;
  /** How long a new ticket stays hidden from searches, in milliseconds. */
  searchLagMs: number;
  /** What is not there is told with 200 and a code. */
  politelyMissing: boolean;
}

/** As a fresh system behaves. */
export const usualBehaviour: Behaviour = {
  tokenLife: 3600,
  tokenStatus: 200,
  nextHost: null,
  refusedFiles: [],
  submitAnswer: undefined,
  searchLagMs: 0,
  politelyMissing: false,
};

const ID_BASE = 9_007_199_254_740_993n;

/**
 * A ticket system nobody of this project has seen: OAuth 2 tokens, JSON:API envelopes, ids beyond what a number holds, local
 * times, pages by the header Link, files in requests of their own, the new ticket told by Location alone.
 */
export async function startTickets() {
  const tickets: Ticket[] = [];
  const tokens = new Set<string>();
  const asked: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const behaviour: Behaviour = { ...usualBehaviour };
  const madeAt = new WeakMap<Ticket, number>();
  let tokenRequests = 0;

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const { status, body, headers = {} } = answer(request, raw);
      asked.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: raw.toString() });
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      response.writeHead(status, { 'content-type': 'application/vnd.api+json', ...headers }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  afterAll(() => void server.close());
  afterAll(() => server.closeAllConnections());

  interface Answer {
    readonly status: number;
    readonly body?: Json;
    readonly headers?: Record<string, string>;
  }

  function answer(request: IncomingMessage, raw: Buffer): Answer {
    const at = new URL(request.url ?? '/', url);
    if (at.pathname === '/oauth/token') return token(request, raw.toString());
    if (!tokens.has((request.headers.authorization ?? '').replace('Bearer ', ''))) return { status: 401, body: { error: 'expired' } };
    if (at.pathname === '/api/me') return { status: 200, body: { me: 'hub' } };
    const [, id, part] = /^\/api\/tickets(?:\/(\d+))?(\/files|\/cancel)?$/.exec(at.pathname) ?? [];
    const one = tickets.find((ticket) => ticket.id === id);
    if (id !== undefined && !one)
      return behaviour.politelyMissing ? { status: 200, body: { errors: [{ code: 'NO_SUCH_TICKET' }] } } : { status: 404 };
    if (one && part === '/cancel') return cancel(one);
    if (one && part) return takeFile(one, request, raw);
    if (one) return { status: 200, body: `{"data":${shown(one)}}` };
    return request.method === 'POST' ? create(raw) : list(at);
  }

  function token(request: IncomingMessage, form: string): Answer {
    tokenRequests++;
    if (behaviour.tokenStatus !== 200) return { status: behaviour.tokenStatus, body: { error: 'invalid_client' } };
    const given = new URLSearchParams(form);
    const basic = `Basic ${Buffer.from('st%C3%A4dte:geheim%2Fes%3AWort').toString('base64')}`;
    const posted = given.get('client_id') === 'städte' && given.get('client_secret') === 'geheim/es:Wort';
    if (given.get('grant_type') !== 'client_credentials' || (request.headers.authorization !== basic && !posted))
      return { status: 401, body: { error: 'invalid_client' } };
    const access_token = randomUUID();
    tokens.add(access_token);
    return { status: 200, body: { access_token, token_type: 'Bearer', expires_in: behaviour.tokenLife } };
  }

  function create(raw: Buffer): Answer {
    if (behaviour.submitAnswer !== undefined) return { status: 200, body: behaviour.submitAnswer };
    const body = JSON.parse(raw.toString()) as { data: { attributes: { title: string; reference: string } } };
    const { title, reference } = body.data.attributes;
    const id = String(ID_BASE + BigInt(tickets.length * 2));
    const made: Ticket = { id, title, reference, body, state: 'offen', changed: '2026-11-20 11:00:00', files: [] };
    tickets.push(made);
    madeAt.set(made, Date.now());
    return { status: 201, headers: { location: `/api/tickets/${id}` } };
  }

  function cancel(one: Ticket): Answer {
    if (one.state === 'storniert') return { status: 409, body: { errors: [{ code: 'NOT_OPEN' }] } };
    one.state = 'storniert';
    return { status: 200, body: {} };
  }

  function list(at: URL): Answer {
    const reference = at.searchParams.get('filter[reference]');
    const since = (at.searchParams.get('since') ?? '').replace('T', ' ');
    const page = Number(at.searchParams.get('page') ?? 1);
    const found = tickets
      .filter((one) => (reference === null || one.reference === reference) && one.changed >= since)
      .filter((one) => Date.now() - (madeAt.get(one) ?? 0) >= behaviour.searchLagMs)
      .toSorted((a, b) => (a.changed < b.changed ? -1 : a.changed > b.changed ? 1 : 0));
    const slice = found.slice((page - 1) * 3, page * 3);
    at.searchParams.set('page', String(page + 1));
    const next = behaviour.nextHost === null ? at.pathname + at.search : behaviour.nextHost + at.pathname + at.search;
    const headers: Record<string, string> =
      found.length > page * 3 ? { link: `<${at.pathname}>; rel="first", <${next}>; rel="next last"` } : {};
    return { status: 200, body: `{"data":[${slice.map(shown).join(',')}]}`, headers };
  }

  function takeFile(one: Ticket, request: IncomingMessage, raw: Buffer): Answer {
    const boundary = /boundary=(.*)$/.exec(request.headers['content-type'] ?? '')?.[1];
    const part = raw.toString('latin1').split(`--${boundary}`)[1] ?? '';
    const [head = '', content = ''] = part.split('\r\n\r\n');
    const name = /filename="([^"]*)"/.exec(Buffer.from(head, 'latin1').toString())?.[1] ?? '';
    if (behaviour.refusedFiles.includes(name)) return { status: 422, body: { error: 'virus' } };
    one.files.push({ name, type: /content-type: (.*)/i.exec(head)?.[1]?.trim() ?? '', content: content.replace(/\r\n$/, '') });
    return { status: 201, body: {} };
  }

  const shown = ({ id, title, reference, state, changed }: Ticket): string =>
    `{"id":${id},"attributes":${JSON.stringify({ title, reference, changed, history: [{ to: 'offen' }, { to: state }] })}}`;

  return { url, tickets, asked, behaviour, tokenRequests: () => tokenRequests, expireTokens: () => tokens.clear() };
}

/** The ticket system in a city's file: config alone, no code. */
export const ticketsConfig = (url: string, over: Record<string, Json> = {}): Json => ({
  baseUrl: `${url}/api`,
  auth: { scheme: 'oauth2', tokenUrl: `${url}/oauth/token`, clientId: 'städte', secret: 'geheim/es:Wort' },
  mediaType: 'application/vnd.api+json',
  headers: { 'accept-language': 'de' },
  times: { zone: 'Europe/Berlin', since: 'local' },
  idempotency: { lookup: '/tickets?filter[reference]={key}', items: '/data', link: true, key: '/attributes/reference' },
  submit: {
    path: '/tickets',
    body: {
      '/data/type': 'tickets',
      '/data/attributes/title': { $: 'serviceName & " – " & applicant.name' },
      '/data/attributes/reference': '/key',
      '/data/attributes/priority': 2,
      '/data/attributes/form': '/formData',
    },
    id: { header: 'Location' },
  },
  case: { in: '/data', id: '/id', status: { $: 'attributes.history[-1].to' }, updatedAt: '/attributes/changed' },
  load: { path: '/tickets/{id}' },
  changes: { path: '/tickets?since={since}', items: '/data', link: true, limit: 3, overlapMs: 0 },
  attachments: { each: { path: '/tickets/{id}/files', as: { part: 'file' } }, maxBytes: 1000 },
  health: { path: '/me' },
  errors: {
    when: '/errors',
    items: '/errors',
    field: '/source/pointer',
    text: '/detail',
    code: '/errors/0/code',
    kinds: { BUSY: 'retryable' },
  },
  ...over,
});
