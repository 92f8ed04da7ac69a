import type { AdapterDefinition } from '#contract';
import { createPvog } from './client.ts';
import { pvogConfig, type PvogConfig } from './config.ts';

/** A city's catalogue from the search service of the Portalverbund Online-Gateway (PVOG, FITKO). */
export const pvog: AdapterDefinition<PvogConfig> = {
  id: 'pvog',
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: pvogConfig,
  create: createPvog,
};
