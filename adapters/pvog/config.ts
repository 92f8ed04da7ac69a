import { z } from 'zod';

/** What a city's file says about PVOG's search service. */
export const pvogConfig = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .meta({ 'x-hub': 'endpoint', description: 'Address of the search service, for example https://pvog.fitko.net/suchdienst/api.' }),
  clientId: z.string().min(1).max(200).describe('Sent as pvog-sud-api-client-id; FITKO gives one to whoever asks regularly.'),
  services: z
    .array(z.string().regex(/^99\d{12}$/, 'a LeiKa key: 14 digits beginning with 99'))
    .min(1)
    .max(2000)
    .describe('LeiKa keys to ask for: the search service lists descriptions by key.'),
  pageSize: z.int().min(5).max(100).default(20).describe('Descriptions per answer.'),
  pauseMs: z.int().min(0).max(60_000).default(200).describe('Pause between two requests, in milliseconds: PVOG asks nobody to hurry.'),
});

/** The config after validation. */
export type PvogConfig = z.output<typeof pvogConfig>;
