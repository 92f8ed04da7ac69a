import { z } from 'zod';
import { expressionProblem } from './expression.ts';

/** A JSON pointer (RFC 6901). */
export const pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)*$/, 'a JSON pointer: empty or beginning with /')
  .describe('JSON pointer (RFC 6901) into the answer.');

/** A JSONata expression under `$`. */
export const expression = z
  .strictObject({
    $: z.string().check((context) => {
      const problem = expressionProblem(context.value);
      if (problem !== null) context.issues.push({ code: 'custom', input: '', message: problem });
    }),
  })
  .describe('JSONata expression (jsonata.org).');

/** Where a value is found. A message names what is wrong with the shape that was meant. */
export const place = z
  .union([pointer, expression], {
    error: (issue) => {
      const meant = typeof issue.input === 'string' ? 0 : 1;
      const errors = 'errors' in issue ? (issue.errors as { message: string }[][]) : [];
      return errors[meant]?.[0]?.message ?? 'a JSON pointer, or a JSONata expression as { $: … }';
    },
  })
  .describe('A JSON pointer into the answer, or a JSONata expression as { $: … }.');

const secretName = /[?&](api[_-]?key|access[_-]?token|auth[_-]?token|token|password|secret)=(?!\{)/i;

/** A path below baseUrl: two slashes would lead to another host, and a secret in a path ends up in every log on the way. */
export const path = z
  .string()
  .regex(/^\/(?!\/)/, 'a path beginning with one /')
  .refine((text) => !secretName.test(text), 'a path without a secret: use auth with a header, or auth: { query, secret }');

export const secret = z.string().min(8).meta({ 'x-hub': 'secret' });

/** Names of headers that the adapter or the connection sets itself, or that carry secrets. */
const ownHeaders =
  /^(host|content-length|content-type|transfer-encoding|connection|expect|te|trailer|upgrade|accept-encoding|traceparent|authorization|proxy-authorization|cookie)$/i;
const header = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'the name of a header');
const ownHeader = header.refine((name) => !ownHeaders.test(name), 'a header that neither auth nor the connection sets itself');
const plainHeader = ownHeader.refine(
  (name) => !/(key|token|secret|password|signature)/i.test(name),
  'a header without a secret: this name belongs into secretHeaders',
);
const oneLine = z.string().regex(/^[^\r\n]*$/, 'one line');

/** A key of a record is refused with what its own schema says, not with “invalid key”. */
export const ofKey = (issue: {
  readonly code?: string | undefined;
  readonly issues?: readonly { readonly message: string }[];
}): string | undefined => (issue.code === 'invalid_key' ? issue.issues?.[0]?.message : undefined);

export const headers = z
  .record(plainHeader, oneLine, { error: ofKey })
  .describe('Sent with every request, for example Accept-Language or a tenant’s name.');
export const secretHeaders = z
  .record(ownHeader, secret, { error: ofKey })
  .describe('Secret headers beside auth, for example the subscription key of a gateway in front.');

const oauth = z.strictObject({
  scheme: z.literal('oauth2'),
  tokenUrl: z.url({ protocol: /^https?$/ }).meta({ 'x-hub': 'endpoint' }),
  clientId: z.string().min(1),
  secret: secret.describe('The client’s secret.'),
  clientAuth: z.enum(['basic', 'post']).default('basic').describe('client_secret_basic or client_secret_post (RFC 6749, 2.3.1).'),
  scope: z.string().optional(),
  audience: z.string().optional(),
});
export type OAuth = z.output<typeof oauth>;

export const auth = z
  .union([
    z.strictObject({ header, secret }),
    z.strictObject({ scheme: z.literal('bearer'), secret }),
    z.strictObject({ scheme: z.literal('basic'), user: z.string().min(1), secret }),
    oauth,
    z.strictObject({ query: z.string().min(1), secret }),
    z.literal('none'),
  ])
  .describe(
    'How the hub proves who it is: a header of its own, Authorization with bearer or basic, oauth2 (client credentials), or, where the back office takes nothing else, a parameter of the query.',
  );

/** How a list goes on. */
export const listParts = {
  items: place.default(''),
  limit: z.int().min(1).max(1000).default(100).describe('Cases per page, for {limit}.'),
  next: place
    .optional()
    .describe('Where an answer says how to go on: the value for {cursor}, or the address of the next page on the same host.'),
  link: z.boolean().default(false).describe('The header Link with rel="next" (RFC 8288) leads to the next page.'),
  total: place.optional().describe('With {offset} or {page}: where the answer says how many there are.'),
  firstPage: z.int().min(0).max(1).default(1).describe('The number of the first {page}.'),
} as const;

export const times = z
  .strictObject({
    zone: z.string().optional().describe('Time zone (IANA, for example Europe/Berlin) of moments that are written without an offset.'),
    since: z
      .enum(['iso', 'iso-seconds', 'local', 'local-space', 'date', 'unix', 'unix-ms'])
      .default('iso')
      .describe('How {since} is written: 2026-11-20T10:00:00.000Z, …00Z, 2026-11-20T11:00:00, with a space, the day, or as a number.'),
  })
  .default({ since: 'iso' });

const mediaTypes = z
  .array(z.string().regex(/^[\w.+-]+\/[\w.+*-]+$/, 'a media type such as application/pdf'))
  .min(1)
  .default(['application/pdf', 'image/jpeg', 'image/png']);
const attachmentLimits = {
  maxBytes: z
    .int()
    .min(1)
    .max(64 * 1024 * 1024)
    .default(10 * 1024 * 1024),
  mediaTypes,
} as const;
const fields = z
  .record(pointer, z.string(), { error: ofKey })
  .describe('Their field → /name, /mediaType, /bytes, /sha256, /id, /key, /base64 (the content), or a text with pointers in braces.');

export const attachments = z
  .union([
    z.strictObject({ inline: pointer.describe('The list of attachments in the body of submit.'), item: fields, ...attachmentLimits }),
    z.strictObject({
      multipart: z.strictObject({
        body: z.string().min(1).describe('Name of the part with the application as JSON.'),
        file: z.string().min(1).describe('Name of each part with an attachment.'),
      }),
      ...attachmentLimits,
    }),
    z.strictObject({
      each: z.strictObject({
        method: z.enum(['POST', 'PUT']).default('POST'),
        path: path.regex(/\{id\}/, 'contains {id}').describe('May contain {name} and {attachment}, the id of the attachment.'),
        as: z.union([
          z.literal('raw').describe('The content alone, under its media type.'),
          z
            .strictObject({ part: z.string().min(1), fields: z.record(z.string(), z.string()).optional() })
            .describe('A form with one file.'),
          z.strictObject({ body: fields }).describe('JSON.'),
        ]),
      }),
      ...attachmentLimits,
    }),
  ])
  .describe(
    'How attachments go over: inline (base64 in the body), multipart (one form with the application), or each in a request of its own.',
  );
