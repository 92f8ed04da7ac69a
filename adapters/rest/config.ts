import { z } from 'zod';
import {
  attachments,
  auth,
  expression,
  headers,
  listParts,
  ofKey,
  path,
  place,
  pointer,
  secret,
  secretHeaders,
  times,
} from './config-parts.ts';
import { isZone } from './moments.ts';

export type { OAuth } from './config-parts.ts';

const idempotency = z
  .union([
    z.strictObject({ header: z.string().min(1) }),
    z.strictObject({
      lookup: path.describe('Contains {key}.').regex(/\{key\}/, 'contains {key}'),
      ...listParts,
      key: place.describe('Where a found case has its key.'),
      lagMs: z
        .int()
        .min(0)
        .max(10_000)
        .default(0)
        .describe(
          'How much later than it is made a case is found. What is not found is asked for again after that, before it counts as not there.',
        ),
    }),
    z.literal('none'),
  ])
  .describe(
    'header: the back office honours the key in this header. lookup: it can be asked for the key, which the body must then carry (submit.body, source /key). none: neither; what may have landed is parked for a person.',
  );

const source = z
  .union([z.string(), z.number(), z.boolean(), expression])
  .describe(
    'Ours: a pointer into the application (/service, /serviceName, /localKey, /formRevision, /channel, /submittedAt, /key, /applicant/…, /formData/…), a text with pointers in braces, a fixed number or truth, or a JSONata expression as { $: … }.',
  );
const body = z
  .union([z.record(pointer, source, { error: ofKey }), expression])
  .describe('Their field (JSON pointer) → ours; or one JSONata expression as { $: … } that makes the whole body.');

const submit = z.strictObject({
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST'),
  path: path.describe('May contain {key}.'),
  body,
  in: pointer.optional().describe('What wraps the case in the answer, where it is not case.in.'),
  id: z
    .union([place, z.strictObject({ header: z.string().min(1) })])
    .optional()
    .describe('Where the answer has the id, where it is not case.id. { header: Location }: the last part of that address.'),
  number: place.optional(),
});

const changes = z.strictObject({
  path: path.describe(
    'With {since}: a moment; with {cursor}: where the last page ended; with neither: the whole list each time. May contain {limit}, {offset} and {page}.',
  ),
  ...listParts,
  order: z
    .enum(['oldest-first', 'any'])
    .default('oldest-first')
    .describe('oldest-first: by time of change. any: newest first or by id; every page is then read before the place moves.'),
  overlapMs: z.int().min(0).default(10_000).describe('With {since}: how far each pull reaches back, for cases that become visible late.'),
  everyMs: z.int().min(200).default(5000),
});

const errors = z.strictObject({
  items: pointer.optional().describe('Where a refusal lists the fields to correct: a list, or an object of field → text(s).'),
  field: place.optional(),
  text: place.optional(),
  names: z.record(z.string(), pointer).optional().describe('Their name of a field → ours, where it does not follow from submit.body.'),
  when: place
    .optional()
    .describe('An answer with 2xx is an error where this is there and neither false, null, 0, empty nor an empty list.'),
  code: place.optional().describe('With kinds: where an error names its code.'),
  kinds: z
    .record(z.string(), z.enum(['retryable', 'unavailable', 'rejected', 'misconfigured', 'missing']))
    .optional()
    .describe('Code → what it means; rejected where nothing is said. missing: what was asked for is not there, as with 404.'),
});

const webhook = z.strictObject({
  secret: secret.describe('Shared secret (Standard Webhooks); base64 after whsec_, or any text.'),
  items: pointer.default('').describe('The list of cases in a notification; empty: the notification is one case.'),
  toleranceSeconds: z.int().min(1).max(3600).default(300).describe('Older notifications are refused as replayed.'),
});

/** What a city's file says about a back office that speaks JSON over HTTP. */
export const restConfig = z
  .strictObject({
    baseUrl: z
      .url({ protocol: /^https?$/ })
      .describe('Where the back office is, up to where its paths begin, for example https://tickets.city.example/api.')
      .meta({ 'x-hub': 'endpoint' }),
    auth,
    headers: headers.optional(),
    secretHeaders: secretHeaders.optional(),
    mediaType: z
      .string()
      .regex(/^application\/([\w.-]+\+)?json$/, 'application/json or application/….+json')
      .default('application/json')
      .describe('Of what is sent and asked for, for example application/vnd.api+json.'),
    times,
    idempotency,
    submit,
    case: z
      .strictObject({
        id: place,
        number: place.optional(),
        status: place,
        version: place.optional(),
        updatedAt: place,
        in: pointer.default(''),
      })
      .describe('Where a case has its parts. in: what wraps a single case.'),
    load: z.strictObject({
      path: path.regex(/\{ids?\}/, 'contains {ids} or {id}').describe('{ids}: all at once, joined with commas; {id}: one by one.'),
      ...listParts,
      maxBatch: z.int().min(1).max(500).default(50),
    }),
    changes: changes.optional(),
    withdraw: z
      .strictObject({
        method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
        path: path.regex(/\{id\}/, 'contains {id}'),
        body: body.optional().describe('Sources: /reason, /key, /id.'),
        done: z
          .array(z.string())
          .default([])
          .describe('Statuses in which a case is withdrawn already: a withdrawal that is refused there has nothing left to do.'),
      })
      .optional(),
    attachments: attachments.optional(),
    health: z.strictObject({ path }).describe('A harmless question that needs the credentials.'),
    errors: errors.optional(),
    webhook: webhook.optional(),
  })
  .check(({ value, issues }) => {
    const complain = (at: string[], message: string) => issues.push({ code: 'custom', input: '', path: at, message });
    const { idempotency: key, changes: list, submit: sent, times: stated } = value;
    if (typeof key === 'object' && 'lookup' in key && !carriesKey(sent.body))
      complain(['submit', 'body'], 'idempotency by lookup needs a field that carries the key: map one to /key');
    if (list?.path.includes('{cursor}') && list.next === undefined)
      complain(['changes', 'next'], 'a path with {cursor} needs next: where the answer says how to go on');
    if (stated.zone !== undefined && !isZone(stated.zone)) complain(['times', 'zone'], 'a time zone such as Europe/Berlin');
    if (stated.zone === undefined && ['local', 'local-space', 'date'].includes(stated.since))
      complain(['times', 'zone'], `times.since: ${stated.since} needs times.zone: in which zone is it written?`);
    if (value.errors?.kinds && value.errors.code === undefined)
      complain(['errors', 'code'], 'errors.kinds needs errors.code: where the code stands');
    if (value.attachments && 'inline' in value.attachments && !Object.values(value.attachments.item).includes('/base64'))
      complain(['attachments', 'item'], 'inline attachments need a field that carries the content: map one to /base64');
  });

const carriesKey = (mapping: z.output<typeof body>): boolean =>
  '$' in mapping
    ? /\bkey\b/.test(String((mapping as { $: unknown }).$))
    : Object.values(mapping).some((from) =>
        typeof from === 'string' ? /(^|\{)\/key(\}|$)/.test(from) : typeof from === 'object' && /\bkey\b/.test(from.$),
      );

/** The config after validation. */
export type RestConfig = z.output<typeof restConfig>;

/** Where a case has its parts. */
export type CaseFields = RestConfig['case'];

/** A list of the back office: its path and how it goes on. */
export type ListConfig = Pick<RestConfig['load'], 'items' | 'limit' | 'next' | 'link' | 'total' | 'firstPage'> & { readonly path: string };

/** What a body is made of. */
export type BodyMapping = z.output<typeof body>;
