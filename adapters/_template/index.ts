import type { AdapterDefinition } from '#contract';
import { createTicketing } from './client.ts';
import { ticketingConfig, type TicketingConfig } from './config.ts';

/** Ticketing over its REST API: applications become tickets. */
const ticketing: AdapterDefinition<TicketingConfig> = {
  // What a city's file names as `product` where the adapter ships with the hub.
  id: 'ticketing',
  // Raise it with every change that a city notices; the conformance report is about one version.
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: ticketingConfig,
  // The system and versions it was really tried against.
  expects: { system: 'Ticketing', versions: '1' },
  create: createTicketing,
};

export default ticketing;
