import { AdapterError, soundCase, type CaseChange, type CaseRef, type CaseSnapshot, type Json, type Submission } from '#contract';
import type { RedmineConfig } from './config.ts';
import type { Reply } from './http.ts';

/** An issue as Redmine's REST API shows it; what the hub does not use is left out. */
export interface Issue {
  readonly id: number;
  readonly status: { readonly id: number; readonly name: string };
  readonly updated_on: string;
  readonly custom_fields?: readonly { readonly id: number; readonly value?: unknown }[];
}

/** Redmine keeps at most this many characters of a subject. */
const SUBJECT_LIMIT = 255;

/** The body of `POST /issues.json`: the key in its field, everything a clerk needs to read in the description. */
export const toIssue = (application: Submission, key: string, config: RedmineConfig): Json => ({
  issue: {
    project_id: config.project,
    tracker_id: config.tracker,
    subject: application.serviceName.slice(0, SUBJECT_LIMIT),
    description: describe(application, key, config.labels),
    custom_fields: [{ id: config.keyField, value: key }],
  },
});

function describe(application: Submission, key: string, labels: Readonly<Record<string, string>>): string {
  const { name, email, phone, ids } = application.applicant;
  const sections: [string, [string, string | undefined][]][] = [
    ['Antragstellende Person', [['Name', name], ['E-Mail', email], ['Telefon', phone], ...Object.entries(ids ?? {})]],
    ['Angaben', lines(application.formData, labels)],
    [
      'Vorgang',
      [
        ['Leistung', `${application.serviceName} (${application.service})`],
        ['Eingang', application.submittedAt.toISOString()],
        ['Kanal', application.channel],
        ['Formularversion', application.formRevision],
        ['Kennung', key],
      ],
    ],
  ];
  const text = sections
    .map(([title, rows]) => [title, ...rows.flatMap(([label, value]) => (value === undefined ? [] : [`  ${label}: ${value}`]))].join('\n'))
    .join('\n\n');
  return preformatted(text);
}

/** Shown as it is, whether Redmine's text format is Textile or Markdown: an applicant must not draw headings, links or images for the clerk. */
export const preformatted = (text: string): string => `<pre>\n${text.replaceAll(/<(?=\/?pre)/gi, '‹')}\n</pre>`;

/** One line per value, nested names joined; an empty value is left out. */
function lines(value: Json, labels: Readonly<Record<string, string>>, path: readonly string[] = []): [string, string][] {
  if (value === null || value === '') return [];
  if (typeof value === 'object') {
    const entries = Array.isArray(value) ? value.map((item: Json, index) => [String(index + 1), item] as const) : Object.entries(value);
    return entries.flatMap(([name, item]) => lines(item, labels, [...path, labels[name] ?? name]));
  }
  const text = typeof value === 'boolean' ? (value ? 'ja' : 'nein') : String(value);
  return [[path.join(' – ') || 'Wert', text]];
}

const exact = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/;

/** @throws AdapterError malformed; `effect` says what that means for the call that got this answer. */
export function toIssueShown(found: Json | undefined, effect: 'none' | 'unknown' = 'none'): Issue {
  const issue = found as unknown as Partial<Issue> | null | undefined;
  const moment = issue?.updated_on;
  const isMoment = typeof moment === 'string' && exact.test(moment) && !Number.isNaN(Date.parse(moment));
  const { id, name } = issue?.status ?? {};
  if (typeof issue?.id === 'number' && typeof id === 'number' && typeof name === 'string' && name !== '' && isMoment) return issue as Issue;
  throw new AdapterError('malformed', effect, 'the issue does not look like one of Redmine: id, status or updated_on is missing');
}

/** Id of a listed issue, where that much of it can be read. */
export function idOf(found: Json): string | null {
  const { id } = (found ?? {}) as { id?: unknown };
  return typeof id === 'number' ? String(id) : null;
}

/** The case behind an issue; its number is what citizens quote. */
export const toRef = (issue: Issue): CaseRef => ({ id: String(issue.id), publicNumber: `#${issue.id}` });

/** Redmine counts time in seconds: the status belongs to the version, or two changes within one second would be one. */
export const toSnapshot = (issue: Issue): CaseSnapshot =>
  soundCase({
    ref: toRef(issue),
    nativeStatus: issue.status.name,
    version: `${issue.updated_on} ${issue.status.id}`,
    updatedAt: new Date(issue.updated_on),
  });

/** A change as the hub tells it from others: the same state, the same id. */
export const toChange = (issue: Issue): CaseChange => ({ ...toSnapshot(issue), id: `${issue.id} ${issue.updated_on} ${issue.status.id}` });

/** The key an issue carries, if any. */
export const keyOf = (found: Json | Issue, keyField: number): string | null => {
  const fields = (found as Partial<Issue> | null)?.custom_fields;
  const value = Array.isArray(fields)
    ? (fields as NonNullable<Issue['custom_fields']>).find((one) => one?.id === keyField)?.value
    : undefined;
  return typeof value === 'string' && value !== '' ? value : null;
};

/** Where a pull goes on: from a moment (seconds, UTC), and how many issues of exactly that moment are read already. */
export interface Position {
  readonly since: string;
  readonly skip: number;
}

/** @throws AdapterError malformed where the text is no cursor of this adapter. */
export function parseCursor(cursor: string): Position {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)(?: (\d{1,9}))?$/.exec(cursor);
  if (!match?.[1] || Number.isNaN(Date.parse(match[1])))
    throw new AdapterError('malformed', 'none', 'the cursor is not one of this adapter');
  return { since: match[1], skip: Number(match[2] ?? 0) };
}

export const toCursor = ({ since, skip }: Position): string => (skip === 0 ? since : `${since} ${skip}`);

/** The moment `ms` earlier, in Redmine's notation. */
export const earlier = (moment: string, ms: number): string => toMoment(new Date(Date.parse(moment) - ms));

/** A moment in Redmine's notation: seconds, UTC. */
export const toMoment = (date: Date): string => date.toISOString().replace(/\.\d{3}Z$/, 'Z');

/** What is listed, each still to be read. */
export function issuesOf({ status, body }: Reply): readonly Json[] {
  if (status === 404) throw new AdapterError('misconfigured', 'none', 'Redmine does not know this list: check baseUrl and project');
  const issues = (body as { issues?: readonly Json[] } | null)?.issues;
  if (!Array.isArray(issues)) throw new AdapterError('malformed', 'none', 'the list of issues does not look like one of Redmine');
  return issues as readonly Json[];
}

/** What one was asked for. @throws AdapterError malformed */
export const issueOf = ({ body }: Reply, effect: 'none' | 'unknown'): Issue =>
  toIssueShown((body as { issue?: Json } | null)?.issue, effect);
