import { z } from 'zod';

const pointer = z.string().regex(/^(\/([^~/]|~[01])*)*$/, 'a JSON pointer: empty or beginning with /');
const parameter = z.string().regex(/^[\w.[\]-]+$/, 'the name of a query parameter');
const leikaKey = z.string().regex(/^99\d{12}$/, 'a LeiKa key: 14 digits that begin with 99');

const idempotency = z
  .union([
    z.literal('none'),
    z.strictObject({
      attribute: z.string().min(1).describe('Attribute of the request that takes the key, sent as attribute[…].'),
      query: parameter.describe('Parameter of GET requests that finds it.'),
      field: pointer.describe('Where a found request has it, for example /extended_attributes/external_id.'),
    }),
  ])
  .describe('GeoReport v2 knows no keys. Where the server keeps an external id, say how; else none: what may have landed is parked.');

const changes = z
  .strictObject({
    by: z
      .enum(['updated_after', 'start_date'])
      .describe(
        'updated_after: an extension, finds what changed. start_date: the standard, finds what was requested in the last windowDays.',
      ),
    page: parameter.optional().describe('Parameter for the number of the page, from 1; without it, one answer is everything.'),
    size: parameter.optional().describe('Parameter for the size of the page.'),
    pageSize: z.int().min(1).max(1000).default(100),
    windowDays: z.int().min(1).max(365).default(90).describe('With start_date: how old a request may be and still be looked at.'),
    stepDays: z.int().min(1).max(90).default(15).describe('With start_date: days asked for at once; at most 90 in the standard.'),
    overlapMs: z.int().min(0).default(60_000).describe('With updated_after: how far each pull reaches back.'),
    everyMs: z.int().min(200).default(60_000),
  })
  .describe('How changes are found. Without it, the hub asks for its own open requests in turn, which also follows tokens.');

/** What a city's file says about its GeoReport server. */
export const open311Config = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .describe('The endpoint up to and including its version, for example https://city.example/open311/v2.')
    .meta({ 'x-hub': 'endpoint' }),
  jurisdiction: z.string().min(1).optional().describe('jurisdiction_id, where the server serves several.'),
  apiKey: z.string().min(8).optional().describe('Sent in the form of a new request, never in an address.').meta({ 'x-hub': 'secret' }),
  proveKey: z
    .boolean()
    .default(false)
    .describe('check sends a request without service_code, which the standard refuses, and sees whether the key is refused first.'),
  format: z.enum(['json', 'xml']).default('json'),
  fields: z
    .strictObject({
      description: pointer.default('/description'),
      address: pointer.default('/address'),
      addressId: pointer.default('/addressId'),
      lat: pointer.default('/lat'),
      long: pointer.default('/long'),
      mediaUrl: pointer.default('/mediaUrl'),
      attributes: pointer.default('/attributes').describe('An object: code of the attribute → value.'),
    })
    .prefault({})
    .describe('Where the form has what a request needs. The defaults fit the forms that this adapter makes of the service list.'),
  attributes: z.record(z.string().min(1), pointer).default({}).describe('Further attributes: their code → ours, a pointer into the form.'),
  applicant: z.boolean().default(true).describe('Whether name, e-mail and phone go over.'),
  codes: z.record(z.string(), z.string().min(1)).default({}).describe('service_code of offers whose localKey is another: ours → theirs.'),
  idempotency,
  status: pointer.default('/status').describe('Where a request has its status; many servers have a finer one than open and closed.'),
  number: pointer.default('/service_request_id').describe('Where a request has the number citizens see.'),
  queuedStatus: z.string().min(1).default('queued').describe('The status of a request that has a token but no id yet, for the statusMap.'),
  maxBatch: z.int().min(1).max(500).default(50),
  pollEveryMs: z.int().min(200).default(60_000).describe('Without changes: how often a batch of open requests is asked for.'),
  changes: changes.optional(),
  catalogue: z
    .strictObject({
      authority: z.string().min(1).describe('Who decides, as citizens read it.'),
      services: z.record(z.string(), leikaKey).default({}).describe('service_code → LeiKa key.'),
      maturityLevel: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]).default(3),
    })
    .optional()
    .describe('Offers from the service list. Without it, the city lists them elsewhere.'),
});

/** The config after validation. */
export type Open311Config = z.output<typeof open311Config>;
