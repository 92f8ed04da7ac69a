import type { AdapterDefinition } from '#contract';
import { createRedmine } from './client.ts';
import { redmineConfig, type RedmineConfig } from './config.ts';

/** Redmine 4 and 5 over its REST API: applications become issues of one project. */
export const redmine: AdapterDefinition<RedmineConfig> = {
  id: 'redmine',
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: redmineConfig,
  expects: { system: 'Redmine', versions: '5.0' },
  create: createRedmine,
};
