import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import type { Json } from '#contract';

/*
 * A server that behaves like the product, its bad habits included: what the adapter guards against must be able to happen here.
 * It is what tests and the conformance kit run against where no real Ticketing is at hand.
 *
 *   node simulator.ts --port 8080     says `url http://127.0.0.1:8080`; end it with Ctrl-C
 */

/** The one token it knows. */
export const simulatedToken = 'ticketing-simulator-token';

export const statuses = ['open', 'in progress', 'question', 'granted', 'refused', 'withdrawn'] as const;
const queues = ['applications'];

interface SimulatedTicket {
  readonly id: number;
  readonly number: string;
  status: string;
  version: number;
  updatedAt: string;
  readonly reference: string | null;
  readonly content: Record<string, Json>;
}

export interface Simulator {
  readonly url: string;
  readonly tickets: readonly SimulatedTicket[];
  /** The next write is done, and its reply lost. */
  dropNextReply(): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** Starts a simulated Ticketing on loopback; port 0 picks a free one. */
export async function startSimulator({ port = 0 }: { port?: number } = {}): Promise<Simulator> {
  const tickets: SimulatedTicket[] = [];
  let dropReply = false;

  function answer(method: string, url: URL, token: string | undefined, body: Record<string, Json>): Answer {
    if (token !== `Bearer ${simulatedToken}`) return { status: 401, body: { error: 'unknown token' } };
    if (url.pathname === '/api/me') return { status: 200, body: { login: 'hub', version: '1.4', queues } };
    if (url.pathname === '/api/statuses') return { status: 200, body: statuses };
    if (url.pathname === '/api/tickets') return method === 'POST' ? create(body) : { status: 200, body: search(url.searchParams) };
    const [, id, part] = /^\/api\/tickets\/(\d+)(\/status)?$/.exec(url.pathname) ?? [];
    const ticket = tickets.find((one) => one.id === Number(id));
    if (!ticket) return { status: 404, body: { error: 'not found' } };
    if (method !== 'PUT' || !part) return { status: 200, body: shown(ticket) };
    const wanted = textOf(body['status']);
    if (!statuses.some((known) => known === wanted)) return refuse('status', 'unknown status');
    if (ticket.status !== wanted)
      Object.assign(ticket, { status: wanted, version: ticket.version + 1, updatedAt: new Date().toISOString() });
    return { status: 200, body: shown(ticket) };
  }

  function create(body: Record<string, Json>): Answer {
    const requester = (body['requester'] ?? {}) as Record<string, Json>;
    if (!queues.includes(textOf(body['queue']))) return refuse('queue', 'unknown queue');
    if (textOf(requester['name']).trim() === '') return refuse('requester.name', 'Bitte geben Sie Ihren Namen an.');
    if (requester['email'] !== undefined && !/^\S+@\S+$/.test(textOf(requester['email'])))
      return refuse('requester.email', 'Das ist keine E-Mail-Adresse.');
    const id = tickets.length + 1;
    const reference = typeof body['reference'] === 'string' ? body['reference'] : null;
    // Two creates with one reference make two tickets: the API does not look.
    const ticket = {
      id,
      number: `T-${1000 + id}`,
      status: 'open',
      version: 1,
      updatedAt: new Date().toISOString(),
      reference,
      content: body,
    };
    tickets.push(ticket);
    return { status: 201, body: shown(ticket) };
  }

  function search(query: URLSearchParams): Json {
    const [reference, ids, since] = [query.get('reference'), query.get('ids')?.split(',').map(Number), query.get('changedSince')];
    const offset = Number(query.get('offset') ?? 0);
    const found = tickets
      .filter((one) => reference === null || one.reference === reference)
      .filter((one) => !ids || ids.includes(one.id))
      .filter((one) => since === null || one.updatedAt >= since)
      .toSorted((a, b) => a.updatedAt.localeCompare(b.updatedAt) || a.id - b.id);
    return { total: found.length, tickets: found.slice(offset, offset + Number(query.get('limit') ?? 20)).map(shown) };
  }

  const server = createServer((request, response) => {
    void read(request).then((body) => {
      const url = new URL(request.url ?? '/', 'http://simulator');
      const { status, body: content } = answer(request.method ?? 'GET', url, request.headers.authorization, body);
      if (dropReply && request.method !== 'GET') {
        dropReply = false;
        return void response.destroy();
      }
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(content));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tickets,
    dropNextReply: () => void (dropReply = true),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const refuse = (field: string, message: string): Answer => ({ status: 422, body: { errors: [{ field, message }] } });

/** What it shows of a ticket: as much as it was given. */
const shown = ({ content, ...ticket }: SimulatedTicket): Json => ({ ...content, ...ticket });

async function read(request: IncomingMessage): Promise<Record<string, Json>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  try {
    return (JSON.parse(Buffer.concat(chunks).toString('utf8')) ?? {}) as Record<string, Json>;
  } catch {
    return {};
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });
  const simulator = await startSimulator({ port: Number(values.port) });
  process.stdout.write(`url ${simulator.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.close());
}
