import { inLanguage, refuse, type Language } from '#contract';
import type { Place } from '../../catalogue/catalogue.ts';
import type { PlaceInput, Resolvers } from '../generated/resolver-types.ts';
import { toGlobalId } from '../ids.ts';
import { connection, pageRequest } from '../pages.ts';
import { asMember } from '../problems.ts';

const mostRegions = 50;

/** The place of a @oneOf input, which holds exactly one of its keys. */
export function toPlace({ ars, ags, postalCode }: PlaceInput): Place {
  if (ars) return { ars };
  if (ags) return { ags };
  return { postalCode: postalCode ?? '' };
}

const text = (localised: Parameters<typeof inLanguage>[0], language: Language | null | undefined) =>
  inLanguage(localised, language ?? 'DE');

const notNamed = { de: 'zuständige Stelle nicht angegeben', en: 'competent authority not stated' };

/** A URL of a city's file is shown only where a browser may follow it. */
const webUrl = (url: string | undefined) => (url && /^https?:$/.test(URL.parse(url)?.protocol ?? '') ? url : null);

/** Services, offers and who is responsible. */
export const catalogueResolvers: Resolvers = {
  Query: {
    service: (_, { key }, { features }) => features.catalogue.findService(key),
    services: (_, args, { features }) => {
      const page = pageRequest(args);
      const { search, lifeSituation, offeredIn, minimumMaturity } = args;
      return connection(
        features.catalogue.listServices({
          page,
          search: search ?? null,
          lifeSituation: lifeSituation ?? null,
          offeredIn: offeredIn ?? null,
          minimumMaturity: minimumMaturity ?? null,
        }),
        page,
      );
    },
    competence: (_, { service, place }, { features }) => {
      const answer = features.catalogue.competence(service, toPlace(place));
      if (!answer.found) return asMember('CompetenceResult', answer);
      return { offer: answer.offer, resolvedFrom: answer.resolvedFrom, path: answer.path };
    },
  },
  CompetenceResult: { __resolveType: (result) => ('__typename' in result ? (result.__typename as 'InvalidInput') : 'Competence') },
  Service: {
    id: ({ key }) => toGlobalId('Service', key),
    name: ({ name }, { language }) => text(name, language),
    summary: ({ summary }, { language }) => summary && text(summary, language),
    offers: ({ key }, args, { features }) => {
      const page = pageRequest(args);
      if (args.in && args.in.length > mostRegions)
        throw refuse({
          code: 'INVALID_INPUT',
          saying: 'LIST_TOO_LONG',
          facts: { what: 'in', found: args.in.length, most: mostRegions },
          path: ['in'],
        });
      return connection(features.catalogue.listOffers({ service: key, in: args.in ?? null, page }), page);
    },
  },
  ServiceEquivalence: { service: ({ key }, _, { features }) => features.catalogue.findService(key) },
  Offer: {
    id: ({ id }) => toGlobalId('Offer', id),
    name: ({ record }, { language }) => text(record.name, language),
    service: ({ serviceKey }, _, { features }) => found(features.catalogue.findService(serviceKey), `service ${serviceKey}`),
    municipality: ({ ars }, _, { features }) => found(features.catalogue.findMunicipality({ ars }), `municipality ${ars}`),
    competentAuthority: ({ record }) => record.authority,
    channels: ({ record }) => record.channels,
    maturityLevel: ({ record }) => record.maturityLevel,
    fees: ({ record }) => record.fees,
    processingTime: ({ record: { processingDays } }) =>
      processingDays ? { minimumDays: processingDays.min, maximumDays: processingDays.max } : null,
    requiredDocuments: ({ record }, { language }) => record.requiredDocuments.map((document) => text(document, language)),
    assuranceLevel: (offer, _, { features }) => features.catalogue.assuranceNeeded(offer),
    statedAssuranceLevel: ({ record }) => record.assuranceLevel ?? null,
    appointment: ({ record }) => record.appointment ?? 'OPTIONAL',
    statedAppointment: ({ record }) => record.appointment ?? null,
    form: ({ record }) => record.form ?? null,
    onlineUrl: ({ record }) => webUrl(record.onlineUrl),
    validFrom: ({ record }) => record.validFrom ?? null,
    validTo: ({ record }) => record.validTo ?? null,
    freshness: ({ asOf, source, stale }) => ({ asOf, source, stale }),
  },
  Authority: {
    name: ({ name }, { language }) => name ?? text(notNamed, language),
    isNamed: ({ name }) => name !== undefined,
    url: ({ url }) => webUrl(url),
  },
  Fee: { label: ({ label }, { language }) => label && text(label, language) },
};

/** Offers without their service or municipality would be a fault of the store: masked and logged, not hidden. */
function found<T>(value: T | null, what: string): T {
  if (value === null) throw new Error(`The catalogue holds an offer but not its ${what}`);
  return value;
}
