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

export interface RedmineSimulatorOptions extends SimulatorOptions {
  /** The one API key it knows. @default 'redmine-simulator-key' */
  readonly apiKey?: string;
}

/** What its project, tracker and custom field are called; the config of a city names the same. */
export const redmineSimulated = { apiKey: 'redmine-simulator-key', project: 'permits', tracker: 1, keyField: 1 } as const;

const statuses = ['New', 'In Progress', 'Resolved', 'Feedback', 'Closed', 'Rejected', 'Withdrawn'].map((name, index) => ({
  id: index + 1,
  name,
}));

/*
 * As much of Redmine 5's REST API as the hub uses, with its habits: an unknown key sees an empty list (and is refused for
 * writing), a filter on an unknown field is ignored, an id that is no number spoils its list, an unknown tracker becomes the
 * default one, an unknown status is accepted without effect, two creates with one key make two issues, and time counts in
 * seconds.
 */

/** Starts a simulated Redmine on loopback. */
export function startRedmineSimulator(options: RedmineSimulatorOptions = {}): Promise<Simulator> {
  const apiKey = options.apiKey ?? redmineSimulated.apiKey;
  return startSimulator({ path: ['New', 'In Progress', 'Resolved'], answer: (request, cases) => answer(request, cases, apiKey) }, options);
}

function answer(request: SimulatedRequest, cases: SimulatedCases, apiKey: string): SimulatedAnswer {
  const { method, url, body } = request;
  const known = request.headers.get('x-redmine-api-key') === apiKey;
  const path = url.pathname;
  if (body === undefined) return { status: 400, html: '<h1>Bad Request</h1>' };
  if (!known && method !== 'GET') return { status: 401 };
  if (path === '/users/current.json') return known ? { status: 200, body: { user: { id: 1, login: 'hub' } } } : { status: 401 };
  if (path === '/issue_statuses.json') return known ? { status: 200, body: { issue_statuses: statuses } } : { status: 401 };
  if (path === `/projects/${redmineSimulated.project}.json`)
    return {
      status: 200,
      body: { project: { id: 1, identifier: redmineSimulated.project, trackers: [{ id: redmineSimulated.tracker, name: 'Antrag' }] } },
    };
  const ids = url.searchParams.get('issue_id')?.split(',') ?? [];
  if (path === '/issues.json' && ids.some((each) => !/^\d+$/.test(each))) return { status: 422, body: { errors: ['Issue is invalid'] } };
  if (path === '/issues.json')
    return method === 'POST' ? create(body, cases) : { status: 200, body: known ? search(url, cases) : search(url, null) };
  const id = /^\/issues\/(\d+)\.json$/.exec(path)?.[1];
  const issue = known && id ? cases.find(Number(id)) : null;
  if (!issue) return { status: 404 };
  if (method !== 'PUT') return { status: 200, body: { issue: toIssue(issue) } };
  const wanted = (body as { issue?: { status_id?: number | string } } | null)?.issue?.status_id;
  const status = statuses.find((one) => one.id === Number(wanted));
  if (status) cases.setStatus(issue.id, status.name);
  return { status: 204 };
}

function create(body: Json, cases: SimulatedCases): SimulatedAnswer {
  const issue = (body as { issue?: { subject?: string; project_id?: string; custom_fields?: { id: number; value: string }[] } } | null)
    ?.issue;
  if (issue?.project_id !== redmineSimulated.project)
    return { status: 422, body: { errors: ['Project cannot be blank', 'Tracker cannot be blank', 'Status cannot be blank'] } };
  if (!issue.subject?.trim()) return { status: 422, body: { errors: ['Subject cannot be blank'] } };
  const key = issue.custom_fields?.find((field) => field.id === redmineSimulated.keyField)?.value ?? null;
  return { status: 201, body: { issue: toIssue(cases.create(key, 'New', body)) } };
}

function search(url: URL, cases: SimulatedCases | null): Json {
  const query = url.searchParams;
  const key = query.get(`cf_${redmineSimulated.keyField}`);
  const ids = query.get('issue_id')?.split(',').map(Number);
  const since = query.get('updated_on')?.replace(/^>=/, '');
  const sort = query.get('sort')?.split(',') ?? [];
  const found = (cases?.list() ?? [])
    .filter((one) => key === null || (key === '*' ? one.key !== null : key.split('|').includes(one.key ?? '')))
    .filter((one) => !ids || ids.includes(one.id))
    .filter((one) => !since || seconds(one.updatedAt) >= since)
    // Redmine shows the newest first unless it is asked for another order.
    .toSorted((a, b) =>
      sort[0] === 'updated_on'
        ? seconds(a.updatedAt).localeCompare(seconds(b.updatedAt)) || a.id - b.id
        : sort[0] === 'id'
          ? a.id - b.id
          : b.id - a.id,
    );
  const limit = Math.min(100, Number(query.get('limit') ?? 25));
  const offset = Number(query.get('offset') ?? 0);
  return { issues: found.slice(offset, offset + limit).map(toIssue), total_count: found.length, offset, limit };
}

const seconds = (date: Date): string => date.toISOString().replace(/\.\d{3}Z$/, 'Z');

function toIssue(one: SimulatedCase): Json {
  const { issue } = one.content as { issue: { subject: string; description?: string } };
  return {
    id: one.id,
    status: statuses.find(({ name }) => name === one.status) ?? { id: 0, name: one.status },
    subject: issue.subject,
    description: issue.description ?? '',
    custom_fields: [{ id: redmineSimulated.keyField, name: 'hubKey', value: one.key ?? '' }],
    created_on: seconds(one.createdAt),
    updated_on: seconds(one.updatedAt),
  };
}

if (import.meta.main)
  await runSimulator(['api-key'], (options, { 'api-key': apiKey }) =>
    startRedmineSimulator({ ...options, ...(apiKey === undefined ? {} : { apiKey }) }),
  );
