import { RE2JS } from 're2js';
import { z } from 'zod';

const path = z
  .string()
  .regex(/^(\/[^/]+)*$/, 'a path: empty or names that each begin with /')
  .describe('Path of element names below the answer’s element, for example /vorgang/status; @name is an attribute.');
const target = z
  .string()
  .regex(/^(\/([A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*)*(\/@[A-Za-z_][\w.-]*)?$/, 'a path of element names; the last may be @attribute')
  .min(2);
const secret = z.string().min(8).meta({ 'x-hub': 'secret' });
const pattern = z.string().refine(
  (text) => {
    try {
      return RE2JS.compile(RE2JS.translateRegExp(new RegExp(text, 'i'))).programSize() <= 500;
    } catch {
      return false;
    }
  },
  { message: 'a regular expression that looks neither ahead, behind nor back' },
);

const source = z.union([
  z.string(),
  z.strictObject({
    each: z
      .string()
      .regex(/^(\/[^/]+)+$/, 'a pointer to a list or an object')
      .describe('The list; an object counts as a list of { name, value }.'),
    fields: z.record(z.union([z.literal(''), target]), z.string()).describe('As above, below the repeated element; empty: its own text.'),
  }),
]);
const fields = z
  .record(target, source)
  .describe(
    'Their element (path below the operation’s element, in their order) → ours: a pointer, a text with pointers in braces, or { each, fields } for an element per entry.',
  );

const operation = z.strictObject({
  element: z.string().regex(/^[A-Za-z_][\w.-]*$/, 'an element’s name without prefix'),
  answer: z.string().optional().describe('Name of the answer’s element; without it any of the namespace is taken.'),
  action: z.string().default('').describe('SOAPAction, as the WSDL has it.'),
  fields,
});

const auth = z
  .union([
    z.literal('none'),
    z.strictObject({ scheme: z.literal('basic'), user: z.string().min(1), secret }),
    z.strictObject({ scheme: z.literal('usernameToken'), password: z.enum(['text', 'digest']), user: z.string().min(1), secret }),
  ])
  .describe('How the hub proves who it is: HTTP Basic, or a WS-Security UsernameToken with the password as text or digest.');

const faults = z
  .strictObject({
    authentication: pattern.optional().describe('Faults by which the service says that it does not accept the credentials.'),
    busy: pattern.optional().describe('Faults that ask for a pause: nothing happened.'),
    refused: pattern.optional().describe('Faults that refuse, where the service files its refusals under Server.'),
    notFound: pattern.optional().describe('Faults that say: there is no such case.'),
    fields: z
      .strictObject({ items: path, field: path, text: path })
      .optional()
      .describe('Where the fault’s detail lists the fields to correct.'),
  })
  .default({})
  .describe('Regular expressions over “code subcode text” of a fault, for services whose fault codes say too little.');

/** What a city's file says about a SOAP service. */
export const soapConfig = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }).meta({ 'x-hub': 'endpoint', description: 'Where envelopes are sent.' }),
    wsdl: z.string().default('?wsdl').describe('Address of the WSDL, relative to url and on the same host; none where there is none.'),
    version: z.enum(['1.1', '1.2']).default('1.1').describe('SOAP version.'),
    namespace: z.string().min(1).describe('Namespace of the operations’ elements (targetNamespace of their schema).'),
    elements: z.enum(['qualified', 'unqualified']).default('qualified').describe('elementFormDefault of their schema.'),
    prefixes: z.record(z.string(), z.string()).default({}).describe('Prefixes used in fields, for elements of other namespaces.'),
    auth,
    idempotency: z
      .enum(['lookup', 'native', 'none'])
      .default('lookup')
      .describe(
        'lookup: operations.find can be asked for the key. native: the service answers the same key with the same case. none: neither; what may have landed is parked for a person.',
      ),
    operations: z.strictObject({
      submit: operation,
      load: operation.extend({ items: path.default(''), maxBatch: z.int().min(1).max(500).default(50) }),
      find: operation.extend({ items: path, key: path.describe('Where a found case has its key.') }).optional(),
      changes: operation
        .extend({
          items: path,
          next: path.optional().describe('With /cursor: where the answer says how to go on.'),
          limit: z.int().min(1).max(1000).default(100),
          overlapMs: z.int().min(0).default(10_000),
          everyMs: z.int().min(200).default(5000),
        })
        .optional(),
      withdraw: operation.optional(),
    }),
    case: z
      .strictObject({ id: path, number: path.optional(), status: path, version: path.optional(), updatedAt: path, in: path.default('') })
      .describe('Where a case has its parts. in: what wraps the case in the answer to submit.'),
    timeZone: z.string().default('Europe/Berlin').describe('Of moments without an offset.'),
    result: z
      .strictObject({ at: path, ok: z.array(z.string()).min(1), notFound: z.array(z.string()).default([]) })
      .optional()
      .describe('For services that say in the answer itself whether it worked: where the code stands and which codes are good.'),
    attachments: z
      .strictObject({ maxBytes: z.int().min(1).max(6_000_000).default(4_000_000), mediaTypes: z.array(z.string()).min(1) })
      .optional()
      .describe(
        'Taken as base64 inside the envelope: give submit.fields an { each: /attachments }. maxBytes: all of one application together.',
      ),
    faults,
  })
  .refine(
    ({ idempotency, operations }) => idempotency !== 'lookup' || operations.find !== undefined,
    'idempotency by lookup needs operations.find; without it say native or none',
  )
  .refine(({ idempotency, operations }) => idempotency === 'none' || mentions(operations.submit.fields, '/key'), {
    path: ['operations', 'submit', 'fields'],
    message: 'the key must travel with the application: map an element to /key, or say idempotency: none',
  })
  .refine(({ operations: { find } }) => find === undefined || mentions(find.fields, '/key'), {
    path: ['operations', 'find', 'fields'],
    message: 'find asks for the key: map an element to /key',
  })
  .refine(({ operations: { load } }) => mentions(load.fields, '/id') || mentions(load.fields, '/ids'), {
    path: ['operations', 'load', 'fields'],
    message: 'map an element to /id (one by one), or to { each: /ids, … } (all at once)',
  })
  .refine(({ operations: { changes } }) => !changes || mentions(changes.fields, '/since') !== mentions(changes.fields, '/cursor'), {
    path: ['operations', 'changes', 'fields'],
    message: 'map an element either to /since (a moment) or to /cursor (where the last page ended)',
  })
  .refine(({ operations: { changes } }) => !changes || !mentions(changes.fields, '/cursor') || changes.next !== undefined, {
    path: ['operations', 'changes', 'next'],
    message: 'changes by /cursor need next: where the answer says how to go on',
  })
  .refine(({ attachments, operations }) => (attachments !== undefined) === mentions(operations.submit.fields, '/attachments'), {
    path: ['attachments'],
    message: 'attachments and an element with { each: /attachments } in operations.submit.fields belong together',
  })
  .refine(({ prefixes, operations }) => undeclared(prefixes, operations).length === 0, {
    path: ['prefixes'],
    message: 'an element in fields has a prefix that is not declared here',
  })
  .refine(({ timeZone }) => isTimeZone(timeZone), { path: ['timeZone'], message: 'a time zone such as Europe/Berlin' });

/** The config after validation. */
export type SoapConfig = z.output<typeof soapConfig>;
export type Operation = z.output<typeof operation>;
export type Fields = z.output<typeof fields>;

/** True where a source of these fields is the pointer, alone or in braces. */
export function mentions(all: Fields, pointer: string): boolean {
  return Object.values(all).some((from) =>
    typeof from === 'string' ? from === pointer || from.includes(`{${pointer}}`) : from.each === pointer,
  );
}

const undeclared = (prefixes: Record<string, string>, operations: Record<string, Operation | undefined>): string[] =>
  Object.values(operations)
    .flatMap((one) => Object.keys(one?.fields ?? {}))
    .flatMap((name) => [...name.matchAll(/\/([^/:@]+):/g)].map((match) => match[1] ?? ''))
    .filter((prefix) => !Object.hasOwn(prefixes, prefix));

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
