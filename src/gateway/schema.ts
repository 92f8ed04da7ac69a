import { readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import { contractParts } from '../federation/rows/rows.ts';
import { applicationResolvers } from './resolvers/applications.ts';
import { catalogueResolvers } from './resolvers/catalogue.ts';
import { cityResolvers } from './resolvers/cities.ts';
import { coordinationResolvers } from './resolvers/coordination.ts';
import { contractResolvers } from './resolvers/contracts.ts';
import { eventResolvers } from './resolvers/events.ts';
import { federationResolvers } from './resolvers/federation.ts';
import { nodeResolvers } from './resolvers/node.ts';
import { problemResolvers } from './resolvers/problems.ts';
import { taskResolvers } from './resolvers/tasks.ts';
import { subgraphResolvers, subgraphTypes } from './subgraph.ts';
import { scalars } from './scalars.ts';
import { boundAnswers } from './answer-bounds.ts';
import { boundTexts } from './text-bounds.ts';
import type { Context } from './context.ts';

const read = (name: string): string => readFileSync(new URL(`../../schema/${name}.graphql`, import.meta.url), 'utf8');

/** Files of the schema, by feature. */
export const schemaParts = ['base', 'cities', 'catalogue', 'applications', 'coordination', 'events', 'tasks', 'federation'] as const;

/** The whole schema as one SDL text, for portal developers. */
export const joinedSchema = (): string => read('staedtebund');

/** The executable schema: every feature's part joined with its resolvers. */
export const createSchema = (): GraphQLSchema =>
  boundTexts(
    boundAnswers(
      makeExecutableSchema<Context>({
        typeDefs: [...schemaParts.map(read), ...contractParts(), subgraphTypes],
        resolvers: [
          scalars as Record<string, never>,
          nodeResolvers,
          problemResolvers,
          cityResolvers,
          catalogueResolvers,
          applicationResolvers,
          coordinationResolvers,
          eventResolvers,
          taskResolvers,
          federationResolvers,
          contractResolvers(),
          subgraphResolvers(joinedSchema),
        ],
        // A resolver that belongs to no field of the schema is a spelling mistake: fail at start.
        resolverValidationOptions: { requireResolversToMatchSchema: 'error' },
      }),
    ),
  );
