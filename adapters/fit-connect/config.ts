import { z } from 'zod';

const endpoint = (description: string) => z.url({ protocol: /^https?$/ }).meta({ 'x-hub': 'endpoint', description });
const pointer = z.string().regex(/^(\/([^~/]|~[01])*)*$/, 'a JSON pointer, for example /applicant/name');
const leikaKey = z.string().regex(/^99\d{12}$/, 'a LeiKa key: 14 digits that begin with 99');

/** What a city's file says about its FIT-Connect destination. */
export const fitConnectConfig = z
  .strictObject({
    tokenUrl: endpoint('Where access tokens are given, for example https://auth-testing.fit-connect.fitko.dev/token.'),
    submissionUrl: endpoint('Submission API without /v2, for example https://test.fit-connect.fitko.dev/submission-api.'),
    issuer: z
      .url()
      .optional()
      .describe(
        'How the delivery service names itself in the events it signs (`iss`). Without it, submissionUrl; say it where a proxy stands between.',
      ),
    clientId: z.string().min(1).describe('Id of the sender’s client in the self-service portal.'),
    clientSecret: z.string().min(8).meta({ 'x-hub': 'secret', description: 'Secret of that client.' }),
    destination: z.uuid().toLowerCase().optional().describe('Id of the city’s destination (Zustellpunkt). Either this or routing.'),
    routing: z
      .strictObject({
        baseUrl: endpoint('Routing API with its version, for example https://routing-api-testing.fit-connect.fitko.dev/v1.'),
        keysUrl: endpoint('JWK Set that signatures of destinations are verified with: the self-service portal’s /.well-known/jwks.json.'),
        submissionHost: z
          .string()
          .min(1)
          .optional()
          .describe('Host of the delivery service as destination signatures name it. Without it, the host of submissionUrl.'),
      })
      .optional()
      .describe('Finds the destination by service and region and believes only what is signed. Either this or destination.'),
    submissionSchema: z
      .url()
      .optional()
      .describe('URI of the schema of what is sent. Without it, the first JSON schema the destination names for the service.'),
    data: z
      .record(pointer, pointer)
      .optional()
      .describe(
        'What is sent: their field → ours, as JSON pointers, for example /antragsteller/name: /applicant/name. Without it, all of the application as the README shows.',
      ),
    schema: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('JSON Schema (2020-12) of what is sent: what does not fit is not sent: the application is parked (REJECTED).'),
    services: z.record(z.string(), leikaKey).default({}).describe('LeiKa keys of offers that have none: the city’s own key → LeiKa key.'),
    replyChannel: z
      .enum(['none', 'email'])
      .default('none')
      .describe('email: the city may answer to the applicant’s e-mail address, where one was given; none: by letter.'),
    attachments: z
      .strictObject({
        maxBytes: z.int().positive().describe('Largest attachment in bytes.'),
        mediaTypes: z
          .array(z.string().regex(/^[-\w.]+\/[-\w.+]+$/))
          .min(1)
          .describe('What may be attached.'),
      })
      .default({ maxBytes: 10 * 1024 * 1024, mediaTypes: ['application/pdf', 'image/jpeg', 'image/png'] })
      .describe('What attachments the destination takes.'),
    callbackSecret: z
      .string()
      .min(16)
      .optional()
      .meta({ 'x-hub': 'secret', description: 'Secret of the destination’s callback. With it, callbacks may be sent to the hub too.' }),
    pollEveryMs: z
      .int()
      .min(200)
      .default(15_000)
      .describe('How often the hub looks after open cases, in milliseconds; each time at most 20.'),
  })
  .refine(({ destination, routing }) => (destination === undefined) !== (routing === undefined), {
    path: ['destination'],
    message: 'say either destination or routing',
  });

/** The config after validation. */
export type FitConnectConfig = z.output<typeof fitConnectConfig>;
