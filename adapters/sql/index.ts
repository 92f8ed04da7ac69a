import type { AdapterDefinition } from '#contract';
import { createSql } from './client.ts';
import { sqlConfig, type SqlConfig } from './config.ts';

/** Any back office whose database is PostgreSQL, MariaDB or MySQL: one view to read, one INSERT or routine to write. */
export const sql: AdapterDefinition<SqlConfig> = {
  id: 'sql',
  version: '1.0.0',
  contract: ['1.1', '1.0'],
  config: sqlConfig,
  expects: { system: 'PostgreSQL, MariaDB', versions: 'PostgreSQL 15, MariaDB 10.11' },
  create: createSql,
};
