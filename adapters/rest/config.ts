import { z } from 'zod';

const pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)*$/, 'a JSON pointer: empty or beginning with /')
  .describe('JSON pointer (RFC 6901) into the answer.');
// Two slashes would lead to another host.
const path = z.string().regex(/^\/(?!\/)/, 'a path beginning with one /');
const secret = z.string().min(8).meta({ 'x-hub': 'secret' });

const auth = z
  .union([
    z.strictObject({ header: z.string().min(1), secret }),
    z.strictObject({ scheme: z.literal('bearer'), secret }),
    z.strictObject({ scheme: z.literal('basic'), user: z.string().min(1), secret }),
  ])
  .describe('How the hub proves who it is: a header of its own, or Authorization with bearer or basic.');

const idempotency = z
  .union([
    z.strictObject({ header: z.string().min(1) }),
    z.strictObject({
      lookup: path.describe('Contains {key}.').regex(/\{key\}/, 'contains {key}'),
      items: pointer,
      key: pointer.describe('Where a found case has its key.'),
    }),
    z.literal('none'),
  ])
  .describe(
    'header: the back office honours the key in this header. lookup: it can be asked for the key, which the body must then carry (submit.body, source /key). none: neither; what may have landed is parked for a person.',
  );

const changes = z.strictObject({
  path: path
    .regex(/\{(since|cursor)\}/, 'contains {since} or {cursor}')
    .describe('With {since}: a moment (RFC 3339); with {cursor}: where the last page ended. May contain {limit} and {offset}.'),
  items: pointer.default(''),
  next: pointer.optional().describe('With {cursor}: where the answer says how to go on.'),
  limit: z.int().min(1).max(1000).default(100),
  overlapMs: z.int().min(0).default(10_000).describe('With {since}: how far each pull reaches back, for cases that become visible late.'),
  everyMs: z.int().min(200).default(5000),
});

const webhook = z.strictObject({
  secret: secret.describe('Shared secret (Standard Webhooks); base64 after whsec_, or any text.'),
  items: pointer.default('').describe('The list of cases in a notification; empty: the notification is one case.'),
  toleranceSeconds: z.int().min(1).max(3600).default(300).describe('Older notifications are refused as replayed.'),
});

/** What a city's file says about a back office that speaks JSON over HTTP. */
export const restConfig = z
  .strictObject({
    baseUrl: z.url({ protocol: /^https?$/ }).meta({ 'x-hub': 'endpoint' }),
    auth,
    idempotency,
    submit: z.strictObject({
      method: z.enum(['POST', 'PUT']).default('POST'),
      path: path.describe('May contain {key}.'),
      body: z
        .record(pointer, z.string())
        .describe(
          'Their field (JSON pointer) → ours: a pointer into the application (/service, /serviceName, /localKey, /formRevision, /channel, /submittedAt, /key, /applicant/…, /formData/…), or a text with pointers in braces.',
        ),
    }),
    case: z
      .strictObject({
        id: pointer,
        number: pointer.optional(),
        status: pointer,
        version: pointer.optional(),
        updatedAt: pointer,
        in: pointer.default(''),
      })
      .describe('Where a case has its parts. in: what wraps a single case.'),
    load: z.strictObject({
      path: path.regex(/\{ids?\}/, 'contains {ids} or {id}').describe('{ids}: all at once, joined with commas; {id}: one by one.'),
      items: pointer.default(''),
      maxBatch: z.int().min(1).max(500).default(50),
    }),
    changes: changes.optional(),
    withdraw: z
      .strictObject({
        method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
        path: path.regex(/\{id\}/, 'contains {id}'),
        body: z.record(pointer, z.string()).optional().describe('Sources: /reason, /key.'),
      })
      .optional(),
    health: z.strictObject({ path }).describe('A harmless question that needs the credentials.'),
    errors: z
      .strictObject({ items: pointer, field: pointer, text: pointer })
      .optional()
      .describe('Where a refusal lists the fields to correct.'),
    webhook: webhook.optional(),
  })
  .refine(
    (config) =>
      typeof config.idempotency === 'string' ||
      !('lookup' in config.idempotency) ||
      Object.values(config.submit.body).some((source) => /(^|\{)\/key(\}|$)/.test(source)),
    {
      path: ['submit', 'body'],
      message: 'idempotency by lookup needs a field that carries the key: map one to /key',
    },
  )
  .refine((config) => !config.changes?.path.includes('{cursor}') || config.changes.next !== undefined, {
    path: ['changes', 'next'],
    message: 'a path with {cursor} needs next: where the answer says how to go on',
  });

/** The config after validation. */
export type RestConfig = z.output<typeof restConfig>;
