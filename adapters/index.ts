import type { AdapterDefinition } from '#contract';
import { filedrop } from './filedrop/index.ts';
import { fitConnect } from './fit-connect/index.ts';
import { graphql } from './graphql/index.ts';
import { open311 } from './open311/index.ts';
import { pvog } from './pvog/index.ts';
import { redmine } from './redmine/index.ts';
import { rest } from './rest/index.ts';
import { soap } from './soap/index.ts';
import { sql } from './sql/index.ts';
import { xzufi } from './xzufi/index.ts';

/** The adapters that ship with the hub, by the product's name in a city's file. */
export const adapters: readonly AdapterDefinition[] = [filedrop, fitConnect, graphql, open311, pvog, redmine, rest, soap, sql, xzufi];
