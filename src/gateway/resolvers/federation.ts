import { HubError, inLanguage, refuse } from '#contract';
import type { Federation, Registration, SubgraphStatus } from '../../federation/federation.ts';
import { readEntry } from '../../federation/entry.ts';
import type { Context } from '../context.ts';
import { getPrincipal } from '../context.ts';
import type { Resolvers, SubgraphBreaker, SubgraphState } from '../generated/resolver-types.ts';
import { asMember } from '../problems.ts';

/** The graph, for whoever runs the hub. @throws HubError PROBLEM UNAUTHENTICATED, FORBIDDEN */
function federationFor(context: Context): Federation {
  if (!getPrincipal(context).roles.includes('operator')) throw refuse({ code: 'FORBIDDEN', facts: { role: 'operator' } });
  const { federation } = context.features;
  if (!federation) throw refuse({ code: 'NOT_FOUND' });
  return federation;
}

const statusOf = (federation: Federation, name: string): SubgraphStatus => {
  const found = federation.list().find((one) => one.name === name);
  if (!found) throw new Error(`The subgraph ${name} was accepted and is not there`);
  return found;
};

/** That nothing can be composed of it, or nothing can be had, is an answer to whoever registers it. */
function toRefusal(error: unknown): Registration {
  if (!(error instanceof HubError) || error.code !== 'SUBGRAPH_REFUSED') throw error;
  const problem = { de: `Der Subgraph wurde nicht aufgenommen: ${error.message}`, en: `The subgraph was not taken in: ${error.message}` };
  const remedy = { de: 'Bis dahin gilt der bisherige Stand weiter.', en: 'Until then the hub goes on with what it had before.' };
  return { accepted: false, objections: [{ line: 1, column: 1, problem, remedy }] };
}

/** Subgraphs and how they are plugged in. */
export const federationResolvers: Resolvers = {
  Query: {
    subgraphs: (_, __, context) => federationFor(context).list(),
  },
  Mutation: {
    async registerSubgraph(_, { input }, context) {
      const federation = federationFor(context);
      const { sdl, overrides, entities, claims, timeoutMs, concurrency, name, url } = input;
      const entry = readEntry({
        name,
        url,
        grants: { overrides: overrides ?? [], entities: entities ?? [] },
        ...(claims && { claims }),
        ...(typeof timeoutMs === 'number' && { timeoutMs }),
        ...(typeof concurrency === 'number' && { concurrency }),
      });
      if (!('name' in entry)) {
        const [first] = entry;
        const path = ['input', ...(first?.path ?? []).map(String)];
        return asMember('RegisterSubgraphResult', {
          problem: { code: 'INVALID_INPUT', facts: { what: path.at(-1) ?? '', found: '…', expected: first?.expected ?? '' }, path },
        });
      }
      const made = await federation.register({ ...entry, ...(typeof sdl === 'string' && { sdl }) }, 'api').catch(toRefusal);
      if (!made.accepted) return { __typename: 'SubgraphRefused', objections: made.objections };
      return { __typename: 'RegisterSubgraphSuccess', subgraph: statusOf(federation, made.subgraph.name), changed: made.changed };
    },
    removeSubgraph: async (_, { name }, context) =>
      (await federationFor(context).remove(name))
        ? { __typename: 'RemoveSubgraphSuccess', name }
        : asMember('RemoveSubgraphResult', { problem: { code: 'NOT_FOUND', facts: { what: name }, path: ['name'] } }),
  },
  RegisterSubgraphResult: { __resolveType: (result) => (result as unknown as { __typename: 'SubgraphRefused' }).__typename },
  RemoveSubgraphResult: { __resolveType: (result) => (result as unknown as { __typename: 'NotFound' }).__typename },
  Subgraph: {
    state: ({ state }) => state.toUpperCase() as SubgraphState,
    breaker: ({ breaker }) => breaker.toUpperCase().replace('-', '_') as SubgraphBreaker,
  },
  SubgraphObjection: {
    message: ({ problem, remedy }, { language }) => `${inLanguage(problem, language)} ${inLanguage(remedy, language)}`,
  },
};
