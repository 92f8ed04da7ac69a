import type { AdapterDefinition } from '#contract';
import { createGraphql } from './client.ts';
import { graphqlConfig, type GraphqlConfig } from './config.ts';

/** Any back office with a GraphQL API, described by operations in the city's file. */
export const graphql: AdapterDefinition<GraphqlConfig> = {
  id: 'graphql',
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: graphqlConfig,
  create: createGraphql,
};
