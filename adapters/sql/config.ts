import { z } from 'zod';

// Names are quoted wherever they go; what could end a quotation is no name.
const name = z
  .string()
  // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
  .regex(/^[^\u0000-\u001f"'`\\.]{1,63}$/, 'a plain name of at most 63 characters, without quotes and dots')
  .describe('Name of a column or parameter, as the database writes it: PostgreSQL keeps unquoted names in lower case.');
const qualified = z
  .string()
  // oxlint-disable-next-line no-control-regex -- as above
  .regex(/^([^\u0000-\u001f"'`\\.]{1,63}\.)?[^\u0000-\u001f"'`\\.]{1,63}$/, 'a name, or schema.name, without quotes');
const source = z.string().min(1);
const assignments = z
  .record(name, source)
  .refine((map) => Object.keys(map).length > 0, 'at least one')
  .describe(
    'Their column or parameter → ours: a pointer (/key, /service, /serviceName, /localKey, /formRevision, /channel, /submittedAt, /submittedAtLocal, /applicant/…, /formData, /formData/…), or a text with pointers in braces.',
  );

const write = z
  .union([
    z.strictObject({ insert: qualified, values: assignments }),
    z.strictObject({ procedure: qualified, arguments: assignments }),
    z.strictObject({ function: qualified, arguments: assignments }),
  ])
  .describe(
    'One INSERT into a table, or one call of a procedure or function. MariaDB takes arguments in the order in which they are written here.',
  );

const columns = z.strictObject({
  id: name.describe('What identifies a case for ever.'),
  number: name.optional().describe('The number that citizens see (Aktenzeichen).'),
  status: name,
  updatedAt: name.describe('Moment of the last change; indexed together with id, or every pull reads everything.'),
  version: name.optional().describe('Differs with every change. Without it: moment and status.'),
  key: name.describe('The hub’s key; empty for cases that came another way.'),
});

/** What a city's file says about a back office that is reached through its database. */
export const sqlConfig = z
  .strictObject({
    url: z
      .url({ protocol: /^(postgres|postgresql|mysql|mariadb)$/ })
      .refine((text) => /^[a-z]+:\/\/[^/@?#]+\/[^/?#]+$/.test(text), 'scheme://host:port/database, without user, password and options')
      .meta({ 'x-hub': 'endpoint', description: 'postgres://host:port/database or mysql://host:port/database.' }),
    user: z.string().min(1).describe('Account of the hub, with the rights that the README lists and no others.'),
    password: z.string().min(8).meta({ 'x-hub': 'secret', description: 'Password of the account.' }),
    tls: z
      .union([z.literal('off'), z.strictObject({ ca: z.string().includes('-----BEGIN CERTIFICATE-----').optional() })])
      .default({})
      .describe('The server must show a certificate that holds; ca: certificate of the authority (PEM, { $file: … }). off: loopback only.'),
    timeZone: z
      .string()
      .default('Europe/Berlin')
      .refine(isTimeZone, 'a time zone of the IANA list, for example Europe/Berlin')
      .describe('Of moments that the database keeps without a zone (DATETIME, timestamp).'),
    view: qualified.describe('View that shows the cases.'),
    columns,
    submit: write,
    constraints: z
      .record(z.string(), z.strictObject({ field: z.string().startsWith('/'), text: z.string().min(1) }))
      .default({})
      .describe(
        'Name of a constraint → field of the form (pointer) and what is wrong with it, in words an applicant can read; not shown to anybody yet.',
      ),
    idempotency: z
      .enum(['unique', 'lookup'])
      .describe(
        'unique: a unique key refuses the second row with the same /key. lookup: the view is asked for the key before each submission.',
      ),
    attachments: z
      .strictObject({
        insert: qualified,
        values: assignments,
        maxBytes: z
          .int()
          .min(1)
          .max(64 * 1024 * 1024)
          .default(8 * 1024 * 1024),
        mediaTypes: z.array(z.string()).min(1).default(['application/pdf', 'image/jpeg', 'image/png']),
      })
      .optional()
      .describe('One INSERT per document; further sources: /attachment/id, /name, /mediaType, /bytes, /sha256, /content below it.'),
    withdraw: write.optional().describe('Sources: /id, /reason, /key. Without it, citizens cannot withdraw through the hub.'),
    maxBatch: z.int().min(1).max(500).default(100).describe('Cases per question.'),
    connections: z.int().min(1).max(10).default(4).describe('Connections at most.'),
    changes: z
      .strictObject({
        limit: z.int().min(1).max(5000).default(500),
        overlapMs: z.int().min(0).default(10_000).describe('How far each pull reaches back, for rows that become visible late.'),
        everyMs: z.int().min(200).default(5000),
      })
      .prefault({}),
  })
  .refine(({ submit }) => Object.values('insert' in submit ? submit.values : submit.arguments).includes('/key'), {
    path: ['submit'],
    message: 'one column or argument must carry the key: map it to /key',
  })
  .refine(({ attachments }) => !attachments || Object.values(attachments.values).includes('/attachment/id'), {
    path: ['attachments', 'values'],
    message: 'one column must carry /attachment/id and be unique: it is what keeps a document from arriving twice',
  })
  .refine(({ attachments, idempotency }) => !attachments || idempotency === 'unique', {
    path: ['idempotency'],
    message: 'attachments need idempotency: unique, so that what is missing after a lost connection can be sent again',
  });

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

/** The config after validation. */
export type SqlConfig = z.output<typeof sqlConfig>;
/** One INSERT or one call of a routine. */
export type Write = SqlConfig['submit'];
