import type { Json } from '#contract';
import { graphqlSimulatedToken } from '../../adapters/graphql/simulator.ts';

/** The simulated ticket system as a city's file describes it. */
export const ticketApi = (url: string, over: Record<string, Json> = {}): Json => ({
  url: `${url}/graphql`,
  auth: { scheme: 'bearer', secret: graphqlSimulatedToken },
  idempotency: 'variable',
  submit: {
    document: 'mutation ($input: TicketInput!) { createTicket(input: $input) { known problems { field message } ticket { id number } } }',
    variables: {
      '/input/reference': '/key',
      '/input/service': '/service',
      '/input/title': '{/serviceName} (online)',
      '/input/person/name': '/applicant/name',
      '/input/person/email': '/applicant/email',
      '/input/form': '/formData',
    },
    at: '/createTicket/ticket',
    replayed: '/createTicket/known',
    problems: { at: '/createTicket/problems' },
  },
  case: { id: '/id', number: '/number', status: '/state', version: '/revision', updatedAt: '/changedAt' },
  load: {
    document: 'query ($ids: [ID!]!) { tickets(ids: $ids) { nodes { id number state revision changedAt } } }',
    variables: { '/ids': '/ids' },
    items: '/tickets/nodes',
  },
  changes: {
    document:
      'query ($since: String, $first: Int, $offset: Int) { tickets(changedSince: $since, first: $first, offset: $offset) { nodes { id number state revision changedAt } } }',
    variables: { '/since': '/since', '/first': '/limit', '/offset': '/offset' },
    items: '/tickets/nodes',
    limit: 20,
    overlapMs: 1000,
    everyMs: 200,
  },
  withdraw: {
    document: 'mutation ($id: ID!, $reason: String) { withdrawTicket(id: $id, reason: $reason) { ticket { id } } }',
    variables: { '/id': '/id', '/reason': '/reason' },
    at: '/withdrawTicket/ticket',
  },
  health: { document: '{ me { name } }' },
  rows: {
    fields: {
      'Municipality.kitas': {
        document: 'query ($keys: [ID!]!, $minFree: Int) { places(keys: $keys) { key kindergartens(minFree: $minFree) { __selection } } }',
        variables: { '/keys': '/rows', '/minFree': '/args/minFreePlaces' },
        items: '/places',
        ars: '/key',
        value: '/kindergartens',
        names: { freePlaces: 'vacancies' },
        expects: 'type Kita { name: String! freePlaces: Int street: String }',
      },
    },
  },
  ...over,
});
