import { z } from 'zod';

/**
 * What a city's file says about its Ticketing. Always a strictObject, or a typing mistake passes unseen. `x-hub: endpoint` marks
 * the addresses that the adapter may reach, and it reaches no other; `x-hub: secret` marks what no log, error or report may
 * show. Every description is shown to whoever writes a city's file.
 */
export const ticketingConfig = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .meta({ 'x-hub': 'endpoint', description: 'Address of the REST API, without a slash at its end.' }),
  token: z.string().min(8).meta({ 'x-hub': 'secret', description: 'API token of the account the hub works under.' }),
  queue: z.string().min(1).describe('Queue that takes the applications.'),
  withdrawnStatus: z.string().min(1).optional().describe('Status of a withdrawn application. Without it the hub cannot withdraw.'),
  pullEveryMs: z.int().min(200).default(5000).describe('How often the hub asks for changes, in milliseconds.'),
});

/** The config after validation. */
export type TicketingConfig = z.output<typeof ticketingConfig>;
