import { z } from 'zod';

/** What a city's file says about its Redmine. */
export const redmineConfig = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).meta({ 'x-hub': 'endpoint', description: 'Address of Redmine, with its path if it has one.' }),
  apiKey: z
    .string()
    .min(8)
    .meta({ 'x-hub': 'secret', description: 'API access key of the account the hub works under (My account → API access key).' }),
  project: z.string().min(1).describe('Identifier of the project that takes the applications.'),
  tracker: z.int().positive().describe('Id of the tracker for applications.'),
  keyField: z
    .int()
    .positive()
    .describe(
      'Id of the custom field (text, “used as a filter”, for this tracker) that keeps the hub’s key. Without it a lost reply could file an application twice.',
    ),
  withdrawnStatus: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the status of a withdrawn application. Without it the hub cannot withdraw.'),
  labels: z
    .record(z.string(), z.string())
    .default({})
    .describe('Words for the clerk by name of the form’s field, for example plateNumber: Kennzeichen.'),
  pullEveryMs: z.int().min(200).default(5000).describe('How often the hub asks for changes, in milliseconds.'),
});

/** The config after validation. */
export type RedmineConfig = z.output<typeof redmineConfig>;
