import type { Applications } from '../../applications/applications.ts';
import { failure } from '../errors.ts';
import { readBody } from './body.ts';
import { answer, answerFailure, type Route } from './exchange.ts';

/** `POST /hooks/<city>/<adapter>`: a city's back office tells of a change. The adapter verifies who speaks. */
export const webhookRoute =
  (applications: Applications, mostBytes: number): Route =>
  async (exchange) => {
    const { request, url, language } = exchange;
    if (request.method !== 'POST') return answerFailure(exchange, failure('METHOD_NOT_ALLOWED', language), { allow: 'POST' });
    const [city, adapter, ...rest] = url.pathname.slice('/hooks/'.length).split('/');
    // A back office that cannot sign keeps a secret in the path: what follows the adapter's name is for the adapter to judge.
    if (!city || !adapter) return answerFailure(exchange, failure('NOT_FOUND', language));
    const raw = await readBody(request, mostBytes);
    if (raw === null) return answerFailure(exchange, failure('BODY_TOO_LARGE', language), { connection: 'close' });
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) if (value !== undefined) headers.set(name, String(value));
    headers.set('traceparent', exchange.traceparent);
    headers.delete('x-hub-path');
    if (rest.length > 0) headers.set('x-hub-path', rest.join('/'));
    const reply = await applications.receiveWebhook(city, adapter, { method: request.method, headers, raw });
    const type = reply.body.startsWith('{') ? 'application/json' : 'text/plain; charset=utf-8';
    answer(exchange, reply.status, type, reply.body, { 'cache-control': 'no-store' });
  };
