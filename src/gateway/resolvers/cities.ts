import { parseServiceKey, refuse, spelledAlike } from '#contract';
import type { Resolvers } from '../generated/resolver-types.ts';
import { toGlobalId } from '../ids.ts';
import { connection, pageRequest } from '../pages.ts';

const eitherKey = { de: 'entweder ars oder ags', en: 'either ars or ags' };

/** Municipalities and how their back offices are connected. */
export const cityResolvers: Resolvers = {
  Query: {
    municipality: (_, { ars, ags }, { features }) => {
      if (ars && !ags) return features.catalogue.findMunicipality({ ars });
      if (ags && !ars) return features.catalogue.findMunicipality({ ags });
      throw refuse({ code: 'INVALID_INPUT', facts: { what: 'municipality', found: ars ? 'ars + ags' : '–', expected: eitherKey } });
    },
    municipalities: (_, args, { features }) => {
      const page = pageRequest(args);
      const { search, postalCode, federalState, connected } = args;
      return connection(
        features.catalogue.listMunicipalities({
          page,
          search: search ?? null,
          postalCode: postalCode ?? null,
          federalState: federalState ?? null,
          connected: connected ?? null,
        }),
        page,
      );
    },
  },
  Municipality: {
    id: ({ ars }) => toGlobalId('Municipality', ars),
    formerKeys: ({ ars }, _, { features }) => features.catalogue.keys.keysOfMunicipality(ars).filter((key) => !spelledAlike(key, ars)),
    connection: ({ ars }, _, { features }) => features.cities.findByArs(ars),
    offers: ({ ars }, args, { features }) => {
      const page = pageRequest(args);
      return connection(features.catalogue.listOffers({ ars, search: args.search ?? null, page }), page);
    },
    offer: ({ ars }, { service }, { features }) => {
      const key = parseServiceKey(service);
      return key && features.catalogue.findOfferFor(ars, key);
    },
  },
  CityConnection: {
    since: ({ since }) => new Date(since),
    adapters: ({ id }, _, { loaders }) => loaders.adapterStatus.load(id),
    freshness: ({ ars }, _, { features }) => features.catalogue.freshness(ars),
  },
  AdapterStatus: {
    // Hints speak of hosts, credentials and rights: they are for those who run the system.
    hint: ({ hint, ars }, _, { principal, features }) =>
      principal?.roles.includes('city') && features.catalogue.keys.sameMunicipality(principal.ars, ars) ? hint : null,
  },
};
