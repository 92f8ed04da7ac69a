import type { AdapterDefinition } from '#contract';
import { createXzufi } from './client.ts';
import { xzufiConfig, type XzufiConfig } from './config.ts';

/** A city's catalogue from an XZuFi 2.1 to 2.3 export, as a file or over HTTP. */
export const xzufi: AdapterDefinition<XzufiConfig> = {
  id: 'xzufi',
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: xzufiConfig,
  create: createXzufi,
};
