import type { AdapterDefinition } from '#contract';
import { createSoap } from './client.ts';
import { soapConfig, type SoapConfig } from './config.ts';

/** Any document/literal SOAP 1.1 or 1.2 service that is described by the city's file. */
export const soap: AdapterDefinition<SoapConfig> = {
  id: 'soap',
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: soapConfig,
  create: createSoap,
};
