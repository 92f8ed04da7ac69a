import type { AdapterDefinition } from '#contract';
import { createFiledrop } from './client.ts';
import { filedropConfig, type FiledropConfig } from './config.ts';

/** Back offices that exchange files: applications go out as CSV or XML over SFTP, statuses come back the same way. */
export const filedrop: AdapterDefinition<FiledropConfig> = {
  id: 'filedrop',
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: filedropConfig,
  expects: { system: 'OpenSSH internal-sftp', versions: '9.2' },
  create: createFiledrop,
};
