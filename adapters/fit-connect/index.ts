import type { AdapterDefinition } from '#contract';
import { createFitConnect } from './client.ts';
import { fitConnectConfig, type FitConnectConfig } from './config.ts';

/** FIT-Connect, Submission API v2: applications go, encrypted to the city, to one of its destinations (Zustellpunkte). */
export const fitConnect: AdapterDefinition<FitConnectConfig> = {
  id: 'fit-connect',
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: fitConnectConfig,
  expects: { system: 'FIT-Connect Submission API', versions: '2' },
  create: createFitConnect,
};
