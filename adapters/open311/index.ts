import type { AdapterDefinition } from '#contract';
import { createOpen311 } from './client.ts';
import { open311Config, type Open311Config } from './config.ts';

/** Open311 GeoReport v2: reports of defects and other requests that belong to a place. */
export const open311: AdapterDefinition<Open311Config> = {
  id: 'open311',
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: open311Config,
  expects: { system: 'Open311 GeoReport', versions: '2' },
  create: createOpen311,
};
