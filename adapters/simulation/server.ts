import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '#contract';
import { createCases, type SimulatedCase, type SimulatedCases } from './cases.ts';

/** What goes wrong, on purpose; rates from 0 to 1. */
export interface Faults {
  /** Share of writes whose connection is cut after the work was done: the lost reply. */
  readonly dropReplies: number;
  /** Share of requests answered 503 before any work. */
  readonly unavailable: number;
  /** Waits before every answer, in milliseconds. */
  readonly delayMs: number;
  /** Takes every request and never answers. */
  readonly hang: boolean;
  /** Answers every request with a login page and 200, as a portal in front does. */
  readonly loginPage: boolean;
  /** Cuts every answer to a write in the middle of its JSON. */
  readonly cutBodies: boolean;
}

export interface SimulatorOptions {
  /** Loopback port; 0 picks a free one. @default 0 */
  readonly port?: number;
  /** Keeps the cases in this file over restarts. @default in memory */
  readonly file?: string;
  /** Handles cases by itself: each goes one status on after it rested this long, in milliseconds. @default never */
  readonly processAfterMs?: number;
  /** @default none */
  readonly faults?: Partial<Faults>;
  /** In [0, 1), decides faults by rate. @default Math.random */
  readonly random?: () => number;
  readonly now?: () => Date;
}

/** A running simulator. */
export interface Simulator {
  readonly url: string;
  readonly cases: SimulatedCases;
  setFaults(faults: Partial<Faults>): void;
  /** Requests that reached it, faults included. */
  requests(): number;
  close(): Promise<void>;
}

/** A request to the simulated product. */
export interface SimulatedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** Null where there is none; undefined where it is not JSON. */
  readonly body: Json | undefined;
  /** The body as it came, for products that do not speak JSON; empty where there is none or it is too large. */
  readonly text: string;
}

export interface SimulatedAnswer {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of JSON. */
  readonly html?: string;
  /** Instead of JSON: a text under the `content-type` that `headers` state. */
  readonly text?: string;
}

/** What makes a product of a simulator. */
export interface Product {
  answer(request: SimulatedRequest, cases: SimulatedCases): SimulatedAnswer | Promise<SimulatedAnswer>;
  /** Statuses in the order of ordinary handling. */
  readonly path: readonly string[];
  /** Called after a case changed its status, by a person or by itself. */
  changed?(one: SimulatedCase): void;
}

const noFaults: Faults = { dropReplies: 0, unavailable: 0, delayMs: 0, hang: false, loginPage: false, cutBodies: false };
const LOGIN_PAGE = '<!DOCTYPE html><html><body><form action="/login"><input name="password"></form></body></html>';

/*
 * A real HTTP server that speaks a product's protocol, and beside it, under /_sim, what a test or a demonstration needs:
 *
 *   GET  /_sim/cases                    all cases
 *   GET  /_sim/keys                     how many cases each key made
 *   PUT  /_sim/cases/<id>/status        { "status": "…" }, as a clerk would do it
 *   PUT  /_sim/faults                   any part of Faults
 */
export async function startSimulator(product: Product, options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, file, processAfterMs, random = Math.random, now = () => new Date() } = options;
  const cases = createCases(now, file);
  let faults: Faults = { ...noFaults, ...options.faults };
  let requests = 0;
  const closing = new AbortController();

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const method = request.method ?? 'GET';
    const { text, body } = await read(request);
    if (url.pathname.startsWith('/_sim/')) return send(response, administer(method, url, body));
    requests++;
    const writes = method !== 'GET' && method !== 'HEAD';
    if (faults.hang) return;
    if (faults.delayMs > 0) await sleep(faults.delayMs, undefined, { signal: closing.signal });
    if (faults.loginPage) return send(response, { status: 200, html: LOGIN_PAGE });
    if (random() < faults.unavailable)
      return send(response, { status: 503, headers: { 'retry-after': '0' }, body: { error: 'maintenance' } });
    const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const answer = await product.answer({ method, url, headers, body, text }, cases);
    if (writes && random() < faults.dropReplies) return void response.destroy();
    if (writes && faults.cutBodies) return cut(response, answer);
    send(response, answer);
  }

  function administer(method: string, url: URL, body: Json | undefined): SimulatedAnswer {
    const fields = (body ?? {}) as Record<string, Json>;
    if (url.pathname === '/_sim/cases') return { status: 200, body: cases.list() as unknown as Json };
    if (url.pathname === '/_sim/keys') {
      const counts: Record<string, number> = {};
      for (const { key } of cases.list()) if (key !== null) counts[key] = (counts[key] ?? 0) + 1;
      return { status: 200, body: counts };
    }
    if (url.pathname === '/_sim/faults' && method === 'PUT') {
      faults = { ...faults, ...(fields as Partial<Faults>) };
      return { status: 200, body: { ...faults } };
    }
    const id = /^\/_sim\/cases\/(\d+)\/status$/.exec(url.pathname)?.[1];
    const changed = id && typeof fields['status'] === 'string' ? cases.setStatus(Number(id), fields['status']) : null;
    if (!changed) return { status: 404, body: { error: 'no such case, or no status given' } };
    product.changed?.(changed);
    return { status: 200, body: changed as unknown as Json };
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const clerk =
    processAfterMs === undefined
      ? undefined
      : setInterval(
          () => cases.process(product.path, processAfterMs).forEach((one) => product.changed?.(one)),
          Math.max(50, processAfterMs / 4),
        );

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cases,
    setFaults: (changed) => void (faults = { ...faults, ...changed }),
    requests: () => requests,
    async close() {
      clearInterval(clerk);
      closing.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

// Attachments travel in base64.
const MAX_BODY = 16 * 1024 * 1024;

async function read(request: IncomingMessage): Promise<{ readonly text: string; readonly body: Json | undefined }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) return { text: '', body: undefined };
    chunks.push(chunk);
  }
  if (size === 0) return { text: '', body: null };
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return { text, body: JSON.parse(text) as Json };
  } catch {
    return { text, body: undefined };
  }
}

function send(response: ServerResponse, { status, body, html, text, headers = {} }: SimulatedAnswer): void {
  const content = html ?? text ?? (body === undefined ? '' : JSON.stringify(body));
  const type = html === undefined ? 'application/json; charset=utf-8' : 'text/html; charset=utf-8';
  response.writeHead(status, { 'content-type': type, ...headers }).end(content);
}

function cut(response: ServerResponse, { status, body, text = JSON.stringify(body ?? {}), headers = {} }: SimulatedAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text.slice(0, Math.floor(text.length / 2)));
}
