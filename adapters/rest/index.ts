import type { AdapterDefinition } from '#contract';
import { createRest } from './client.ts';
import { restConfig, type RestConfig } from './config.ts';

/** Any back office that speaks JSON over HTTP and is described by the city's file. */
export const rest: AdapterDefinition<RestConfig> = {
  id: 'rest',
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: restConfig,
  create: createRest,
};
