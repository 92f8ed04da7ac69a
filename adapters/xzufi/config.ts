import { z } from 'zod';
import { assuranceLevels } from '#contract';

const secret = z.string().min(8).meta({ 'x-hub': 'secret' });

/** What a city's file says about its XZuFi export. */
export const xzufiConfig = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A transfer message as a file, or a list of such files (a .txt with a name per line, beside them). Absolute, or from where the hub runs.',
      ),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        'x-hub': 'endpoint',
        description: 'The same over HTTP, at most 8 MB per file: a message, or an index.txt with a name per line.',
      }),
    auth: z
      .union([
        z.strictObject({ header: z.string().min(1), secret }),
        z.strictObject({ scheme: z.literal('bearer'), secret }),
        z.strictObject({ scheme: z.literal('basic'), user: z.string().min(1), secret }),
      ])
      .optional()
      .describe('With url, where it needs credentials.'),
    bulk: z
      .strictObject({
        url: z.url({ protocol: /^https?$/ }).meta({ 'x-hub': 'endpoint', description: 'Where the first page is.' }),
        tokenUrl: z
          .url({ protocol: /^https?$/ })
          .meta({ 'x-hub': 'endpoint', description: 'Token endpoint (OAuth 2.0 client credentials).' }),
        clientId: z.string().min(1),
        clientSecret: secret,
      })
      .optional()
      .describe('PVOG’s bulk service (Bereitstelldienst) instead of files: messages page by page.'),
    assuranceLevels: z
      .record(z.string(), z.enum(assuranceLevels))
      .default({ '10': 'NONE', '20': 'LOW', '30': 'SUBSTANTIAL', '40': 'HIGH' })
      .describe('Code of an online service’s vertrauensniveau → assurance level. A code that is not listed is an error.'),
    maxBytes: z.int().min(1).default(1_073_741_824).describe('Largest file, in bytes.'),
  })
  .refine(
    ({ file, url, bulk }) => [file, url, bulk].filter((source) => source !== undefined).length === 1,
    'say one of file, url and bulk',
  );

/** The config after validation. */
export type XzufiConfig = z.output<typeof xzufiConfig>;
