import { randomUUID } from 'node:crypto';
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
import { definitions, services, type SimulatedService } from './simulated-services.ts';

export interface Open311SimulatorOptions extends SimulatorOptions {
  /** @default 'open311-simulator-key' */
  readonly apiKey?: string;
  /** Answers new requests with a token; the id is there when it was asked for this many times. @default ids at once */
  readonly tokenAfter?: number;
  /** Keeps attribute[external_id] and finds requests by it. @default true */
  readonly externalIds?: boolean;
}

export const open311SimulatedKey = 'open311-simulator-key';
export const open311Jurisdiction = 'musterstadt.example';

/** A running GeoReport server whose service list can be changed. */
export interface Open311Simulator extends Simulator {
  /** Adds an attribute to the definition of a service. */
  addAttribute(code: string, attribute: Json): void;
}

/** Starts a simulated GeoReport v2 server on loopback, below /open311/v2, in JSON and XML. */
export async function startOpen311Simulator(options: Open311SimulatorOptions = {}): Promise<Open311Simulator> {
  const { apiKey = open311SimulatedKey, tokenAfter, externalIds = true } = options;
  const tokens = new Map<string, { readonly id: number; asked: number }>();
  const added = new Map<string, Json[]>();
  const state: State = { apiKey, tokenAfter, externalIds, tokens, added };
  const simulator = await startSimulator(
    { path: ['open', 'in_progress', 'closed'], answer: (request, cases) => answer(request, cases, state) },
    options,
  );
  return { ...simulator, addAttribute: (code, attribute) => addTo(added, code, attribute) };
}

interface State {
  readonly apiKey: string;
  readonly tokenAfter: number | undefined;
  readonly externalIds: boolean;
  readonly tokens: Map<string, { readonly id: number; asked: number }>;
  readonly added: Map<string, Json[]>;
}

const addTo = (added: Map<string, Json[]>, code: string, attribute: Json): void =>
  void added.set(code, [...(added.get(code) ?? []), attribute]);

type Body = { readonly root: string; readonly item: string; readonly records: readonly Json[] };

class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function answer(request: SimulatedRequest, cases: SimulatedCases, state: State): SimulatedAnswer {
  // Of the simulator, not of the standard: adds an attribute to a service.
  const changed = /^\/simulator\/services\/(\w+)\/attributes$/.exec(request.url.pathname)?.[1];
  if (changed !== undefined && request.body) {
    addTo(state.added, changed, request.body);
    return { status: 201, body: {} };
  }
  const [, path, format] = /^\/open311\/v2\/(.+)\.(json|xml)$/.exec(request.url.pathname) ?? [];
  if (path === undefined) return { status: 404, body: { error: 'unknown' } };
  const xml = format === 'xml';
  try {
    return written(200, respond(path, request, cases, state), xml);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const problem = { code: String(error.status), description: error.message };
    return written(error.status, { root: 'errors', item: 'error', records: [problem] }, xml);
  }
}

function respond(path: string, request: SimulatedRequest, cases: SimulatedCases, state: State): Body {
  const form = new URLSearchParams(request.text);
  const asked = request.method === 'POST' ? form : request.url.searchParams;
  if (request.method === 'POST' && form.get('api_key') !== state.apiKey) throw new Refused(403, 'api_key is missing or not known');
  if ((asked.get('jurisdiction_id') ?? open311Jurisdiction) !== open311Jurisdiction) throw new Refused(404, 'jurisdiction_id is not known');
  const [what = '', id] = path.split('/').map(decodeURIComponent);
  if (what === 'services')
    return id === undefined ? { root: 'services', item: 'service', records: services as unknown as Json[] } : defined(id, state);
  if (what === 'tokens' && id !== undefined) return byToken(id, state);
  if (what !== 'requests') throw new Refused(404, 'no such resource');
  if (request.method === 'POST') return create(form, cases, state);
  if (id === undefined) return list(request.url.searchParams, cases, state);
  const found = /^\d{1,9}$/.test(id) ? cases.find(Number(id)) : null;
  if (!found) throw new Refused(404, 'service_request_id was not found');
  return requests([found], state);
}

function defined(code: string, { added }: State): Body {
  const attributes = definitions[code];
  if (!attributes) throw new Refused(404, 'service_code was not found');
  const record = { service_code: code, attributes: [...attributes, ...(added.get(code) ?? [])] };
  return { root: 'service_definition', item: '', records: [record as unknown as Json] };
}

function byToken(token: string, { tokens, tokenAfter = 0 }: State): Body {
  const known = tokens.get(token);
  if (!known) throw new Refused(404, 'token was not found');
  const ready = ++known.asked > tokenAfter;
  return { root: 'service_requests', item: 'request', records: [{ token, ...(ready ? { service_request_id: String(known.id) } : {}) }] };
}

function create(form: URLSearchParams, cases: SimulatedCases, state: State): Body {
  const service = services.find(({ service_code }) => service_code === form.get('service_code'));
  if (!form.get('service_code')) throw new Refused(400, 'service_code was not provided');
  if (!service) throw new Refused(404, 'service_code was not found');
  if (!form.get('address_string') && !(form.get('lat') && form.get('long')))
    throw new Refused(400, 'address_string, or lat and long, is required');
  if ((form.get('description') ?? '').length > 4000) throw new Refused(400, 'description is longer than 4000 characters');
  for (const { code, required, variable } of definitions[service.service_code] ?? [])
    if (required && variable && !form.get(`attribute[${code}]`) && !form.get(`attribute[${code}][]`))
      throw new Refused(400, `attribute[${code}] is required`);
  const content = Object.fromEntries(
    [...new Set(form.keys())].filter((name) => name !== 'api_key').map((name) => [name, form.getAll(name).join(', ')]),
  );
  const made = cases.create(state.externalIds ? form.get('attribute[external_id]') : null, 'open', content);
  if (state.tokenAfter === undefined)
    return { root: 'service_requests', item: 'request', records: [{ service_request_id: String(made.id), service_notice: '' }] };
  const token = randomUUID();
  state.tokens.set(token, { id: made.id, asked: 0 });
  return { root: 'service_requests', item: 'request', records: [{ token, service_notice: '' }] };
}

/** Newest first, as most servers list. */
function list(query: URLSearchParams, cases: SimulatedCases, state: State): Body {
  const ids = query.get('service_request_id')?.split(',');
  const after = Date.parse(query.get('updated_after') ?? '1970-01-01');
  const [start, end] = [Date.parse(query.get('start_date') ?? '1970-01-01'), Date.parse(query.get('end_date') ?? '2999-01-01')];
  const external = state.externalIds ? query.get('external_id') : null;
  const found = cases
    .list()
    .filter(({ id }) => !ids || ids.includes(String(id)))
    .filter(({ key }) => external === null || key === external)
    .filter(({ createdAt, updatedAt }) => updatedAt.getTime() >= after && createdAt.getTime() >= start && createdAt.getTime() <= end)
    .toSorted((a, b) => b.updatedAt.getTime() - a.updatedAt.getTime() || b.id - a.id);
  const size = Math.min(1000, Number(query.get('page_size') ?? 1000));
  const page = Number(query.get('page') ?? 1);
  return requests(found.slice((page - 1) * size, page * size), state);
}

const requests = (found: readonly SimulatedCase[], state: State): Body => ({
  root: 'service_requests',
  item: 'request',
  records: found.map((one) => {
    const sent = one.content as Record<string, string>;
    const service: SimulatedService | undefined = services.find(({ service_code }) => service_code === sent['service_code']);
    return {
      service_request_id: String(one.id),
      // The standard knows two statuses; the finer one is an extension.
      status: one.status === 'closed' || one.status === 'rejected' ? 'closed' : 'open',
      service_code: sent['service_code'] ?? '',
      service_name: service?.service_name ?? '',
      description: sent['description'] ?? '',
      address: sent['address_string'] ?? '',
      requested_datetime: one.createdAt.toISOString(),
      updated_datetime: one.updatedAt.toISOString(),
      extended_attributes: { detailed_status: one.status, ...(state.externalIds && one.key !== null ? { external_id: one.key } : {}) },
    };
  }),
});

function written(status: number, { root, item, records }: Body, xml: boolean): SimulatedAnswer {
  if (!xml) return { status, body: item === '' ? (records[0] ?? null) : records };
  const content = item === '' ? toXml(root, records[0] ?? null) : toXml(root, records, item);
  return { status, text: `<?xml version="1.0" encoding="utf-8"?>\n${content}`, headers: { 'content-type': 'text/xml; charset=utf-8' } };
}

const itemOf: Readonly<Record<string, string>> = { attributes: 'attribute', values: 'value' };
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function toXml(name: string, value: Json, item = itemOf[name] ?? 'value'): string {
  const inner = Array.isArray(value)
    ? (value as readonly Json[]).map((one) => toXml(item, one)).join('')
    : value !== null && typeof value === 'object'
      ? Object.entries(value)
          .map(([child, content]) => toXml(child, content))
          .join('')
      : escaped(typeof value === 'string' ? value : JSON.stringify(value ?? ''));
  return `<${name}>${inner}</${name}>`;
}

if (import.meta.main) {
  await runSimulator(['api-key', 'token-after'], (options, { 'api-key': apiKey, 'token-after': tokenAfter }) =>
    startOpen311Simulator({
      ...options,
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(tokenAfter === undefined ? {} : { tokenAfter: Number(tokenAfter) }),
    }),
  );
}
