import { z } from 'zod';

const folder = z
  .string()
  // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
  .regex(/^\/?[^/\\\u0000-\u001f]+(\/[^/\\\u0000-\u001f]+)*$/, 'a folder, with / between names')
  .refine((path) => !path.split('/').includes('..'), 'a folder without ..')
  .describe('Absolute, or from where the account begins.');
const encoding = z.enum(['utf-8', 'windows-1252']).default('utf-8');
const format = z.enum(['csv', 'xml']);
const delimiter = z.enum([';', ',', '\t', '|']).default(';');
const elementPath = z.string().regex(/^[A-Za-z_][\w.-]*(\/[A-Za-z_][\w.-]*)*$/, 'names of elements with / between them');
const fields = z
  .record(z.string().min(1).max(100), z.string().min(1))
  .describe(
    'Their column, or path of elements below the root → ours: a pointer (/key, /service, /serviceName, /localKey, /formRevision, /channel, /submittedAt, /applicant/…, /formData/…, /files) or a text with pointers in braces.',
  );

const outbox = z
  .strictObject({
    folder,
    format,
    encoding,
    delimiter,
    prefix: z
      .string()
      .regex(/^[a-z0-9-]{0,20}$/, 'at most 20 of a–z, 0–9 and -')
      .default('antrag-'),
    root: elementPath.default('Antrag').describe('XML: name of the root.'),
    fields,
    required: z.array(z.string()).default([]).describe('Fields that must have a value: a file cannot be refused by its reader in time.'),
    longest: z.record(z.string(), z.int().min(1)).default({}).describe('Field → how many characters the reader keeps of it.'),
    formulas: z
      .enum(['neutralise', 'keep'])
      .default('keep')
      .describe(
        'CSV: neutralise only if people open the file in a spreadsheet; a text that it would take for a formula then gets an apostrophe in front. A program would keep the apostrophe.',
      ),
    unencodable: z
      .enum(['refuse', 'transliterate'])
      .default('refuse')
      .describe('CSV in windows-1252: letters that it does not have (ş, ő) are refused, or lose their marks.'),
    taken: z
      .union([z.strictObject({ archive: folder }), z.strictObject({ ledger: folder })])
      .describe(
        'What becomes of a file that the back office took. archive: it moves it there under the same name. ledger: it deletes it; the hub keeps an empty mark per application in this folder of its own.',
      ),
    waitingStatus: z
      .string()
      .min(1)
      .default('übergeben')
      .describe('Status of a case of which no status file has told yet; one for the statusMap.'),
  })
  .refine(({ format, fields }) => format === 'csv' || Object.keys(fields).every((path) => elementPath.safeParse(path).success), {
    path: ['fields'],
    message: 'with xml, each name is a path of elements: letters, digits, _ . - and /',
  })
  .refine(({ fields, required, longest }) => [...required, ...Object.keys(longest)].every((name) => name in fields), {
    path: ['required'],
    message: 'required and longest name fields',
  })
  .refine(({ fields }) => Object.values(fields).includes('/key'), {
    path: ['fields'],
    message: 'one field must carry the key: map it to /key',
  });

const status = z.strictObject({
  folder,
  format,
  encoding,
  delimiter,
  row: z.string().min(1).default('Vorgang').describe('XML: name of the element that is one case.'),
  fields: z
    .strictObject({
      key: z.string().min(1),
      number: z.string().min(1).optional(),
      status: z.string().min(1),
      updatedAt: z
        .union([z.string().min(1), z.tuple([z.string().min(1), z.string().min(1)])])
        .describe('One column, or one for the day and one for the time.'),
      version: z.string().min(1).optional(),
    })
    .describe('Names of columns; with XML of elements below the row, or @attributes of it.'),
  ready: z
    .union([
      z.strictObject({ trigger: z.string().regex(/^\.[a-z0-9]{1,10}$/, 'an ending with its dot, for example .ok') }),
      z.strictObject({ settleMs: z.int().min(0).max(3_600_000) }),
    ])
    .default({ settleMs: 10_000 })
    .describe(
      'When a file is complete. trigger: a second file with this ending behind the name is there. settleMs: size and time have not changed for so long.',
    ),
  done: z
    .union([z.literal('keep'), z.strictObject({ archive: folder, failed: folder })])
    .describe(
      'What the hub does with a file it has read: leave it, or move it; one that cannot be read goes to failed, with the reason beside it.',
    ),
  maxBytes: z
    .int()
    .min(1)
    .max(64 * 1024 * 1024)
    .default(8 * 1024 * 1024),
  overlapMs: z.int().min(0).default(600_000).describe('With keep: how far each pull reaches back, by the files’ times.'),
  everyMs: z.int().min(200).default(30_000),
});

/** What a city's file says about a back office that exchanges files. */
export const filedropConfig = z.strictObject({
  url: z
    .url({ protocol: /^sftp$/ })
    .regex(/^sftp:\/\/[^/@?#]+\/?$/, 'sftp://host:port, without user and path')
    .meta({ 'x-hub': 'endpoint', description: 'sftp://host:port' }),
  user: z.string().min(1).describe('Account of the hub on the server.'),
  auth: z.union([
    z.strictObject({ password: z.string().min(8).meta({ 'x-hub': 'secret', description: 'Password of the account.' }) }),
    z.strictObject({
      privateKey: z.string().min(8).meta({ 'x-hub': 'secret', description: 'OpenSSH or PEM; { $file: … }.' }),
      passphrase: z.string().min(8).meta({ 'x-hub': 'secret' }).optional(),
    }),
  ]),
  hostKey: z
    .union([z.string(), z.array(z.string()).min(1).max(8)])
    .transform((keys) => (typeof keys === 'string' ? [keys] : keys))
    .refine((keys) => keys.every((key) => /^SHA256:[A-Za-z0-9+/]{43}$/.test(key)), 'SHA256:… as ssh-keygen -l prints it')
    .describe('Fingerprint of the server’s host key; several while it is being changed. Any other server gets nothing.'),
  timeZone: z
    .string()
    .default('Europe/Berlin')
    .refine(isTimeZone, 'a time zone of the IANA list, for example Europe/Berlin')
    .describe('Of moments in status files that say none.'),
  outbox,
  attachments: z
    .strictObject({
      maxBytes: z
        .int()
        .min(1)
        .max(64 * 1024 * 1024)
        .default(8 * 1024 * 1024),
      mediaTypes: z.array(z.string()).min(1).default(['application/pdf', 'image/jpeg', 'image/png']),
    })
    .optional()
    .describe('Documents go into the outbox beside the application, before it; their names are its /files.'),
  withdraw: z
    .strictObject({ fields })
    .optional()
    .describe('Sources: /id, /reason, /key. Without it, citizens cannot withdraw through the hub.'),
  status,
});

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

/** The config after validation. */
export type FiledropConfig = z.output<typeof filedropConfig>;
